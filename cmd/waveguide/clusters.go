package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/argocd"
	"github.com/waveguide-dev/waveguide/signals/flux"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// clusterTimeout bounds one question to a cluster, all its requests together.
const clusterTimeout = 30 * time.Second

// connection is one of the daemon's file.
type connection struct {
	ask func(context.Context, config.HealthSpec) (signals.Health, error)
	// follow says which objects of a scope change, until the context ends.
	follow func(ctx context.Context, s scope, hint func(name string), fail func(error))
	// behind says why a newer version has not arrived; nil where nobody can.
	behind func(context.Context, config.HealthSpec) string
}

// clusters asks Kubernetes, Argo CD and Flux. Connections are made when they
// are first needed: a kubeconfig that cannot be read keeps its own lanes
// waiting, not the daemon from starting.
type clusters struct {
	signals []config.Signal
	// repository is the URL of the GitOps repository.
	repository string
	// secrets learns with what the clusters are asked; it may be nil.
	secrets *secrets

	mu   sync.Mutex
	open map[string]connection
}

func newClusters(d *config.Daemon, r config.Repository) *clusters {
	return &clusters{signals: d.Signals, repository: r.URL, open: map[string]connection{}}
}

// ask asks a cluster. The error says that it could not be asked; its reason is
// that of the unknown state, too.
func (c *clusters) ask(ctx context.Context, s config.HealthSpec) (signals.Health, error) {
	to, err := c.connection(s.Signal)
	if err != nil {
		now := time.Now().UTC()
		return signals.Health{Name: s.Name, Since: now, At: now, Source: s.Signal, Reason: err.Error()}, err
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	return to.ask(ctx, s)
}

// behind says why what Git names has not arrived, where a signal's source knows.
func (c *clusters) behind(ctx context.Context, s config.HealthSpec) string {
	to, err := c.connection(s.Signal)
	if err != nil || to.behind == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	return to.behind(ctx, s)
}

// connection is the one with a name; one that could not be made is tried again.
func (c *clusters) connection(name string) (connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to, ok := c.open[name]; ok {
		return to, nil
	}
	for _, s := range c.signals {
		if s.Name != name {
			continue
		}
		to, err := c.connect(s)
		if err != nil {
			return connection{}, fmt.Errorf("signal %s: %w", name, err)
		}
		c.open[name] = to
		return to, nil
	}
	return connection{}, fmt.Errorf("signal %s is not in the daemon's file", name)
}

// isCluster says whether a kind of signal is asked here.
func isCluster(kind string) bool {
	return kind == config.SignalKubernetes || kind == config.SignalFlux || kind == config.SignalArgoCD
}

func (c *clusters) connect(s config.Signal) (connection, error) {
	if s.Kind == config.SignalArgoCD && s.URL != "" {
		source, err := openArgo(s, c.secrets)
		return c.argo(source), err
	}
	client, err := openCluster(s, c.secrets)
	if err != nil {
		return connection{}, err
	}
	switch s.Kind {
	case config.SignalArgoCD:
		return c.argo(argocd.Over(client)), nil
	case config.SignalFlux:
		return overFlux(flux.New(client)), nil
	}
	return overKubernetes(kubernetes.New(client)), nil
}

func overKubernetes(source *kubernetes.Source) connection {
	return connection{
		ask: func(ctx context.Context, h config.HealthSpec) (signals.Health, error) {
			return source.Check(ctx, kubernetes.Spec{Name: h.Name, Object: h.Object, Namespace: namespaceOf(h), Image: h.Image})
		},
		follow: func(ctx context.Context, s scope, hint func(string), fail func(error)) {
			source.Follow(ctx, s.namespace, hint, fail)
		},
	}
}

func overFlux(source *flux.Source) connection {
	about := func(h config.HealthSpec) flux.Spec {
		return flux.Spec{Name: h.Name, Object: h.Object, Namespace: namespaceOf(h), Image: h.Image}
	}
	return connection{
		ask: func(ctx context.Context, h config.HealthSpec) (signals.Health, error) {
			return source.Check(ctx, about(h))
		},
		behind: func(ctx context.Context, h config.HealthSpec) string { return source.Behind(ctx, about(h)) },
		follow: func(ctx context.Context, s scope, hint func(string), fail func(error)) {
			source.Follow(ctx, s.kind, s.namespace, hint, fail)
		},
	}
}

func (c *clusters) argo(source *argocd.Source) connection {
	return connection{
		ask: func(ctx context.Context, h config.HealthSpec) (signals.Health, error) {
			return source.Check(ctx, argocd.Spec{
				Name: h.Name, Application: h.Application, Selector: h.Selector, Project: h.Project, Namespace: h.Namespace,
				Image: h.Image, Repository: c.repository, Within: h.Within,
			})
		},
		follow: func(ctx context.Context, s scope, hint func(string), fail func(error)) {
			source.Follow(ctx, argocd.Spec{Project: s.project, Namespace: s.namespace}, hint, fail)
		},
	}
}

// namespaceOf is where a question's object is, if it does not say.
func namespaceOf(h config.HealthSpec) string {
	switch {
	case h.Namespace != "", h.Kind == config.SignalArgoCD:
		return h.Namespace
	case h.Kind == config.SignalFlux:
		return "flux-system"
	}
	return "default"
}

func openArgo(s config.Signal, kept *secrets) (*argocd.Source, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("its url cannot be read: %w", err)
	}
	client, err := newHTTPClient(httpLimits{Timeout: cmp.Or(s.Timeout, 15*time.Second), CAFile: s.CAFile, AllowHosts: []string{u.Hostname()}, Secrets: kept})
	if err != nil {
		return nil, err
	}
	return argocd.New(argocd.Options{URL: s.URL, HTTP: client, Token: tokenOf(s)})
}

// openCluster makes the client of a cluster's API with the dialer and the proxy
// of every other client; certificates come from the kubeconfig.
func openCluster(s config.Signal, kept *secrets) (*kubernetes.Client, error) {
	return kubernetes.Connect(kubernetes.Options{
		Kubeconfig: s.Kubeconfig, Context: s.Context, URL: s.URL, Token: tokenOf(s), CAFile: s.CAFile,
		Environ: os.Environ(), Timeout: s.Timeout,
		Network: func(hosts ...string) (kubernetes.Network, error) {
			guard := httpLimits{AllowHosts: hosts}.guard()
			return kubernetes.Network{Dial: guard.dial, Proxy: guard.proxy, Listen: kept.listen}, nil
		},
	})
}

func tokenOf(s config.Signal) func(context.Context) (string, error) {
	if s.Token.IsZero() {
		return nil
	}
	return func(context.Context) (string, error) { return secret(s.Token) }
}

// maxAsked bounds how many lanes doctor asks about on each connection.
const maxAsked = 5

// clusters asks what the daemon would ask, about a few lanes of each connection.
func (p *patient) clusters(ctx context.Context, c *clusters, r config.Repository, rules *config.Rules) {
	asked := map[string]int{}
	for _, stop := range lanes(rules.Routes) {
		for _, s := range rules.Health[stop.Lane] {
			if !isCluster(s.Kind) || asked[s.Signal] >= maxAsked {
				continue
			}
			asked[s.Signal]++
			h, err := c.ask(ctx, s)
			if err == nil && h.State == signals.StateUnknown {
				err = errors.New(h.Reason)
			}
			p.note(fmt.Sprintf("%s: signal %s of %s", r.Name, s.Signal, stop.Lane), err)
		}
	}
}
