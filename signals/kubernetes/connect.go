// Package kubernetes knows what runs in a cluster: it reads Deployments,
// StatefulSets, DaemonSets and Argo Rollouts with their pods, and says whether
// the digest that the nodes report is rolled out and well.
//
// How a cluster is reached is in connect.go and exec.go, what is asked in
// client.go and watch.go. When a workload counts as rolled out is in
// workload.go and rollout.go, what its pods say in pods.go, and the two come
// together in [Source.Check]. The packages beside it that read other objects
// of a cluster use [Client].
package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	defaultTimeout = 15 * time.Second
	userAgent      = "waveguide"
)

// Options says how to reach one cluster: a kubeconfig file, an address with a
// token, or, where neither is given, the service account of the pod we are.
type Options struct {
	// Kubeconfig is a file; Context is one of its contexts, the current one if
	// empty.
	Kubeconfig string
	Context    string

	// URL and Token reach a cluster without a kubeconfig. CAFile holds its
	// certificate authorities as PEM.
	URL    string
	Token  func(context.Context) (string, error)
	CAFile string

	// Environ is our environment as name=value: of the command that a kubeconfig
	// names for credentials, which without PATH has to be named in full, and, in
	// a pod, of the address of its cluster.
	Environ []string
	// Account is where a pod finds the token and the authorities of its service
	// account; where Kubernetes puts them if empty.
	Account string

	// Network gives dialer and proxy for the host of the cluster's API, and for
	// that of the proxy which a kubeconfig names, so that one place decides which
	// addresses may be contacted. It is required.
	Network func(hosts ...string) (Network, error)
	// Timeout bounds one request with its answer; 0 means 15 seconds.
	Timeout time.Duration
}

// Network is how a host is reached.
type Network struct {
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Proxy func(*http.Request) (*url.URL, error)
	// Listen sees every request as it is sent, with its credentials; nil if
	// nobody does.
	Listen func(http.RoundTripper) http.RoundTripper
}

// Connect prepares a client; the cluster is not asked yet. Credentials that a
// kubeconfig gets from a command are asked for when they are needed.
func Connect(o Options) (*Client, error) {
	config, err := o.load()
	if err != nil {
		return nil, err
	}
	config.UserAgent = userAgent
	config.Timeout = o.Timeout
	if config.Timeout <= 0 {
		config.Timeout = defaultTimeout
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("the address of the cluster %.80q cannot be used: %w", config.Host, err)
	}
	if o.Network == nil {
		return nil, errors.New("this client was built without a network")
	}
	if err := o.through(config, base); err != nil {
		return nil, fmt.Errorf("reach %s: %w", base.Host, err)
	}
	token, refused := o.Token, func() {}
	if config.ExecProvider != nil {
		plugin := &plugin{config: config.ExecProvider, cluster: config, environ: o.Environ}
		config.ExecProvider, token, refused = nil, plugin.token, plugin.forget
	}
	if token != nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bearer{next, token, refused} })
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("the connection to %s cannot be made: %w", base.Host, err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, http: client}, nil
}

// through lets all connections go through the network that is handed in. The
// proxy of a kubeconfig is the cluster's own and comes before it.
func (o Options) through(config *rest.Config, base *url.URL) error {
	hosts := []string{base.Hostname()}
	if config.Proxy != nil {
		proxy, err := config.Proxy(&http.Request{URL: base})
		if err != nil {
			return fmt.Errorf("its proxy cannot be used: %w", err)
		}
		if proxy != nil {
			hosts = append(hosts, proxy.Hostname())
		}
	}
	network, err := o.Network(hosts...)
	if err != nil {
		return err
	}
	config.Dial = network.Dial
	if config.Proxy == nil {
		config.Proxy = network.Proxy
	}
	if network.Listen != nil {
		config.Wrap(network.Listen)
	}
	return nil
}

// load reads the kubeconfig or takes what the pod was given.
func (o Options) load() (*rest.Config, error) {
	switch {
	case o.Kubeconfig != "" && o.URL != "":
		return nil, errors.New("a cluster is named by its kubeconfig or by its url, not by both")
	case o.Kubeconfig != "":
		rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: o.Kubeconfig}
		config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context}).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("read the kubeconfig: %w", err)
		}
		if config.AuthProvider != nil {
			return nil, fmt.Errorf("the kubeconfig's auth-provider %.40q is not spoken any more: use an exec plugin", config.AuthProvider.Name)
		}
		return config, nil
	case o.URL != "":
		return &rest.Config{Host: o.URL, TLSClientConfig: rest.TLSClientConfig{CAFile: o.CAFile}}, nil
	}
	return o.pod()
}

// pod is the cluster that we are a pod of. The token is read anew as it is
// rotated.
func (o Options) pod() (*rest.Config, error) {
	host, port := o.variable("KUBERNETES_SERVICE_HOST"), o.variable("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("no kubeconfig and no url is written, and this is no pod of a cluster: write one of them")
	}
	account := cmp.Or(o.Account, "/var/run/secrets/kubernetes.io/serviceaccount")
	token, authorities := filepath.Join(account, "token"), filepath.Join(account, "ca.crt")
	for _, file := range []string{token, authorities} {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("read the pod's service account: %w; is automountServiceAccountToken off?", err)
		}
	}
	return &rest.Config{
		Host: "https://" + net.JoinHostPort(host, port), BearerTokenFile: token, TLSClientConfig: rest.TLSClientConfig{CAFile: authorities},
	}, nil
}

// variable is one of our environment.
func (o Options) variable(name string) string {
	for _, v := range o.Environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// bearer adds a token that may change to every request, and says when it was
// refused.
type bearer struct {
	next    http.RoundTripper
	token   func(context.Context) (string, error)
	refused func()
}

// RoundTrip implements [http.RoundTripper].
func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := b.token(req.Context())
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := b.next.RoundTrip(req)
	if err == nil && answer.StatusCode == http.StatusUnauthorized {
		b.refused()
	}
	return answer, err
}
