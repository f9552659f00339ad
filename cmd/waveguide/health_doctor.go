package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// signals asks every connection that is no cluster's something that it can
// always answer. Probes have no connection; an inbox is asked for its tokens.
func (p *patient) signals(ctx context.Context, d *config.Daemon) {
	sources := (&daemon{config: d, secrets: p.secrets}).openHealth(signalQuestions())
	for _, c := range d.Signals {
		if c.Kind == config.SignalProbe || isCluster(c.Kind) {
			continue
		}
		p.note("signal "+c.Name, sources.answers(ctx, c))
	}
}

func (h *healthSources) answers(ctx context.Context, c config.Signal) error {
	if err := h.broken[c.Name]; err != nil {
		return err
	}
	zero := 0.0
	s := config.HealthSpec{Name: "doctor", Signal: c.Name, Kind: c.Kind}
	switch c.Kind {
	case config.SignalPrometheus:
		s.Query, s.Above = "vector(1)", &zero
	case config.SignalAlertmanager:
		s.Filter = `alertname="no alert has this name"`
	case config.SignalInbox:
		return tokensOf(c)
	default:
		return fmt.Errorf("%s is %s", c.Kind, uncollected)
	}
	got, err := h.sources[c.Name].read(ctx, gitops.Lane{}, s, signals.Question{})
	if err == nil && got.State != signals.StateHealthy {
		err = errors.New(got.Reason)
	}
	return err
}

// tokensOf says which token of an inbox cannot be read.
func tokensOf(c config.Signal) error {
	if len(c.Tokens) == 0 {
		return errors.New("nobody may push: write tokens")
	}
	for _, t := range c.Tokens {
		switch token, err := secret(t.Token); {
		case err != nil:
			return fmt.Errorf("token %s: %w", t.Name, err)
		case token == "":
			return fmt.Errorf("token %s is empty", t.Name)
		}
	}
	return nil
}
