package config

import (
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// HealthSpec is one health signal of an environment; expanded for an artifact it
// is what an adapter shall ask.
type HealthSpec struct {
	Name string `yaml:"name" jsonschema:"required"`
	// Signal names a connection of the daemon's file, Kind is what it is.
	Signal string `yaml:"signal" jsonschema:"required"`
	Kind   string `yaml:"-"`

	Application string `yaml:"application,omitempty" jsonschema_description:"argocd: the application's name"`
	Selector    string `yaml:"selector,omitempty" jsonschema_description:"argocd: labels of the applications, instead of a name"`
	Project     string `yaml:"project,omitempty" jsonschema_description:"argocd: the project of the applications"`
	Namespace   string `yaml:"namespace,omitempty" jsonschema_description:"argocd, flux, kubernetes: the namespace"`
	Object      string `yaml:"object,omitempty" jsonschema_description:"flux, kubernetes: kind/name"`
	// Within is how long ago the controller may have looked.
	Within time.Duration `yaml:"within,omitempty" jsonschema_description:"argocd: how long ago its controller may have looked; 20m if not written"`
	// Image is the artifact's own after expansion, if nothing else is written.
	Image string `yaml:"image,omitempty" jsonschema_description:"argocd, flux, kubernetes: the artifact's image as the cluster names it, where a mirror renames it"`
	// Lowest is the weakest evidence that the environment accepts.
	Lowest signals.Rung `yaml:"-"`

	Query      string         `yaml:"query,omitempty" jsonschema_description:"prometheus: a query; every series of its answer must hold; ${artifact}, ${environment}, ${tag} and ${digest} stand inside its quoted strings"`
	Below      *float64       `yaml:"below,omitempty" jsonschema_description:"prometheus: healthy while the answer is below"`
	Above      *float64       `yaml:"above,omitempty" jsonschema_description:"prometheus: healthy while the answer is above"`
	Between    []float64      `yaml:"between,omitempty" jsonschema_description:"prometheus: healthy while the answer is between [low, high]"`
	Over       time.Duration  `yaml:"over,omitempty" jsonschema_description:"prometheus: how long it must have held, from the deployment at most; now only if not written"`
	Settle     *time.Duration `yaml:"settle,omitempty" jsonschema_description:"prometheus: how long after a deployment nothing follows; as long as the query looks back if not written"`
	MinTraffic *Traffic       `yaml:"minTraffic,omitempty" jsonschema_description:"prometheus: how much must happen before a ratio says anything"`
	Baseline   *Baseline      `yaml:"baseline,omitempty" jsonschema_description:"prometheus: what the answer is compared with"`

	Filter string            `yaml:"filter,omitempty" jsonschema_description:"alertmanager, prometheus: matchers of the alerts that count"`
	Scope  map[string]string `yaml:"scope,omitempty" jsonschema_description:"alertmanager, prometheus: the labels that say what an alert is about; one that names nothing counts"`

	// The probe's address and what it must answer.
	URL         string        `yaml:"url,omitempty" jsonschema_description:"probe: the address"`
	Status      int           `yaml:"status,omitempty" jsonschema_description:"probe: the wanted status, 200 if not written"`
	JSON        *JSONExpect   `yaml:"json,omitempty" jsonschema_description:"probe: a value that the answer must hold"`
	Progressing *JSONExpect   `yaml:"progressing,omitempty" jsonschema_description:"probe: a value that says that it is still on the way"`
	Text        string        `yaml:"text,omitempty" jsonschema_description:"probe: a text that the answer must hold"`
	DigestFrom  string        `yaml:"digestFrom,omitempty" jsonschema_description:"probe: the JSON path of the digest that runs"`
	Timeout     time.Duration `yaml:"timeout,omitempty"`

	Tolerate time.Duration `yaml:"tolerate,omitempty" jsonschema_description:"bad news shorter than this does not reset the soak"`
	MaxAge   time.Duration `yaml:"maxAge,omitempty" jsonschema_description:"how old the newest answer may be"`
	OnNoData string        `yaml:"onNoData,omitempty" jsonschema:"enum=wait,enum=healthy"`
}

// Traffic is how much must happen before a ratio says anything.
type Traffic struct {
	Query string  `yaml:"query" jsonschema:"required"`
	Above float64 `yaml:"above,omitempty"`
}

// Baseline is what a number is compared with: another query, or the same one
// just before the deployment.
type Baseline struct {
	Query string   `yaml:"query,omitempty" jsonschema_description:"the baseline; the same query just before the deployment if not written"`
	Below *float64 `yaml:"below,omitempty" jsonschema_description:"healthy below so many times the baseline"`
	Above *float64 `yaml:"above,omitempty" jsonschema_description:"healthy above so many times the baseline"`
	Slack float64  `yaml:"slack,omitempty" jsonschema_description:"what is allowed besides, so that a baseline of zero allows something"`
}

// JSONExpect is a value at a path of a JSON answer.
type JSONExpect struct {
	Path  string `yaml:"path" jsonschema:"required"`
	Value string `yaml:"value" jsonschema:"required"`
}

func (h *HealthSpec) check(d *document, with RepositoryRules, at []any) {
	kind, ok := with.Signals[h.Signal]
	if !ok {
		d.checkKnown("signal", h.Signal, slices.Sorted(maps.Keys(with.Signals)), append(slices.Clip(at), "signal"))
		return
	}
	h.Kind = kind
	h.checkKeys(d, at)
	h.checkBounds(d, at)
	h.checkTemplates(d, at)
	if h.URL != "" {
		if why := checkURL(h.URL); why != "" {
			d.reportAt(append(at, "url"), "", "url %q: %s", clip(h.URL), why)
		}
	}
	if h.Status != 0 && (h.Status < 100 || h.Status > 599) {
		d.reportAt(append(at, "status"), "", "%d is not a status of HTTP", h.Status)
	}
}

func (h *HealthSpec) checkTemplates(d *document, at []any) {
	why := map[string]string{
		"application": checkPlaced(h.Application), "namespace": checkPlaced(h.Namespace), "object": checkPlaced(h.Object),
		"selector": checkPlaced(h.Selector), "project": checkPlaced(h.Project), "image": checkPlaced(h.Image),
		"text": checkAsked(h.Text), "query": checkQuery(h.Query), "filter": checkFilter(h.Filter),
	}
	if h.MinTraffic != nil {
		why["minTraffic"] = checkQuery(h.MinTraffic.Query)
	}
	if b := h.Baseline; b != nil {
		why["baseline"] = checkQuery(b.Query)
		if b.Query == "" && ofVersion("", "").in(h.Query) {
			why["baseline"] = "the version before had another tag and digest than the query names: write baseline.query"
		}
	}
	for key, e := range map[string]*JSONExpect{"json": h.JSON, "progressing": h.Progressing} {
		if e != nil {
			why[key] = checkAsked(e.Value)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(h.Scope)) {
		if w := checkAsked(h.Scope[label]); w != "" {
			why["scope"] = w
		}
	}
	for _, key := range slices.Sorted(maps.Keys(why)) {
		if why[key] != "" {
			d.reportAt(append(slices.Clip(at), key), "", "%s: %s", key, why[key])
		}
	}
}

// checkFilter says why a list of matchers cannot be read.
func checkFilter(s string) string {
	if s == "" {
		return ""
	}
	if why := checkQuery(s); why != "" {
		return why
	}
	expanded, err := sample().query(s)
	if err == nil {
		_, err = signals.ParseMatchers(expanded)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// checkKeys reports keys that the kind of the signal needs or does not know.
func (h *HealthSpec) checkKeys(d *document, at []any) {
	needs := map[string]string{SignalProbe: "url", SignalFlux: "object", SignalKubernetes: "object"}[h.Kind]
	owners := map[string][]string{
		"application": {SignalArgoCD}, "selector": {SignalArgoCD}, "project": {SignalArgoCD}, "within": {SignalArgoCD}, "image": {SignalArgoCD, SignalFlux, SignalKubernetes},
		"namespace": {SignalArgoCD, SignalFlux, SignalKubernetes}, "object": {SignalFlux, SignalKubernetes},
		"filter": {SignalAlertmanager, SignalPrometheus}, "scope": {SignalAlertmanager, SignalPrometheus},
	}
	for _, key := range []string{"query", "below", "above", "between", "over", "settle", "minTraffic", "baseline"} {
		owners[key] = []string{SignalPrometheus}
	}
	for _, key := range []string{"url", "status", "json", "progressing", "text", "digestFrom"} {
		owners[key] = []string{SignalProbe}
	}
	n := find(d.root, at)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if who, ok := owners[key.Value]; ok && !slices.Contains(who, h.Kind) {
			d.report(key, "take it away", "%s has no meaning for a signal of kind %s", key.Value, h.Kind)
		}
	}
	alerts := h.Filter != "" || len(h.Scope) > 0
	switch {
	case needs != "" && child(n, needs) == nil:
		d.report(n, "", "a signal of kind %s needs %s", h.Kind, needs)
	case h.Kind == SignalArgoCD && (h.Application == "") == (h.Selector == ""):
		d.report(n, "", "a signal of kind %s needs application, or selector", h.Kind)
	case h.Kind == SignalAlertmanager && !alerts:
		d.report(n, "", "a signal of kind %s needs filter or scope", h.Kind)
	case h.Kind == SignalPrometheus && (h.Query == "") == !alerts:
		d.report(n, "write query for a number, or filter or scope for its alerts", "a signal of kind %s needs one question", h.Kind)
	}
}

// checkBounds reports a query that does not say what is healthy. What is
// between is below the one and above the other.
func (h *HealthSpec) checkBounds(d *document, at []any) {
	if h.Kind != SignalPrometheus || h.Query == "" {
		return
	}
	n := find(d.root, at)
	b := h.Baseline
	switch {
	case h.Below != nil && h.Above != nil, len(h.Between) > 0 && (h.Below != nil || h.Above != nil):
		d.report(n, "write between: [low, high] for both", "write either below or above, to say what is healthy")
	case h.Between != nil && (len(h.Between) != 2 || h.Between[0] >= h.Between[1]):
		d.reportAt(append(at, "between"), "write between: [low, high]", "between is two numbers, the lower one first")
	case h.Between != nil:
		h.Above, h.Below = &h.Between[0], &h.Between[1]
	case b != nil && b.Below == nil && b.Above == nil:
		d.reportAt(append(at, "baseline"), "", "write below or above, as a factor of the baseline")
	case b == nil && h.Below == nil && h.Above == nil:
		d.report(n, "", "write either below or above, to say what is healthy")
	}
	if b != nil && b.Slack < 0 {
		d.reportAt(append(slices.Clip(at), "baseline", "slack"), "", "slack is what is allowed besides: it cannot be negative")
	}
}
