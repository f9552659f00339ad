package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// careless stands before a server, and from some time on refuses everything in
// words that repeat with what it was asked.
type careless struct {
	next http.Handler

	mu   sync.Mutex
	on   bool
	seen []string
}

func newCareless(t *testing.T, next string) *careless {
	t.Helper()
	u, err := url.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	return &careless{next: httputil.NewSingleHostReverseProxy(u)}
}

func (c *careless) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, ok := r.BasicAuth(); ok {
		sent = password
	}
	c.mu.Lock()
	if sent != "" && !slices.Contains(c.seen, sent) {
		c.seen = append(c.seen, sent)
	}
	on := c.on
	c.mu.Unlock()
	if !on {
		c.next.ServeHTTP(rw, r)
		return
	}
	text := fmt.Sprintf("%s may not %s", sent, r.URL.Path)
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(rw).Encode(map[string]any{"message": text, "errors": []map[string]string{{"code": "DENIED", "message": text}}})
}

func (c *careless) turn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = true
}

func (c *careless) sent() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// tokenRegistry is a registry that lets in who got a token from it, and mints
// one for everybody who asks.
func tokenRegistry(t *testing.T) (host string, front *careless) {
	t.Helper()
	front = newCareless(t, "http://"+memoryRegistry(t))
	token := "minted-" + rand.Text()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintf(rw, `{"token": %q}`, token) })
	mux.HandleFunc("/v2/", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			rw.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, r.Host))
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		front.ServeHTTP(rw, r)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), front
}

// TestMintedTokens holds that tokens which stand in no file, because they were
// minted while the daemon ran, are not told on either.
func TestMintedTokens(t *testing.T) {
	t.Parallel()
	host, registry := tokenRegistry(t)
	h := newHub(t, setup{registry: host, envs: []string{"dev"}})
	forge := newCareless(t, h.server.URL)
	front := httptest.NewServer(forge)
	t.Cleanup(front.Close)
	file := filepath.Join(h.dir, "waveguide.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h.write("waveguide.yaml", strings.ReplaceAll(string(text), h.server.URL, front.URL))
	d := h.run()
	h.settled(d)
	forge.turn()
	registry.turn()
	d.says(t, `(list the tags of .* the registry answered 403)`)
	d.says(t, `(<secret> may not /acme/env.git/)`)
	d.says(t, `(<secret> may not /api/graphql)`)
	minted := append(forge.sent(), registry.sent()...)
	for _, kind := range []string{"ghs_", "eyJ", "minted-"} {
		if !slices.ContainsFunc(minted, func(s string) bool { return strings.HasPrefix(s, kind) }) {
			t.Errorf("no token %s... was sent", kind)
		}
	}
	page := "http://" + d.says(t, `for=page address=(\S+)`)
	told := map[string]string{"log": d.out.String()}
	for _, path := range []string{"/", "/lane/dev/shop", "/metrics", "/readyz"} {
		told[path] = h.get(page + path)
	}
	d.stop(t)
	var out bytes.Buffer
	_ = run(t.Context(), []string{"doctor", "-c", file}, streams{out: &out, err: &out}, hooks{}) // it finds much missing
	if told["doctor"] = out.String(); !strings.Contains(out.String(), "<secret>") {
		t.Errorf("nothing was repeated to doctor:\n%s", out.String())
	}
	minted = append(forge.sent(), registry.sent()...)
	state := os.DirFS(filepath.Join(h.dir, "state"))
	if err := fs.WalkDir(state, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(state, path)
		told[path] = string(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for place, text := range told {
		for _, secret := range minted {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", place, secret)
			}
		}
	}
}
