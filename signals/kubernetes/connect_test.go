package kubernetes_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// secured serves a fake over TLS, only to the bearers of certificates if there
// are any, and returns its address and authorities.
func secured(t *testing.T, fake *kubernetestest.Server, bearers ...[]byte) (address string, authorities []byte) {
	t.Helper()
	u, err := url.Parse(fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(u))
	if len(bearers) > 0 {
		known := x509.NewCertPool()
		known.AppendCertsFromPEM(bytes.Join(bearers, nil))
		server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MinVersion: tls.VersionTLS12}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubeconfig has a context for each cluster, and one user.
func kubeconfig(t *testing.T, user string, clusters map[string]string, authorities string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Config\ncurrent-context: one\nusers: [{name: bot, user: " + user + "}]\nclusters:\n")
	for name, address := range clusters {
		fmt.Fprintf(&b, "- {name: %s, cluster: {server: %q, certificate-authority: %q}}\n", name, address, authorities)
	}
	b.WriteString("contexts:\n")
	for name := range clusters {
		fmt.Fprintf(&b, "- {name: %s, context: {cluster: %s, user: bot}}\n", name, name)
	}
	return write(t, "kubeconfig", b.String(), 0o600)
}

// runs is a fake in which the Deployment runs a digest.
func runs(t *testing.T, d signals.Digest) *kubernetestest.Server {
	t.Helper()
	fake := kubernetestest.New(t)
	fake.Demand(token)
	fake.Put(deployment(pinned(d)))
	fake.Put(replica(1, d))
	return fake
}

func TestSeveralClustersOfOneKubeconfig(t *testing.T) {
	t.Parallel()
	first, second := runs(t, one), runs(t, two)
	address1, authorities := secured(t, first)
	address2, more := secured(t, second)
	file := kubeconfig(t, "{tokenFile: "+write(t, "token", token, 0o600)+"}",
		map[string]string{"one": address1, "two": address2}, write(t, "ca.pem", string(authorities)+string(more), 0o600))
	for context, want := range map[string]signals.Digest{"": one, "one": one, "two": two} {
		client, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: file, Context: context, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		if h := ask(t, client, "deployment/order-api"); h.State != signals.StateHealthy || h.Digest != want {
			t.Errorf("context %q: answer %+v, want healthy on %s", context, h, want)
		}
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"one": "https://k8s.example.com"}
	cases := map[string]struct {
		options kubernetes.Options
		want    string
	}{
		"nothing":         {kubernetes.Options{Network: network}, "no kubeconfig and no url is written, and this is no pod of a cluster: write one of them"},
		"both":            {kubernetes.Options{Kubeconfig: "a", URL: "https://b", Network: network}, "a cluster is named by its kubeconfig or by its url, not by both"},
		"no file":         {kubernetes.Options{Kubeconfig: "/nowhere/kubeconfig", Network: network}, "read the kubeconfig: stat /nowhere/kubeconfig: no such file or directory"},
		"no such context": {kubernetes.Options{Kubeconfig: kubeconfig(t, "{}", plain, ""), Context: "three", Network: network}, `read the kubeconfig: context "three" does not exist`},
		"old credentials": {kubernetes.Options{Kubeconfig: kubeconfig(t, "{auth-provider: {name: gcp}}", plain, ""), Network: network}, `the kubeconfig's auth-provider "gcp" is not spoken any more: use an exec plugin`},
		"no network":      {kubernetes.Options{URL: "https://k8s.example.com"}, "this client was built without a network"},
		"a network that refuses": {
			kubernetes.Options{URL: "https://k8s.example.com:6443", Network: func(hosts ...string) (kubernetes.Network, error) {
				return kubernetes.Network{}, errors.New(hosts[0] + " is not to be reached")
			}}, "reach k8s.example.com:6443: k8s.example.com is not to be reached",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kubernetes.Connect(c.options)
			if err == nil || err.Error() != c.want {
				t.Errorf("Connect() = %v, want %s", err, c.want)
			}
		})
	}
}

func TestTheNetworkDials(t *testing.T) {
	t.Parallel()
	fake := runs(t, one)
	client, err := kubernetes.Connect(kubernetes.Options{URL: fake.URL, Network: func(...string) (kubernetes.Network, error) {
		return kubernetes.Network{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			return nil, errors.New(address + " is a private address")
		}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := ask(t, client, "deployment/order-api")
	if h.State != signals.StateUnknown || !strings.Contains(h.Reason, "is a private address") {
		t.Errorf("answer %+v, want that the network refused", h)
	}
}

// heard is what was sent to be let in.
type heard struct {
	next http.RoundTripper
	all  *sync.Map
}

func (h heard) RoundTrip(r *http.Request) (*http.Response, error) {
	h.all.Store(r.Header.Get("Authorization"), true)
	return h.next.RoundTrip(r)
}

// TestListen holds that every token is heard, wherever it comes from.
func TestListen(t *testing.T) {
	t.Parallel()
	address, authorities := secured(t, runs(t, two))
	ca := write(t, "ca.pem", string(authorities), 0o600)
	command, _ := plugin(t, credential(""))
	for name, user := range map[string]string{
		"file":   "{tokenFile: " + write(t, "token", token, 0o600) + "}",
		"inline": "{token: " + token + "}",
		"exec":   "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: " + command + "}}",
	} {
		var all sync.Map
		client, err := kubernetes.Connect(kubernetes.Options{
			Kubeconfig: kubeconfig(t, user, map[string]string{"one": address}, ca), Environ: os.Environ(),
			Network: func(...string) (kubernetes.Network, error) {
				n, err := network()
				n.Listen = func(next http.RoundTripper) http.RoundTripper { return heard{next, &all} }
				return n, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		h := ask(t, client, "deployment/order-api")
		if _, ok := all.Load("Bearer " + token); !ok || h.Digest != two {
			t.Errorf("%s: the token was not heard; answer %+v", name, h)
		}
	}
}

// plugin is a command that answers credentials and notes each call.
func plugin(t *testing.T, body string) (command, calls string) {
	t.Helper()
	calls = filepath.Join(t.TempDir(), "calls")
	return write(t, "plugin", "#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO $COLOUR\" >>"+calls+"\n"+body+"\n", 0o700), calls
}

func credential(expires string) string {
	return `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"` + token + `"` + expires + `}}'`
}

func TestExecCredentials(t *testing.T) {
	t.Parallel()
	address, authorities := secured(t, runs(t, two))
	ca := write(t, "ca.pem", string(authorities), 0o600)
	soon := `,"expirationTimestamp":"` + time.Now().Add(30*time.Second).UTC().Format(time.RFC3339) + `"`
	late := `,"expirationTimestamp":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"`
	cases := map[string]struct {
		body  string
		want  string // the reason, where it is not healthy
		calls int    // after two looks of two requests each
	}{
		"a token without an end is kept":         {credential(""), "", 1},
		"a token is kept until it ends":          {credential(late), "", 1},
		"a token that is about to end is not":    {credential(soon), "", 4},
		"it fails, and is not asked again":       {"echo " + token + " >&2; exit 3", "ended badly: exit status 3", 1},
		"it answers something else":              {"echo hello", "answered something that is no ExecCredential", 1},
		"it answers too much":                    {"head -c 1000000 /dev/zero", "ended badly", 1},
		"it hangs":                               {"sleep 60", "gave no answer in time", 1},
		"it answers a certificate":               {`echo '{"kind":"ExecCredential","status":{"clientCertificateData":"x"}}'`, "answered no token; client certificates from a command are not used here", 1},
		"a token that the cluster does not know": {`echo '{"kind":"ExecCredential","status":{"token":"other"}}'`, "the credentials were refused (401): Unauthorized", 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, calls := plugin(t, c.body)
			user := fmt.Sprintf("{exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never, provideClusterInfo: true, env: [{name: COLOUR, value: green}]}}", command)
			client, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: kubeconfig(t, user, map[string]string{"one": address}, ca), Environ: os.Environ(), Network: network})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				patience := 30 * time.Second
				if name == "it hangs" {
					patience = time.Second
				}
				ctx, stop := context.WithTimeout(t.Context(), patience)
				h, _ := kubernetes.New(client).Check(ctx, kubernetes.Spec{Name: "workload", Object: "deployment/order-api", Namespace: "staging", Image: image})
				stop()
				if (h.State == signals.StateHealthy) != (c.want == "") || !strings.Contains(h.Reason, c.want) || strings.Contains(h.Reason, token) {
					t.Errorf("%q because %q, want %q", h.State, h.Reason, c.want)
				}
			}
			noted, err := os.ReadFile(calls)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(noted)), "\n")
			if len(lines) != c.calls || !strings.Contains(lines[0], `"interactive":false`) || !strings.Contains(lines[0], address) || !strings.HasSuffix(lines[0], " green") {
				t.Errorf("the command was called %d times, first with %q, want %d times", len(lines), lines[0], c.calls)
			}
		})
	}
}

func TestExecThatIsNotInstalled(t *testing.T) {
	t.Parallel()
	user := `{exec: {apiVersion: client.authentication.k8s.io/v1, command: waveguide-no-such-plugin, interactiveMode: Never, installHint: "ask the platform team"}}`
	client, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: kubeconfig(t, user, map[string]string{"one": "https://127.0.0.1:1"}, ""), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	if h := ask(t, client, "deployment/order-api"); !strings.HasSuffix(h.Reason, "is not installed: ask the platform team") {
		t.Errorf("reason %q, want the hint of the kubeconfig", h.Reason)
	}
}

// TestProxyOfAKubeconfig goes through the cluster's own proxy, whose host is
// one that may be contacted.
func TestProxyOfAKubeconfig(t *testing.T) {
	t.Parallel()
	fake := runs(t, two)
	fake.Demand("")
	u, err := url.Parse(fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	passed := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed = r.URL.Host == "k8s.example.com"
		httputil.NewSingleHostReverseProxy(u).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	file := write(t, "kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: \"http://k8s.example.com\", proxy-url: \""+proxy.URL+"\"}}]\ncontexts: [{name: a, context: {cluster: a, user: \"\"}}]\n", 0o600)
	var hosts []string
	client, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: file, Network: func(h ...string) (kubernetes.Network, error) {
		hosts = h
		return network(h...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if h := ask(t, client, "deployment/order-api"); h.State != signals.StateHealthy || !passed {
		t.Errorf("answer %+v, through the proxy %v, want healthy and through it", h, passed)
	}
	if got := strings.Join(hosts, " "); got != "k8s.example.com 127.0.0.1" {
		t.Errorf("the network is asked for %q, want the cluster and its proxy", got)
	}
}
