package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func client(t *testing.T, limits httpLimits) *http.Client {
	t.Helper()
	c, err := newHTTPClient(limits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get returns the path that answered.
func get(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer s3cret")
	req.Header.Set("X-Team-Token", "s3cret")
	answer, err := c.Do(req)
	if err != nil {
		return "", err
	}
	return answer.Request.URL.Path, answer.Body.Close()
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		ip                 string
		stranger, ifListed bool
	}{
		{"93.184.216.34", true, true},
		{"2606:2800:220:1::1", true, true},
		{"10.1.2.3", false, true},
		{"172.16.0.1", false, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"127.0.0.1", false, true},
		{"::1", false, true},
		{"fd00:ec2::254", false, true},
		{"::ffff:10.0.0.1", false, true},
		{"64:ff9b::a00:1", false, true},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"fe80::1%eth0", false, false},
		{"224.0.0.1", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
	}
	for _, c := range cases {
		ip := netip.MustParseAddr(c.ip)
		if err := admit("some.host", ip, false); (err == nil) != c.stranger {
			t.Errorf("admit(%s) for a stranger = %v, want admitted %t", c.ip, err, c.stranger)
		}
		if err := admit("some.host", ip, true); (err == nil) != c.ifListed {
			t.Errorf("admit(%s) for a configured host = %v, want admitted %t", c.ip, err, c.ifListed)
		}
	}
}

func TestClientRefusesUnconfiguredLoopback(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	byName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, url := range []string{server.URL, byName} {
		if _, err := get(t, client(t, httpLimits{AllowHosts: []string{"example.com"}}), url); err == nil ||
			!strings.Contains(err.Error(), "a private address, and is not a configured host") {
			t.Errorf("GET %s = %v, want a refusal", url, err)
		}
	}
	if _, err := get(t, client(t, httpLimits{AllowHosts: []string{"LOCALHOST."}}), byName); err != nil {
		t.Errorf("GET %s from a configured host = %v", byName, err)
	}
}

func TestClientNeverAsksLinkLocal(t *testing.T) {
	t.Parallel()
	c := client(t, httpLimits{AllowHosts: []string{"169.254.169.254"}})
	if _, err := get(t, c, "http://169.254.169.254/latest/meta-data"); err == nil ||
		!strings.Contains(err.Error(), "never contacted") {
		t.Errorf("GET the metadata address = %v, want a refusal", err)
	}
}

func TestClientRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect left its host")
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/there":
			for _, secret := range []string{"Authorization", "X-Team-Token", "Referer"} {
				if got := r.Header.Get(secret); got != "" {
					t.Errorf("the redirect carried %s: %s", secret, got)
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	c := client(t, httpLimits{AllowHosts: []string{"127.0.0.1"}})
	if path, err := get(t, c, server.URL+"/here?token=s3cret"); err != nil || path != "/there" {
		t.Errorf("GET /here ended at %q: %v, want /there", path, err)
	}
	for path, want := range map[string]string{"/away": "another host", "/round": "more than 5 times"} {
		if _, err := get(t, c, server.URL+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("GET %s = %v, want %q", path, err, want)
		}
	}
}

func TestClientTimesOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	c := client(t, httpLimits{Timeout: 50 * time.Millisecond, AllowHosts: []string{"127.0.0.1"}})
	if _, err := get(t, c, server.URL); err == nil {
		t.Error("a hanging server was waited for")
	}
}

func TestClientAuthorities(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	hosts := []string{"127.0.0.1"}
	if _, err := get(t, client(t, httpLimits{AllowHosts: hosts}), server.URL); err == nil {
		t.Error("a certificate of nobody was trusted")
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, client(t, httpLimits{AllowHosts: hosts, CAFile: file}), server.URL); err != nil {
		t.Errorf("GET with the server's authority = %v", err)
	}
}

func TestClientAuthoritiesUnreadable(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{empty: "has to be PEM", empty + ".missing": "no such file"} {
		if _, err := newHTTPClient(httpLimits{CAFile: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("newHTTPClient(%s) = %v, want %q", file, err, want)
		}
	}
}

func TestProxyHostsAreConfigured(t *testing.T) {
	for _, name := range []string{"http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTP_PROXY", "10.0.0.5:3128")
	t.Setenv("HTTPS_PROXY", "http://bot:s3cret@proxy.internal:3128")
	if diff := cmp.Diff([]string{"10.0.0.5", "proxy.internal"}, proxyHosts()); diff != "" {
		t.Errorf("proxyHosts() differs (-want +got):\n%s", diff)
	}
}
