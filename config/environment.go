package config

import (
	"slices"
	"time"
)

// Environment is a place that versions are promoted into: labels to select it
// by, a path in a GitOps repository, and how to know that it is healthy.
type Environment struct {
	Header `yaml:",inline"`
	// Repository is another repository of the daemon; empty is this one.
	Repository string            `yaml:"repository,omitempty" jsonschema_description:"another repository of the daemon; this one if not written"`
	Path       string            `yaml:"path" jsonschema:"required" jsonschema_description:"folder or file of the desired state; ${artifact} stands for the artifact's name"`
	Place      string            `yaml:"place,omitempty" jsonschema_description:"explicit path expression inside the file; the image is searched if not written"`
	Labels     map[string]string `yaml:"labels,omitempty"`
	// Running is the lowest evidence that is accepted for what runs.
	Running string       `yaml:"running,omitempty" jsonschema:"enum=reported,enum=desired"`
	Health  []HealthSpec `yaml:"health,omitempty"`
}

// HealthSpec is one health signal of an environment; expanded for an artifact it
// is what an adapter shall ask.
type HealthSpec struct {
	Name string `yaml:"name" jsonschema:"required"`
	// Signal names a connection of the daemon's file, Kind is what it is.
	Signal string `yaml:"signal" jsonschema:"required"`
	Kind   string `yaml:"-"`

	Application string `yaml:"application,omitempty" jsonschema_description:"argocd: the application's name"`
	Namespace   string `yaml:"namespace,omitempty" jsonschema_description:"argocd, flux, kubernetes: the namespace"`
	Object      string `yaml:"object,omitempty" jsonschema_description:"flux, kubernetes: kind/name"`
	Query       string `yaml:"query,omitempty" jsonschema_description:"prometheus: a query with one number as its answer"`
	Filter      string `yaml:"filter,omitempty" jsonschema_description:"alertmanager: matchers of the alerts that count"`

	// The probe's address and what it must answer.
	URL        string        `yaml:"url,omitempty" jsonschema_description:"probe: the address"`
	Status     int           `yaml:"status,omitempty" jsonschema_description:"probe: the wanted status, 200 if not written"`
	JSON       *JSONExpect   `yaml:"json,omitempty" jsonschema_description:"probe: a value that the answer must hold"`
	Text       string        `yaml:"text,omitempty" jsonschema_description:"probe: a text that the answer must hold"`
	DigestFrom string        `yaml:"digestFrom,omitempty" jsonschema_description:"probe: the JSON path of the digest that runs"`
	Timeout    time.Duration `yaml:"timeout,omitempty"`

	Below *float64 `yaml:"below,omitempty" jsonschema_description:"prometheus: healthy while the answer is below"`
	Above *float64 `yaml:"above,omitempty" jsonschema_description:"prometheus: healthy while the answer is above"`

	Tolerate time.Duration `yaml:"tolerate,omitempty" jsonschema_description:"bad news shorter than this does not reset the soak"`
	MaxAge   time.Duration `yaml:"maxAge,omitempty" jsonschema_description:"how old the newest answer may be"`
	OnNoData string        `yaml:"onNoData,omitempty" jsonschema:"enum=wait,enum=healthy"`
}

// JSONExpect is a value at a path of a JSON answer.
type JSONExpect struct {
	Path  string `yaml:"path" jsonschema:"required"`
	Value string `yaml:"value" jsonschema:"required"`
}

func (e *Environment) check(d *document, with RepositoryRules) {
	d.checkName(e.Name, "an environment", "name")
	if e.Repository != "" && !slices.Contains(with.Repositories, e.Repository) {
		d.reportAt([]any{"repository"}, nearest(e.Repository, with.Repositories), "unknown repository %q", clip(e.Repository))
	}
	if why := checkTemplate(e.Path); why != "" {
		d.reportAt([]any{"path"}, "", "path: %s", why)
	} else if why := checkPath(expand(e.Path, "a"), false); why != "" && e.Path != "" {
		d.reportAt([]any{"path"}, "", "path %q cannot be an environment's: %s", clip(e.Path), why)
	}
	if why := checkTemplate(e.Place); why != "" {
		d.reportAt([]any{"place"}, "", "place: %s", why)
	}
	for key := range e.Labels {
		if slices.Contains(reserved(), key) {
			d.reportAt([]any{"labels", key}, "choose another word", "label %s has a meaning of its own in match", key)
		}
	}
	names := map[string]bool{}
	for i, h := range e.Health {
		at := []any{"health", i}
		d.checkName(h.Name, "a health signal", append(at, "name")...)
		d.unique(names, h.Name, "health signal", append(at, "name"))
		e.Health[i].check(d, with, at)
	}
}

func (h *HealthSpec) check(d *document, with RepositoryRules, at []any) {
	kind, ok := with.Signals[h.Signal]
	if !ok {
		known := make([]string, 0, len(with.Signals))
		for name := range with.Signals {
			known = append(known, name)
		}
		d.reportAt(append(at, "signal"), nearest(h.Signal, known), "unknown signal %q", clip(h.Signal))
		return
	}
	h.Kind = kind
	h.checkKeys(d, at)
	for key, why := range map[string]string{
		"application": checkTemplate(h.Application), "namespace": checkTemplate(h.Namespace), "object": checkTemplate(h.Object),
		"query": checkQuery(h.Query), "filter": checkQuery(h.Filter), "text": checkTemplate(h.Text),
	} {
		if why != "" {
			d.reportAt(append(slices.Clip(at), key), "", "%s: %s", key, why)
		}
	}
	if h.URL != "" {
		if why := checkURL(h.URL); why != "" {
			d.reportAt(append(at, "url"), "", "url %q: %s", clip(h.URL), why)
		}
	}
	if h.Status != 0 && (h.Status < 100 || h.Status > 599) {
		d.reportAt(append(at, "status"), "", "%d is not a status of HTTP", h.Status)
	}
}

// checkKeys reports keys that the kind of the signal needs or does not know.
func (h *HealthSpec) checkKeys(d *document, at []any) {
	needs := map[string]string{SignalArgoCD: "application", SignalPrometheus: "query", SignalAlertmanager: "filter", SignalProbe: "url", SignalFlux: "object", SignalKubernetes: "object"}[h.Kind]
	owners := map[string][]string{
		"application": {SignalArgoCD}, "namespace": {SignalArgoCD, SignalFlux, SignalKubernetes}, "object": {SignalFlux, SignalKubernetes},
		"query": {SignalPrometheus}, "below": {SignalPrometheus}, "above": {SignalPrometheus}, "filter": {SignalAlertmanager},
		"url": {SignalProbe}, "status": {SignalProbe}, "json": {SignalProbe}, "text": {SignalProbe}, "digestFrom": {SignalProbe},
	}
	n := find(d.root, at)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if who, ok := owners[key.Value]; ok && !slices.Contains(who, h.Kind) {
			d.report(key, "", "%s has no meaning for a signal of kind %s", key.Value, h.Kind)
		}
	}
	if needs != "" && child(n, needs) == nil {
		d.report(n, "", "a signal of kind %s needs %s", h.Kind, needs)
	}
	if h.Kind == SignalPrometheus && (h.Below == nil) == (h.Above == nil) {
		d.report(n, "", "write either below or above, to say what is healthy")
	}
}

// expanded is the signal for one artifact.
func (h *HealthSpec) expanded(artifact string) HealthSpec {
	out := *h
	out.Application, out.Namespace, out.Object, out.Text = expand(h.Application, artifact), expand(h.Namespace, artifact), expand(h.Object, artifact), expand(h.Text, artifact)
	out.URL = expandURL(h.URL, artifact)
	// Both were expanded when they were checked.
	out.Query, _ = expandQuery(h.Query, artifact)
	out.Filter, _ = expandQuery(h.Filter, artifact)
	return out
}
