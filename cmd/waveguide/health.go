package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/probe"
)

// rulebook reads the rules and knows which signals they name.
type rulebook struct {
	with     config.RepositoryRules
	probe    *probe.Probe
	clusters *clusters
	// trees are the repository's; nil where there is none to look up.
	trees trees

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
	rules, err := config.ParseRules(list, b.with, now)
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

// Health asks every signal of a lane.
func (b *rulebook) Health(ctx context.Context, lane gitops.Lane) ([]signals.Health, error) {
	b.mu.Lock()
	specs := b.rules.Health[lane]
	on := ladderOf(b.rules.Routes, lane, b.trees)
	b.mu.Unlock()
	answers := make([]signals.Health, len(specs))
	var g errgroup.Group
	g.SetLimit(4)
	for i, s := range specs {
		g.Go(func() error {
			answers[i] = on.bind(ctx, s, b.ask(ctx, s))
			return nil
		})
	}
	return answers, g.Wait()
}

func (b *rulebook) ask(ctx context.Context, s config.HealthSpec) signals.Health {
	if isCluster(s.Kind) {
		return b.clusters.ask(ctx, s)
	}
	if s.Kind != config.SignalProbe {
		return signals.Health{Name: s.Name, Uncollected: true, At: time.Now().UTC(), Source: s.Signal, Reason: s.Kind + " is " + uncollected}
	}
	q := probe.Spec{Name: s.Name, URL: s.URL, Status: s.Status, Text: s.Text, DigestFrom: s.DigestFrom, Timeout: s.Timeout}
	if s.JSON != nil {
		q.JSON = map[string]string{s.JSON.Path: s.JSON.Value}
	}
	return b.probe.Check(ctx, q)
}

// newRulebook makes the reader of one repository's rules.
func newRulebook(d *config.Daemon, r config.Repository) (*rulebook, error) {
	var hosts []string
	for _, s := range d.Signals {
		if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	client, err := newHTTPClient(httpLimits{Timeout: 15 * time.Second, AllowHosts: hosts})
	if err != nil {
		return nil, err
	}
	return &rulebook{with: d.Rules(r), probe: probe.New(probe.Options{HTTP: client}), clusters: newClusters(d, r)}, nil
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
