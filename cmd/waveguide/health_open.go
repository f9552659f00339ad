package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/alertmanager"
	"github.com/waveguide-dev/waveguide/signals/inbox"
	"github.com/waveguide-dev/waveguide/signals/probe"
	"github.com/waveguide-dev/waveguide/signals/prometheus"
)

// healthSources are the connections of the daemon's file that know about
// health, by name. A connection that cannot be opened says why to its lanes.
type healthSources struct {
	sources map[string]*healthSource
	broken  map[string]error
	inboxes map[string]*inbox.Inbox
	alerts  []*alertmanager.Client
	secrets *secrets
}

// openHealth opens the sources of a daemon; none of them is asked yet.
func (w *daemon) openHealth(questions *prom.CounterVec) *healthSources {
	out := &healthSources{sources: map[string]*healthSource{}, broken: map[string]error{}, inboxes: map[string]*inbox.Inbox{}, secrets: w.secrets}
	for _, c := range w.config.Signals {
		read, err := w.openSignal(out, c)
		if err != nil {
			out.broken[c.Name] = err
			continue
		}
		source := newHealthSource(c, read)
		source.asked = func(result string) { questions.WithLabelValues(c.Name, result).Inc() }
		out.sources[c.Name] = source
	}
	for _, c := range w.config.Signals {
		if source := out.sources[c.Name]; source != nil && c.Fallback != "" {
			source.instead = out.sources[c.Fallback]
		}
	}
	return out
}

// openSignal opens one connection.
func (w *daemon) openSignal(out *healthSources, c config.Signal) (healthReader, error) {
	switch c.Kind {
	case config.SignalProbe:
		return openProbe(w.config)
	case config.SignalInbox:
		box := w.openInbox(c)
		out.inboxes[c.Name] = box
		return func(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) (signals.Health, error) {
			return box.Check(ctx, inbox.Slot{Environment: lane.Environment, Artifact: lane.Artifact, Signal: s.Name}, q)
		}, nil
	case config.SignalPrometheus:
		return openPrometheus(out, c)
	case config.SignalAlertmanager:
		alerts, err := out.openAlerts(c)
		return alerts.read, err
	case config.SignalArgoCD, config.SignalFlux, config.SignalKubernetes:
		return w.askCluster, nil
	}
	return nil, fmt.Errorf("%s is %s", c.Kind, uncollected)
}

// askCluster asks a cluster in the name of the lane's repository.
func (w *daemon) askCluster(ctx context.Context, lane gitops.Lane, s config.HealthSpec, _ signals.Question) (signals.Health, error) {
	for _, b := range w.rulebooks {
		if b.with.Name == lane.Repository {
			return b.clusters.ask(ctx, s)
		}
	}
	return signals.Health{}, fmt.Errorf("nobody looks after repository %s", lane.Repository)
}

// signalClient makes the client of a connection.
func signalClient(c config.Signal, kept *secrets) (*http.Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("the url of signal %s is no address", c.Name)
	}
	return newHTTPClient(httpLimits{Timeout: cmp.Or(c.Timeout, healthTimeout), CAFile: c.CAFile, AllowHosts: []string{u.Hostname()}, Secrets: kept})
}

// authorize sets a connection's headers and credentials, read anew each time.
func authorize(c config.Signal) func(*http.Request) error {
	return func(r *http.Request) error {
		for name, value := range c.Headers {
			r.Header.Set(name, value)
		}
		if !c.Token.IsZero() {
			token, err := secret(c.Token)
			r.Header.Set("Authorization", "Bearer "+token)
			return err
		}
		if c.Username.IsZero() && c.Password.IsZero() {
			return nil
		}
		user, err := secret(c.Username)
		if err != nil {
			return err
		}
		password, err := secret(c.Password)
		r.SetBasicAuth(user, password)
		return err
	}
}

// openProbe makes the reader of probes. The hosts of all connections may be on
// private addresses; those of rules may not.
func openProbe(d *config.Daemon) (healthReader, error) {
	var hosts []string
	for _, s := range d.Signals {
		if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	client, err := newHTTPClient(httpLimits{Timeout: healthTimeout, AllowHosts: hosts})
	if err != nil {
		return nil, err
	}
	p := probe.New(probe.Options{HTTP: client})
	return func(ctx context.Context, _ gitops.Lane, s config.HealthSpec, _ signals.Question) (signals.Health, error) {
		return p.Check(ctx, probeSpec(s)), nil
	}, nil
}

func probeSpec(s config.HealthSpec) probe.Spec {
	q := probe.Spec{Name: s.Name, URL: s.URL, Status: s.Status, Text: s.Text, DigestFrom: s.DigestFrom, Timeout: s.Timeout}
	if s.JSON != nil {
		q.JSON = map[string]string{s.JSON.Path: s.JSON.Value}
	}
	if s.Progressing != nil {
		q.Progressing = map[string]string{s.Progressing.Path: s.Progressing.Value}
	}
	return q
}

// openPrometheus makes the reader of queries, and of Prometheus' own alerts.
func openPrometheus(out *healthSources, c config.Signal) (healthReader, error) {
	client, err := signalClient(c, out.secrets)
	if err != nil {
		return nil, err
	}
	numbers, err := prometheus.New(prometheus.Options{URL: c.URL, HTTP: client, Authorize: authorize(c)})
	if err != nil {
		return nil, err
	}
	alerts, err := out.openAlerts(c)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) (signals.Health, error) {
		if s.Query == "" {
			return alerts.read(ctx, lane, s, q)
		}
		return numbers.Check(ctx, prometheusSpec(s), q)
	}, nil
}

func prometheusSpec(s config.HealthSpec) prometheus.Spec {
	p := prometheus.Spec{
		Name: s.Name, Query: s.Query, Bounds: prometheus.Bounds{Below: s.Below, Above: s.Above},
		Over: s.Over, Settle: s.Settle, Timeout: s.Timeout,
	}
	if t := s.MinTraffic; t != nil {
		p.Traffic = &prometheus.Traffic{Query: t.Query, Above: t.Above}
	}
	if b := s.Baseline; b != nil {
		p.Baseline = &prometheus.Baseline{Query: b.Query, Below: b.Below, Above: b.Above, Slack: b.Slack}
	}
	return p
}

// alertsReader reads alerts of a connection.
type alertsReader struct{ client *alertmanager.Client }

func (h *healthSources) openAlerts(c config.Signal) (alertsReader, error) {
	client, err := signalClient(c, h.secrets)
	if err != nil {
		return alertsReader{}, err
	}
	a, err := alertmanager.New(alertmanager.Options{
		URL: c.URL, HTTP: client, Authorize: authorize(c), Prometheus: c.Kind == config.SignalPrometheus, Timeout: c.Timeout,
	})
	if err != nil {
		return alertsReader{}, err
	}
	h.alerts = append(h.alerts, a)
	return alertsReader{a}, nil
}

func (a alertsReader) read(ctx context.Context, _ gitops.Lane, s config.HealthSpec, q signals.Question) (signals.Health, error) {
	return a.client.Check(ctx, alertmanager.Spec{Name: s.Name, Filter: s.Filter, Scope: s.Scope}, q)
}
