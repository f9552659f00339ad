package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/registry"
)

// tokens is a token server that gives a token to whoever has the password.
type tokens struct {
	password atomic.Value // string
	token    atomic.Value // string
	asked    atomic.Int32
}

func newTokens(password, token string) *tokens {
	s := &tokens{}
	s.password.Store(password)
	s.token.Store(token)
	return s
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	if _, password, _ := r.BasicAuth(); password != s.password.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": s.token.Load()})
}

// guard lets requests through that carry the token, and sends others to realm.
func (s *tokens) guard(realm string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+s.token.Load().(string) {
			return false
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test"`, realm))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	push(t, address+"/team/app:1.0.0", image(t))
	realm := newTokens("first", "one")
	server := httptest.NewServer(realm)
	t.Cleanup(server.Close)
	elsewhere := strings.Replace(strings.TrimPrefix(server.URL, "http://"), "127.0.0.1", "localhost", 1)
	h.Answer(realm.guard("http://" + elsewhere + "/token"))
	var password atomic.Value
	password.Store("first")
	r := open(t, address, func(o *registry.Options) {
		o.Realms = []string{elsewhere}
		o.Credentials.Basic = func() (string, string, error) { return "bot", password.Load().(string), nil }
	})
	if _, err := r.Tags(t.Context(), "team/app"); err != nil {
		t.Fatal(err)
	}
	realm.password.Store("second") // both the password and the token are rotated
	realm.token.Store("two")
	password.Store("second")
	if _, err := r.Tags(t.Context(), "team/app"); err != nil {
		t.Errorf("Tags after the rotation = %v", err)
	}
	realm.token.Store("three")
	password.Store("wrong")
	_, err := r.Tags(t.Context(), "team/app")
	if err == nil || !strings.Contains(err.Error(), "401; check the user name and token") {
		t.Errorf("Tags with a wrong password = %v, want 401 explained", err)
	}
	if err != nil && strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error holds the password: %v", err)
	}
}

func TestRealms(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ realm, want string }{
		"not configured": {"http://tokens.example.org/token", "names the token server tokens.example.org, which is not configured"},
		"a private IP":   {"http://10.1.2.3/token", "private IP address, which is refused; let it name its token server by host name"},
		"metadata":       {"http://169.254.169.254/token", "private IP address"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, address := serve(t)
			h.Answer(newTokens("", "one").guard(c.realm))
			r := open(t, address, func(o *registry.Options) {
				o.Credentials.Basic = func() (string, string, error) { return "bot", "s3cret", nil }
			})
			_, err := r.Tags(t.Context(), "team/app")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("Tags = %v, want %q", err, c.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	_, address := serve(t)
	if _, err := registry.New(registry.Options{Host: address, HTTP: http.DefaultTransport, Credentials: registry.Credentials{
		Docker: true, Bearer: func() (string, error) { return "", nil },
	}}); err == nil {
		t.Error("New took two kinds of credentials")
	}
	if _, err := registry.New(registry.Options{Host: address}); err == nil {
		t.Error("New took no transport")
	}
	for _, host := range []string{"", "a/b", "http://a"} {
		if _, err := registry.New(registry.Options{Host: host, HTTP: http.DefaultTransport}); err == nil {
			t.Errorf("New took the host %q", host)
		}
	}
}

func TestStaticBearer(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	push(t, address+"/team/app:1.0.0", image(t))
	realm := newTokens("", "static")
	h.Answer(realm.guard("http://" + address + "/token"))
	r := open(t, address, func(o *registry.Options) {
		o.Credentials.Bearer = func() (string, error) { return "static", nil }
	})
	if _, err := r.Tags(t.Context(), "team/app"); err != nil || realm.asked.Load() != 0 {
		t.Errorf("Tags = %v after asking for %d tokens, want none asked for", err, realm.asked.Load())
	}
	gone := errors.New("file is gone")
	r = open(t, address, func(o *registry.Options) {
		o.Credentials.Bearer = func() (string, error) { return "", gone }
	})
	if _, err := r.Tags(t.Context(), "team/app"); !errors.Is(err, gone) {
		t.Errorf("Tags = %v, want the provider's error", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	push(t, address+"/team/app:1.0.0", image(t))
	var leaked atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		h.Inner.ServeHTTP(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	to := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	redirect := func(part string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, part) {
				if _, _, ok := r.BasicAuth(); !ok {
					w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				return false
			}
			http.Redirect(w, r, to+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
	}
	credentials := func(o *registry.Options) {
		o.Credentials.Basic = func() (string, string, error) { return "bot", "s3cret", nil }
	}
	h.Answer(redirect("/blobs/"))
	if got, err := open(t, address, credentials).Resolve(t.Context(), "team/app", "1.0.0"); err != nil || len(got.Platforms) != 1 {
		t.Errorf("Resolve with blobs elsewhere = %+v, %v", got, err)
	}
	h.Answer(redirect("/manifests/"))
	if got, err := open(t, address, credentials).Resolve(t.Context(), "team/app", "1.0.0"); err == nil || !strings.Contains(err.Error(), "only blobs may be served from elsewhere") {
		t.Errorf("Resolve with manifests elsewhere = %+v, %v, want it refused", got, err)
	}
	if leaked.Load() {
		t.Error("credentials followed a redirect")
	}
}

func TestPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	_, address := serve(t)
	_, err := open(t, address, func(o *registry.Options) { o.PlainHTTP = false }).Tags(t.Context(), "team/app")
	if err == nil || !strings.Contains(err.Error(), "refused unless plainHTTP is configured") {
		t.Errorf("Tags = %v, want plain HTTP refused", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cases := map[string]struct {
		status      int
		header      string
		least, most time.Duration
	}{
		"none":          {429, "", 30 * time.Second, time.Minute},
		"a date":        {429, now.Add(10 * time.Minute).UTC().Format(http.TimeFormat), 9 * time.Minute, 10 * time.Minute},
		"a past date":   {503, now.Add(-time.Hour).UTC().Format(http.TimeFormat), 0, time.Minute},
		"for ever":      {503, "99999999999", 59 * time.Minute, 61 * time.Minute},
		"negative":      {429, "-5", 0, time.Minute},
		"not a number":  {429, "soon", 30 * time.Second, time.Minute},
		"a long second": {429, "7200", 59 * time.Minute, 61 * time.Minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, address := serve(t)
			h.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Retry-After", c.header)
				w.WriteHeader(c.status)
				return true
			})
			_, err := open(t, address, nil).Tags(t.Context(), "team/app")
			var throttled *registry.Throttled
			if !errors.As(err, &throttled) {
				t.Fatalf("Tags = %v, want Throttled", err)
			}
			if wait := throttled.Until.Sub(now); wait < c.least || wait > c.most {
				t.Errorf("Until is %s away, want %s to %s", wait, c.least, c.most)
			}
		})
	}
}
