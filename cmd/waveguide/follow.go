package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

const (
	// followEvery is how often the rules are asked what there is to follow.
	followEvery = 10 * time.Second
	// followRest is how often one environment is hinted at, at most: pods of a
	// busy namespace change all the time.
	followRest = 5 * time.Second
	maxFollows = 50
)

// scope is what one watch or stream covers.
type scope struct {
	repository                       string
	signal, kind, namespace, project string
}

// scopeOf is the scope in which a question's object is, and whether its
// connection is to be followed.
func (b *rulebook) scopeOf(s config.HealthSpec) (scope, bool) {
	i := slices.IndexFunc(b.clusters.signals, func(c config.Signal) bool { return c.Name == s.Signal })
	if i < 0 || !b.clusters.signals[i].Watch || !isCluster(s.Kind) {
		return scope{}, false
	}
	out := scope{repository: b.with.Name, signal: s.Signal, namespace: namespaceOf(s), project: s.Project}
	if s.Kind == config.SignalFlux {
		out.kind, _, _ = strings.Cut(s.Object, "/")
	}
	return out, true
}

// concerns says whether a change of a name in its scope is about a question's
// object; no name is any. Pods bear the name of their workload.
func concerns(s config.HealthSpec, name string) bool {
	_, object, _ := strings.Cut(s.Object, "/")
	switch {
	case name == "" || s.Selector != "":
		return true
	case s.Kind == config.SignalArgoCD:
		return s.Application == name
	case s.Kind == config.SignalFlux:
		return object == name
	}
	return strings.HasPrefix(name, object+"-")
}

// scopes are all that is to be followed.
func (b *rulebook) scopes(add func(scope)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rules == nil {
		return
	}
	for _, specs := range b.rules.Health {
		for _, s := range specs {
			if at, ok := b.scopeOf(s); ok {
				add(at)
			}
		}
	}
}

// concerned are the environments that a change is about.
func (b *rulebook) concerned(at scope, name string) (environments []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for lane, specs := range b.rules.Health {
		for _, s := range specs {
			if of, ok := b.scopeOf(s); ok && of == at && concerns(s, name) && !slices.Contains(environments, lane.Environment) {
				environments = append(environments, lane.Environment)
			}
		}
	}
	return environments
}

// follow keeps a watch open for each scope that the rules name, where the
// daemon's file asks for it.
func (w *daemon) follow(ctx context.Context) error {
	if !slices.ContainsFunc(w.config.Signals, func(s config.Signal) bool { return s.Watch }) {
		return nil
	}
	f := follows{daemon: w, open: map[scope]context.CancelFunc{}}
	t := time.NewTicker(followEvery)
	defer t.Stop()
	for {
		f.adjust(ctx)
		select {
		case <-ctx.Done():
			return f.group.Wait()
		case <-t.C:
		}
	}
}

// follows are the scopes that are followed, and how each is ended.
type follows struct {
	daemon *daemon
	group  errgroup.Group
	open   map[scope]context.CancelFunc
}

// adjust ends what no rule names any more and begins what is named now.
func (f *follows) adjust(ctx context.Context) {
	wanted := map[scope]*rulebook{}
	for _, b := range f.daemon.rulebooks {
		b.scopes(func(s scope) { wanted[s] = b })
	}
	for s, stop := range f.open {
		if wanted[s] == nil {
			stop()
			delete(f.open, s)
		}
	}
	for s, b := range wanted {
		if f.open[s] != nil || len(f.open) >= maxFollows {
			continue
		}
		following, stop := context.WithCancel(ctx)
		f.open[s] = stop
		f.group.Go(func() error {
			defer stop()
			f.daemon.followScope(following, b, s)
			return nil
		})
	}
}

// followScope follows one scope; what cannot be reached is tried again.
func (w *daemon) followScope(ctx context.Context, b *rulebook, s scope) {
	log := w.log.With("signal", s.signal, "namespace", s.namespace)
	last := map[string]time.Time{}
	hint := func(name string) {
		for _, e := range b.concerned(s, name) {
			if now := time.Now(); now.Sub(last[e]) >= followRest {
				last[e] = now
				w.hint(loop.Hint{Environment: e})
			}
		}
	}
	for ctx.Err() == nil {
		to, err := b.clusters.connection(s.signal)
		if err != nil {
			log.WarnContext(ctx, "cannot follow", "error", w.secrets.redact(err.Error()))
		} else {
			to.follow(ctx, s, hint, func(err error) {
				log.WarnContext(ctx, "following broke off", "error", w.secrets.redact(err.Error()))
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(followEvery):
		}
	}
}
