package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
)

// TestDoctorReadsTheRightToPublish holds what doctor says of publishing, and
// that it writes nothing to find it out.
func TestDoctorReadsTheRightToPublish(t *testing.T) {
	t.Parallel()
	claims := func(actions ...string) string {
		raw, err := json.Marshal(map[string]any{"access": []any{map[string]any{"type": "repository", "name": "acme/shop", "actions": actions}}})
		if err != nil {
			t.Fatal(err)
		}
		return "e30." + base64.RawURLEncoding.EncodeToString(raw) + ".x"
	}
	for label, tt := range map[string]struct {
		lists bool
		token string
		state string
		says  string
	}{
		"may push":         {true, claims("pull", "push"), "works", "the credentials may push"},
		"may not push":     {true, claims("pull"), "missing", "may not push to acme/shop"},
		"nobody tells":     {true, "", "works", "is not told before it is tried"},
		"no Referrers API": {false, claims("pull", "push"), "missing", "has no Referrers API"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(tt.lists))
			guarded := false
			server := httptest.NewUnstartedServer(nil)
			address := server.Listener.Addr().String()
			server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case guarded && r.Method != http.MethodGet && r.Method != http.MethodHead:
					t.Errorf("%s %s was tried", r.Method, r.URL.Path)
				case r.URL.Path == "/token":
					_ = json.NewEncoder(w).Encode(map[string]string{"token": tt.token})
					return
				case guarded && tt.token != "" && r.Header.Get("Authorization") != "Bearer "+tt.token:
					w.Header().Set("Www-Authenticate", `Bearer realm="http://`+address+`/token",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				inner.ServeHTTP(w, r)
			})
			server.Start()
			t.Cleanup(server.Close)
			image, err := random.Image(64, 1)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := name.ParseReference(address + "/acme/shop:1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(ref, image); err != nil {
				t.Fatal(err)
			}
			guarded = true
			selector, err := promoter.NewSelector(promoter.Selector{Semver: ">=1.0.0"})
			if err != nil {
				t.Fatal(err)
			}
			o := newOCI(&config.Daemon{
				Registries: []config.Registry{{Match: address + "/**", PlainHTTP: true, MaxRequestsPerSecond: 1000}}, Publish: &config.Publish{Verifier: ourVerifier},
			}, nil)
			route := promoter.Route{Image: address + "/acme/shop", Selector: selector}
			p := &patient{}
			p.publishing(t.Context(), o, config.Repository{Name: "env"}, &config.Rules{Routes: []promoter.Route{route, route}})
			if len(p.found) != 1 || p.found[0].State != tt.state || !strings.Contains(p.found[0].Why, tt.says) {
				t.Errorf("doctor says %+v, want %s with %q", p.found, tt.state, tt.says)
			}
		})
	}
}
