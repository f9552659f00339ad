package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/inbox"
)

// rulebook reads the rules and knows which signals they name.
type rulebook struct {
	with config.RepositoryRules
	// floor is with as the daemon's file says it now; nil is as at the start.
	floor  atomic.Pointer[config.RepositoryRules]
	health *healthSources
	// clusters are asked in the name of this repository.
	clusters *clusters
	// trees are the repository's; nil where there is none to look up.
	trees trees
	// sources say where charts come from; nil where nobody can.
	sources loop.Sources

	mu    sync.Mutex
	rules *config.Rules
}

var (
	_ loop.Rules  = (*rulebook)(nil)
	_ loop.Health = (*rulebook)(nil)
)

// Rules parses the rule files. Problems hold what they cover; they are no
// error of the look.
func (b *rulebook) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	list := make([]config.File, 0, len(files))
	for name, data := range files {
		list = append(list, config.File{Name: name, Data: data})
	}
	with := b.with
	if newer := b.floor.Load(); newer != nil {
		with = *newer
	}
	rules, err := config.ParseRules(list, with, now)
	b.mu.Lock()
	b.rules = rules
	b.mu.Unlock()
	ruling := loop.Ruling{Routes: rules.Routes, Until: rules.Until}
	if problems, ok := err.(config.Problems); ok { //nolint:errorlint // ParseRules promises this type
		for _, p := range problems {
			ruling.Problems = append(ruling.Problems, p.String())
		}
	} else if err != nil {
		return ruling, err
	}
	b.elsewhere(&ruling)
	return ruling, nil
}

// elsewhere holds the lanes of other repositories: one loop works for one.
func (b *rulebook) elsewhere(r *loop.Ruling) {
	for i := range r.Routes {
		for j := range r.Routes[i].Waves {
			w := &r.Routes[i].Waves[j]
			for k := range w.Stops {
				if s := &w.Stops[k]; s.Lane.Repository != b.with.Name && s.Held == "" {
					s.Held = fmt.Sprintf("environment %s lives in repository %s: environments of another repository are %s", s.Lane.Environment, s.Lane.Repository, uncollected)
				}
			}
		}
	}
}

// Health asks every signal of a lane about what Git names there.
func (b *rulebook) Health(ctx context.Context, lane gitops.Lane, q signals.Question) ([]signals.Health, error) {
	b.mu.Lock()
	specs := b.rules.Health[lane]
	on := ladderOf(b.rules.Routes, lane, b.trees)
	b.mu.Unlock()
	on.asked, on.sources = q, b.sources
	answers := make([]signals.Health, len(specs))
	var g errgroup.Group
	g.SetLimit(4)
	for i, s := range specs {
		g.Go(func() error {
			answers[i] = b.answer(ctx, lane, s, on)
			return nil
		})
	}
	return answers, g.Wait()
}

// answer is what a signal says about what Git names, as the core may count it.
func (b *rulebook) answer(ctx context.Context, lane gitops.Lane, s config.HealthSpec, on ladder) signals.Health {
	s, err := s.About(on.asked.Tag, on.asked.Digest)
	if err != nil {
		return unanswered(s, on.asked, err.Error())
	}
	return b.late(ctx, s, on.asked, on.bind(ctx, s, b.health.ask(ctx, lane, s, on.asked)))
}

// late says why a version has not arrived where the one before is well, if its
// source knows: then it is on the way.
func (b *rulebook) late(ctx context.Context, s config.HealthSpec, q signals.Question, h signals.Health) signals.Health {
	if s.Kind != config.SignalFlux || h.State != signals.StateHealthy || h.Digest == "" || q.Digest == "" || h.Digest == q.Digest {
		return h
	}
	if why := b.clusters.behind(ctx, s); why != "" {
		h.State, h.Reason, h.Since, h.Proven = signals.StateProgressing, signals.Plain(why, 300), h.At, false
	}
	return h
}

// ask asks the connection that a signal names.
func (h *healthSources) ask(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) signals.Health {
	source, ok := h.sources[s.Signal]
	if ok {
		return source.ask(ctx, lane, s, q)
	}
	if err := h.broken[s.Signal]; err != nil {
		return unanswered(s, q, err.Error())
	}
	return signals.Health{Name: s.Name, Uncollected: true, At: time.Now().UTC(), Source: s.Signal, Reason: s.Kind + " is " + uncollected}
}

// asks says whether the rules name a connection of kind inbox for a slot.
func (b *rulebook) asks(connection string, slot inbox.Slot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rules == nil {
		return false
	}
	for lane, specs := range b.rules.Health {
		if lane.Environment != slot.Environment || lane.Artifact != slot.Artifact {
			continue
		}
		for _, s := range specs {
			if s.Name == slot.Signal && s.Signal == connection && s.Kind == config.SignalInbox {
				return true
			}
		}
	}
	return false
}

// alerted are the environments whose signals read alerts.
func (b *rulebook) alerted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rules == nil {
		return nil
	}
	var names []string
	for lane, specs := range b.rules.Health {
		for _, s := range specs {
			if (s.Filter != "" || len(s.Scope) > 0) && !slices.Contains(names, lane.Environment) {
				names = append(names, lane.Environment)
			}
		}
	}
	return names
}

// newRulebook makes the reader of one repository's rules.
func newRulebook(d *config.Daemon, r config.Repository, h *healthSources) *rulebook {
	return &rulebook{with: d.Rules(r), health: h, clusters: newClusters(d, r)}
}

// lanes are all stops of all routes.
func lanes(routes []promoter.Route) []promoter.Stop {
	var all []promoter.Stop
	for _, r := range routes {
		for _, w := range r.Waves {
			all = append(all, w.Stops...)
		}
	}
	return all
}
