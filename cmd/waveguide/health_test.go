package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// TestSickSourceRests holds that a source that fails is asked less and less,
// that its lanes do not wait for it meanwhile, and that one answer heals it.
func TestSickSourceRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, down, results := 0, true, map[string]int{}
		h := newHealthSource(config.Signal{Timeout: 10 * time.Second}, func(ctx context.Context, _ gitops.Lane, _ config.HealthSpec, _ signals.Question) (signals.Health, error) {
			mu.Lock()
			asked++
			mu.Unlock()
			if down {
				<-ctx.Done()
				return signals.Health{Reason: "no answer"}, ctx.Err()
			}
			return signals.Health{State: signals.StateHealthy}, nil
		})
		h.asked = func(result string) {
			mu.Lock()
			defer mu.Unlock()
			results[result]++
		}
		look := func() (signals.Health, time.Duration) {
			began := time.Now()
			return h.ask(t.Context(), gitops.Lane{}, config.HealthSpec{Name: "errors"}, signals.Question{Digest: "d"}), time.Since(began)
		}
		for range patience {
			if got, took := look(); got.State != signals.StateUnknown || took != 10*time.Second {
				t.Fatalf("%q after %s, want nothing known after the whole time", got.State, took)
			}
		}
		got, took := look()
		if asked != patience || took != 0 || !strings.Contains(got.Reason, "asked less often") || got.For != "d" || got.Name != "errors" {
			t.Errorf("a resting source was asked %d times, took %s and says %q", asked, took, got.Reason)
		}
		before := asked
		for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(15 * time.Second) {
			look()
		}
		if n := asked - before; n < 20 || n > 40 {
			t.Errorf("in an hour of failure it was asked %d times, want about every two minutes", n)
		}
		time.Sleep(longRest)
		before = asked
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { look() })
		}
		wg.Wait()
		if asked != before+1 {
			t.Errorf("after a rest %d lanes tried it at once, want one", asked-before)
		}
		down = false
		time.Sleep(longRest)
		for range 2 {
			if got, took := look(); got.State != signals.StateHealthy || got.For != "d" || took > time.Second {
				t.Errorf("after it answers: %q because %q after %s", got.State, got.Reason, took)
			}
		}
		if results[resultAnswered] != 2 || results[resultFailed] != asked-2 || results[resultRested] < 100 {
			t.Errorf("counted %v, but it was asked %d times", results, asked)
		}
	})
}

// TestSickProbeRestsAlone holds that a dead endpoint of one host does not keep
// a probe of another from being asked.
func TestSickProbeRestsAlone(t *testing.T) {
	t.Parallel()
	h := newHealthSource(config.Signal{}, func(_ context.Context, _ gitops.Lane, s config.HealthSpec, _ signals.Question) (signals.Health, error) {
		if strings.Contains(s.URL, "dead") {
			return signals.Health{}, errors.New("refused")
		}
		return signals.Health{State: signals.StateHealthy}, nil
	})
	for range patience + 1 {
		h.ask(t.Context(), gitops.Lane{}, config.HealthSpec{URL: "https://dead.example.com/"}, signals.Question{})
	}
	if got := h.ask(t.Context(), gitops.Lane{}, config.HealthSpec{URL: "https://alive.example.com/"}, signals.Question{}); got.State != signals.StateHealthy {
		t.Errorf("the other host is %q because %q", got.State, got.Reason)
	}
}

// TestBudget holds that a source is asked no faster and by no more at once than
// its budget says.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		h := newHealthSource(config.Signal{MaxRequestsPerSecond: 10}, func(context.Context, gitops.Lane, config.HealthSpec, signals.Question) (signals.Health, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(2 * time.Second)
			now.Add(-1)
			return signals.Health{State: signals.StateHealthy}, nil
		})
		began := time.Now()
		var wg sync.WaitGroup
		for range 80 {
			wg.Go(func() { h.ask(t.Context(), gitops.Lane{}, config.HealthSpec{}, signals.Question{}) })
		}
		wg.Wait()
		if most.Load() != healthConcurrency || time.Since(began) < 20*time.Second {
			t.Errorf("80 questions of 2 s took %s, %d at once", time.Since(began), most.Load())
		}
	})
}

// pushWorld is a daemon whose rules ask an inbox and an Alertmanager.
func pushWorld(t *testing.T) *daemon {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"dev.token": "dev-token", "hook.token": "hook-token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := config.ParseDaemon("waveguide.yaml", fmt.Appendf(nil, `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env.git", governance: {files: [.waveguide/rules.yaml]}, forge: {kind: local, url: "https://git.example.com"}}]
trust: {keys: [{name: release, file: %[1]s/release.pub}]}
signals:
  - {name: other, kind: inbox}
  - {name: ci, kind: inbox, tokens: [{name: pipeline, environment: dev, tokenFile: %[1]s/dev.token}]}
  - {name: alerts, kind: alertmanager, url: "https://alerts.example.com"}
webhooks: {alertmanager: {tokenFile: %[1]s/hook.token}}
`, dir))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "waveguide.db"), Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &daemon{config: d, store: s, hints: []chan loop.Hint{make(chan loop.Hint, 8)}}
	w.health = w.openHealth(signalQuestions())
	b := newRulebook(d, d.Repositories[0], w.health)
	w.rulebooks = append(w.rulebooks, b)
	if _, err := b.Rules(map[string][]byte{".waveguide/rules.yaml": []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: dev
path: environments/dev/${artifact}
running: desired
health: [{name: e2e, signal: ci}, {name: no-alerts, signal: alerts, scope: {service: "${artifact}"}}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: shop
artifacts: [{name: shop, image: registry.example.com/shop, versions: {semver: ">=1.0.0"}}]
verify: {signature: {key: release}}
waves: [{name: dev, environments: [dev]}]
`)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return w
}

// send posts to the listener of hooks.
func (w *daemon) send(path, token, body string) int {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8443"
	r.Header.Set("Authorization", "Bearer "+token)
	rw := httptest.NewRecorder()
	w.webhooks().ServeHTTP(rw, r)
	return rw.Code
}

// TestPushedResult pushes a result to the listener of hooks and reads it as the
// health of the version that Git names.
func TestPushedResult(t *testing.T) {
	t.Parallel()
	w := pushWorld(t)
	const digest = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	lane := gitops.Lane{Repository: "env", Environment: "dev", Artifact: "shop"}
	e2e := func() signals.Health {
		t.Helper()
		list, err := w.rulebooks[0].Health(t.Context(), lane, signals.Question{Digest: digest, Tag: "1.0.0"})
		if err != nil {
			t.Fatal(err)
		}
		h, _ := signals.Facts{Health: list}.Signal("e2e")
		return h
	}
	if h := e2e(); h.State != signals.StateUnknown || !strings.Contains(h.Reason, "no result was pushed") {
		t.Errorf("before: %+v", h)
	}
	body := fmt.Sprintf(`{"id":"run-1","digest":%q,"state":"healthy","at":%q}`, digest, time.Now().UTC().Format(time.RFC3339))
	for path, want := range map[string]int{"/signals/dev/shop/e2e": 401, "/signals/dev/bank/e2e": 401} {
		if got := w.send(path, "forged", body); got != want {
			t.Errorf("%s with a forged token is answered with %d, want %d", path, got, want)
		}
	}
	if got := w.send("/signals/dev/bank/e2e", "dev-token", body); got != 404 {
		t.Errorf("a place that no rule asks for is answered with %d, want 404", got)
	}
	if got := w.send("/signals/dev/shop/e2e", "dev-token", body); got != 204 {
		t.Fatalf("the result is answered with %d", got)
	}
	if h := <-w.hints[0]; h != (loop.Hint{Environment: "dev"}) {
		t.Errorf("the loop is told %+v", h)
	}
	if h := e2e(); h.State != signals.StateHealthy || h.For != digest || h.Source != "pushed by pipeline as run-1" {
		t.Errorf("after: %+v", h)
	}
	if got := w.send("/signals/dev/shop/e2e", "dev-token", body); got != 409 {
		t.Errorf("the same result again is answered with %d, want 409", got)
	}
}

// TestAlertsHook holds that Alertmanager's webhook only makes us look.
func TestAlertsHook(t *testing.T) {
	t.Parallel()
	w := pushWorld(t)
	const body = `{"version":"4","status":"firing","alerts":[{}]}`
	if got := w.send("/hooks/alertmanager", "forged", body); got != 401 {
		t.Errorf("a forged webhook is answered with %d, want 401", got)
	}
	if got := w.send("/hooks/alertmanager", "hook-token", `{"version":"9"}`); got != 400 {
		t.Errorf("what is no notification is answered with %d, want 400", got)
	}
	if len(w.hints[0]) != 0 {
		t.Fatal("the loop was told of refused webhooks")
	}
	if got := w.send("/hooks/alertmanager", "hook-token", body); got != 202 || <-w.hints[0] != (loop.Hint{Environment: "dev"}) {
		t.Errorf("a webhook is answered with %d", got)
	}
}

// TestSignalsOnPrivateAddresses holds that a connection may be on a private
// address, because the daemon's file names it.
func TestSignalsOnPrivateAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bot" || password != "s3cret" || r.Header.Get("X-Scope-OrgID") != "shop" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprint(rw, `{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"user": "bot", "password": "s3cret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read, err := openPrometheus(&healthSources{}, config.Signal{
		Name: "prometheus", Kind: config.SignalPrometheus, URL: server.URL, Headers: map[string]string{"X-Scope-OrgID": "shop"},
		Username: config.Secret{File: dir + "/user"}, Password: config.Secret{File: dir + "/password"},
	})
	if err != nil {
		t.Fatal(err)
	}
	one := 1.0
	h, err := read(t.Context(), gitops.Lane{}, config.HealthSpec{Name: "errors", Query: "x", Below: &one}, signals.Question{})
	if err != nil || h.State != signals.StateHealthy {
		t.Errorf("%q because %q, %v", h.State, h.Reason, err)
	}
}

// TestDoctorAsksSignals holds that each connection is asked, and what is
// missing is said.
func TestDoctorAsksSignals(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/query") {
			_, _ = fmt.Fprint(rw, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
			return
		}
		rw.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	p := &patient{}
	p.signals(t.Context(), &config.Daemon{Signals: []config.Signal{
		{Name: "prometheus", Kind: config.SignalPrometheus, URL: server.URL},
		{Name: "alerts", Kind: config.SignalAlertmanager, URL: server.URL},
		{Name: "broken", Kind: config.SignalPrometheus, URL: "https://bot:s3cret@host/"},
		{Name: "ci", Kind: config.SignalInbox},
		{Name: "web", Kind: config.SignalProbe},
	}})
	var got []string
	for _, f := range p.found {
		got = append(got, f.What+" "+f.State)
	}
	if want := "signal prometheus works,signal alerts missing,signal broken missing,signal ci missing"; strings.Join(got, ",") != want {
		t.Errorf("doctor finds %q, want %q", got, want)
	}
}
