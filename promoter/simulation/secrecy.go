package simulation

import (
	"context"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// leaks are the places where somebody saw a secret. Logs are written beside the
// turnstile.
type leaks struct {
	mu   sync.Mutex
	seen []string
}

// look notes where a text has a secret.
func (l *leaks) look(where, text string) {
	secret := world.Leaked(text)
	if secret == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, where+" shows "+secret)
}

func (l *leaks) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

// secrecy holds that nothing that a process wrote shows a secret, and nothing
// that it logged or told its page since.
func (s *sim) secrecy(d world.Deed) {
	s.leaks.look(d.Kind, d.Text+d.Check.Text+d.Check.Target)
	if p := s.world.Proposal(d.Proposal); p != nil {
		s.leaks.look("proposal "+p.ID, p.Title+p.Body)
		for _, e := range p.Events {
			s.leaks.look("a comment on proposal "+p.ID, e.Text)
		}
	}
	if c := s.world.Commits[d.Head]; c != nil && d.Kind == "push" {
		s.leaks.look("commit "+c.ID.Short(), c.Message)
		for _, name := range s.world.Changed(c.Parent, c.ID) {
			s.leaks.look(name, c.Files[name])
		}
	}
	s.kept()
}

// kept tells what was seen of secrets.
func (s *sim) kept() {
	for _, where := range s.leaks.take() {
		s.broken([]law.Violation{{Law: "secrets", Text: where}})
	}
}

// watch reads a view as its page would show it.
func (l *leaks) watch(v loop.View) {
	if v.Quiet {
		return
	}
	for source, why := range v.Silent {
		l.look("the page, about "+source, why)
	}
	for _, p := range v.Problems {
		l.look("the page", p)
	}
	for _, p := range v.Plans {
		for i := range p.Lanes {
			for _, w := range p.Lanes[i].Verdicts {
				l.look("a verdict", w.Reason)
			}
		}
	}
}

// Write takes in the log.
func (l *leaks) Write(line []byte) (int, error) {
	l.look("the log", string(line))
	return len(line), nil
}

func (l *leaks) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// measure holds that no metric of a life shows a secret.
func (l *leaks) measure(r *prometheus.Registry) {
	families, err := r.Gather()
	if err != nil {
		return // what cannot be gathered is not shown
	}
	for _, f := range families {
		l.look("metric "+f.GetName(), f.String())
	}
}

// memories holds that what a store remembers shows no secret.
func (a *auditor) memories(ctx context.Context, l *leaks) {
	for _, bucket := range loop.Buckets() {
		records, err := a.store.List(ctx, bucket, "")
		if err != nil {
			a.say("list %s: %v", bucket, err)
		}
		for _, r := range records {
			l.look("the memory of "+bucket, string(r.Value))
		}
	}
}
