package config

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Signal is a named connection to something that knows about health.
type Signal struct {
	Name     string `yaml:"name" jsonschema:"required"`
	Kind     string `yaml:"kind" jsonschema:"required,enum=argocd,enum=flux,enum=kubernetes,enum=prometheus,enum=alertmanager,enum=probe,enum=inbox"`
	URL      string `yaml:"url,omitempty"`
	Token    Secret `yaml:"token,omitempty"`
	Username Secret `yaml:"username,omitempty"`
	Password Secret `yaml:"password,omitempty"`
	// CAFile holds more certificate authorities as PEM, beside the system's.
	CAFile string `yaml:"caFile,omitempty" jsonschema_description:"more certificate authorities, as PEM"`
	// Headers are sent with each request; they are no place for secrets.
	Headers map[string]string `yaml:"headers,omitempty" jsonschema_description:"prometheus, alertmanager: more headers, as X-Scope-OrgID for a tenant; no secrets"`

	Kubeconfig string `yaml:"kubeconfig,omitempty" jsonschema_description:"flux, kubernetes, argocd: the file that says how to reach the cluster"`
	Context    string `yaml:"context,omitempty" jsonschema_description:"the context of the kubeconfig; the current one if not written"`
	// InCluster reads Argo CD's applications as objects of our own cluster.
	InCluster bool `yaml:"inCluster,omitempty" jsonschema_description:"argocd: read applications as objects of the cluster that Waveguide runs in"`
	Watch     bool `yaml:"watch,omitempty" jsonschema_description:"flux, kubernetes, argocd: be told of changes as they happen, besides asking"`

	Timeout              time.Duration `yaml:"timeout,omitempty" jsonschema_description:"how long one question may take"`
	MaxRequestsPerSecond int           `yaml:"maxRequestsPerSecond,omitempty"`

	// Fallback is asked while this one does not answer.
	Fallback string `yaml:"fallback,omitempty" jsonschema_description:"alertmanager: a connection of kind prometheus whose own alerts are read while this one does not answer"`

	Tokens []InboxToken `yaml:"tokens,omitempty" jsonschema_description:"inbox: who may push results, and for what"`
}

// InboxToken lets its bearer push results for what the patterns match, and for
// nothing else.
type InboxToken struct {
	// Name says in evidence who pushed.
	Name        string `yaml:"name" jsonschema:"required"`
	Environment string `yaml:"environment" jsonschema:"required" jsonschema_description:"the environment's name, or a pattern"`
	Artifact    string `yaml:"artifact,omitempty" jsonschema_description:"the artifact's name, or a pattern; * if not written"`
	Signal      string `yaml:"signal,omitempty" jsonschema_description:"the name of the health signal, or a pattern; * if not written"`
	Token       Secret `yaml:"token,omitempty"`
}

// check reports what a connection of its kind cannot have or lacks.
func (s *Signal) check(d *document, at []any) {
	needs := !slices.Contains([]string{SignalProbe, SignalInbox, SignalKubernetes, SignalFlux}, s.Kind) && s.Kubeconfig == "" && !s.InCluster
	if needs && s.URL == "" {
		d.reportAt(at, "", "signal %q of kind %s needs its url", clip(s.Name), s.Kind)
	}
	if s.URL != "" && !isHTTP(s.URL) {
		d.reportAt(append(at, "url"), "begin it with https://", "%q is not an address", clip(s.URL))
	}
	if s.MaxRequestsPerSecond < 0 {
		d.reportAt(append(at, "maxRequestsPerSecond"), "", "%d requests per second cannot be", s.MaxRequestsPerSecond)
	}
	s.checkCluster(d, at)
	s.checkHeaders(d, at)
	s.checkTokens(d, at)
}

// checkCluster reports ways to reach a cluster that exclude each other.
func (s *Signal) checkCluster(d *document, at []any) {
	cluster := slices.Contains([]string{SignalKubernetes, SignalFlux, SignalArgoCD}, s.Kind)
	if s.Kubeconfig != "" && (!cluster || s.URL != "") {
		d.reportAt(append(slices.Clip(at), "kubeconfig"), "", "kubeconfig reaches a cluster: signal %q has a url, or is of kind %s", clip(s.Name), s.Kind)
	}
	if s.Watch && !cluster {
		d.reportAt(append(slices.Clip(at), "watch"), "", "watch has no meaning for a signal of kind %s", s.Kind)
	}
	if s.InCluster && (s.Kind != SignalArgoCD || s.URL != "" || s.Kubeconfig != "") {
		d.reportAt(append(slices.Clip(at), "inCluster"), "leave it out", "inCluster is for a signal of kind argocd without url and kubeconfig")
	}
}

func (s *Signal) checkHeaders(d *document, at []any) {
	for name := range s.Headers {
		if slices.Contains([]string{"authorization", "cookie", "proxy-authorization", "host"}, strings.ToLower(name)) {
			d.reportAt(append(slices.Clip(at), "headers", name), "write tokenFile, or usernameFile and passwordFile", "header %s is no place for a secret", clip(name))
		}
	}
}

func (s *Signal) checkTokens(d *document, at []any) {
	if len(s.Tokens) > 0 && s.Kind != SignalInbox {
		d.reportAt(append(slices.Clip(at), "tokens"), "", "tokens have no meaning for a signal of kind %s", s.Kind)
	}
	names := map[string]bool{}
	for i := range s.Tokens {
		t := &s.Tokens[i]
		here := append(slices.Clip(at), "tokens", i)
		d.checkName(t.Name, "a token", append(slices.Clip(here), "name")...)
		d.unique(names, t.Name, "token", append(slices.Clip(here), "name"))
		if t.Token.IsZero() {
			d.reportAt(here, "write tokenFile or tokenEnv", "token %q has no secret", clip(t.Name))
		}
		or(&t.Artifact, "*")
		or(&t.Signal, "*")
		for key, pattern := range map[string]string{"environment": t.Environment, "artifact": t.Artifact, "signal": t.Signal} {
			if _, err := path.Match(pattern, ""); err != nil {
				d.reportAt(append(slices.Clip(here), key), "", "%q is not a pattern", clip(pattern))
			}
		}
	}
}
