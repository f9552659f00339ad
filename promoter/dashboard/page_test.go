package dashboard_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/dashboard"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

func version(tag, fill string) signals.Version {
	return signals.Version{Tag: tag, Digest: signals.Digest("sha256:" + strings.Repeat(fill, 32))}
}

// lane is the plan of one lane that waits for what its verdicts say.
func lane(env, wave string, phase promoter.Phase, current, candidate signals.Version, vs ...gate.Verdict) promoter.LanePlan {
	return promoter.LanePlan{
		Lane: gitops.Lane{Repository: "platform", Environment: env, Artifact: "order-api"},
		Wave: wave, Phase: phase, Class: gate.Promotion, Current: current, Candidate: candidate, Verdicts: vs,
	}
}

// busy is a look at which something of everything happens.
func busy() loop.View {
	older, old, fresh := version("1.3.0", "c3"), version("1.4.2", "a1"), version("1.5.0", "b2")
	until := now.Add(21 * time.Hour)
	test := lane("test", "test", promoter.PhaseEarned, fresh, fresh, gate.Verdict{Gate: "health", Answer: gate.Pass, Reason: "healthy"})
	soaks := lane("staging-eu", "staging", promoter.PhaseSoaking, fresh, fresh,
		gate.Verdict{Gate: "health", Answer: gate.Pass, Reason: "probe is healthy"},
		gate.Verdict{Gate: "soak", Answer: gate.Wait, Reason: "1.5.0 soaks in staging-eu until 2026-11-21 06:30Z", Until: until})
	fails := lane("staging-us", "staging", promoter.PhaseFailing, fresh, older,
		gate.Verdict{Gate: "health", Answer: gate.Block, Reason: "probe of staging-us is unhealthy: 503 from /ready", Owner: "team orders"})
	fails.Class, fails.Proposal, fails.Skipped = gate.Rollback, "41", []string{"1.4.1"}
	held := lane("prod-eu", "prod", promoter.PhaseProposed, old, fresh,
		gate.Verdict{Gate: "signature", Answer: gate.Pass, Reason: "signed by the release workflow", Until: now.Add(time.Hour)},
		gate.Verdict{Gate: "hold", Answer: gate.Block, Reason: "held by ada since 2026-11-20 08:00Z: invoices run tonight; remove the label waveguide/hold to go on", Owner: "ada"})
	held.Proposal, held.Behind = "42", "1.5.1"
	unknown := lane("prod-us", "prod", promoter.PhaseUnknown, signals.Version{}, signals.Version{},
		gate.Verdict{Gate: "drift", Answer: gate.Wait, Reason: "Git could not be read: two places name different versions"})
	known := promoter.Lane{
		Lane: held.Lane,
		Desired: gitops.Desired{
			Presence: gitops.At,
			Places:   []gitops.Place{{File: "apps/order-api/prod-eu/kustomization.yaml", Line: 12}},
			Left:     []gitops.Left{{Version: gitops.Version{Tag: "1.3.0", Digest: string(older.Digest)}, At: now.Add(-9 * 24 * time.Hour)}},
		},
		Facts: signals.Facts{
			Proofs: []signals.Proof{{Kind: signals.ProofSignature, Digest: fresh.Digest, Outcome: signals.OutcomeVerified, By: "release workflow", Signed: now.Add(-3 * time.Hour)}},
			Health: []signals.Health{{Name: "probe", State: signals.StateHealthy, Since: now.Add(-9 * 24 * time.Hour), At: now}},
			Earned: []signals.Earned{{Digest: old.Digest, At: now.Add(-8 * 24 * time.Hour)}},
		},
	}
	return loop.View{
		Repository: "platform", Now: now, Head: "0123456789abcdef0123456789abcdef01234567",
		Plans:    []promoter.Plan{{Promotion: "orders", Artifact: "order-api", Lanes: []promoter.LanePlan{test, soaks, fails, held, unknown}}},
		Routes:   []promoter.Route{{Promotion: "orders", Artifact: "order-api", Image: "registry.example/shop/order-api", Owners: []string{"team orders"}}},
		Pauses:   []gitops.Pause{{ID: "issue 7", URL: "https://forge.example/issues/7", Title: "env:prod-*", By: gitops.Actor{Name: "grace"}, Since: now.Add(-time.Hour), Environments: []string{"prod-*"}}},
		Problems: []string{"rules/orders.yaml:7: environment prod-ap is not known"},
		Silent:   map[string]string{"health of prod-us": "no answer within 10s"},
		Lanes:    [][]promoter.Lane{{known}},
	}
}

func newPage() *dashboard.Page {
	return dashboard.New(dashboard.Options{
		Title: "Shop", Hosts: []string{"waveguide.example"},
		Forge: func(id string) string { return "https://forge.example/proposals/" + id },
	})
}

func get(t *testing.T, p *dashboard.Page, host, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// The distances are counted from the moment of reading, so a golden page
// shows them as a word.
var far = regexp.MustCompile(`\([^()]* (ago|in [^()]*)\)|\(in [^()]*\)`)

func TestPagesLookAsTheyDid(t *testing.T) {
	t.Parallel()
	p := newPage()
	p.Publish(busy())
	for name, path := range map[string]string{"overview.html": "/", "lane.html": "/lane/prod-eu/order-api"} {
		w := get(t, p, "localhost:8080", path)
		if w.Code != http.StatusOK {
			t.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
		}
		got := far.ReplaceAll(w.Body.Bytes(), []byte("(distance)"))
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", path, diff)
		}
	}
}

func TestEveryFactOfTheCardsIsInTheTable(t *testing.T) {
	t.Parallel()
	p := newPage()
	p.Publish(busy())
	_, table, ok := strings.Cut(get(t, p, "localhost", "/").Body.String(), "<table>")
	if !ok {
		t.Fatal("there is no table")
	}
	for _, want := range []string{
		"staging-us", "1.3.0", "rollback", "team orders", "Proposal 41", "unhealthy: 503 from /ready", "behind it 1.5.1",
		"2026-11-21T06:30:00Z", "held by ada", "sha256:b2b2b2b2b2b2", "unknown",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
}

// TestOrdersAreStops holds that a pin and an emergency in force are lines of the
// page with the words that end them.
func TestOrdersAreStops(t *testing.T) {
	t.Parallel()
	v := busy()
	l := &v.Plans[0].Lanes[3]
	l.Class = gate.EmergencyClass("sev1")
	l.Pin = &promoter.Pin{Version: "1.3.0", By: "sam", Until: now.Add(time.Hour), Proposal: "12"}
	l.Emergency = &gitops.Given{Command: gitops.Command{Word: gitops.CommandEmergency, Name: "sev1", Incident: "INC-7"}, By: gitops.Actor{Name: "sam"}, At: now}
	p := newPage()
	p.Publish(v)
	body := get(t, p, "localhost:8080", "/").Body.String()
	for _, want := range []string{"<b>pin</b>", "pinned to 1.3.0 by sam until", "comments /waveguide unpin", "<b>emergency</b>", "sev1 for INC-7, by sam", "a review is due until"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestForeignTextStaysText(t *testing.T) {
	t.Parallel()
	const hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[31m\u202e\x00"
	v := busy()
	l := lane("prod", "prod", promoter.PhaseBlocked, version(hostile, "a1"), version(hostile+"2", "b2"),
		gate.Verdict{Gate: hostile, Answer: gate.Block, Reason: hostile, Owner: hostile})
	l.Proposal, l.Behind, l.Skipped, l.Class, l.Wave = hostile, hostile, []string{hostile}, gate.Class(hostile), hostile
	l.Pin = &promoter.Pin{Version: hostile, By: hostile, Reason: hostile, Rule: hostile, Until: now.Add(time.Hour)}
	l.Emergency = &gitops.Given{Command: gitops.Command{Name: hostile, Incident: hostile}, By: gitops.Actor{Name: hostile}, At: now}
	v.Plans = []promoter.Plan{{Promotion: hostile, Artifact: hostile, Lanes: []promoter.LanePlan{l}}}
	v.Problems, v.Silent = []string{hostile}, map[string]string{hostile: hostile}
	v.Pauses = []gitops.Pause{{ID: hostile, URL: "javascript:alert(3)", Title: hostile, By: gitops.Actor{Name: hostile}, Unread: []string{hostile}}}
	v.Lanes = [][]promoter.Lane{{{
		Lane: l.Lane,
		Desired: gitops.Desired{
			Problem: hostile, Places: []gitops.Place{{File: hostile, Line: 1}},
			Left: []gitops.Left{{Version: gitops.Version{Tag: hostile}, At: now}},
		},
		Facts: signals.Facts{
			Proofs: []signals.Proof{{Kind: signals.ProofKind(hostile), Digest: l.Candidate.Digest, Outcome: signals.Outcome(hostile), By: hostile, Reason: hostile}},
			Health: []signals.Health{{Name: hostile, State: signals.State(hostile), Reason: hostile, Source: hostile}},
		},
	}}}
	p := dashboard.New(dashboard.Options{Title: "Shop", Forge: func(string) string { return "javascript:alert(4)" }})
	p.Publish(v)
	for _, path := range []string{"/", "/lane/prod/order-api"} {
		w := get(t, p, "localhost", path)
		if w.Code != http.StatusOK {
			t.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
		}
		for _, bad := range []string{"<script>alert", "<img", "javascript:", "\x1b", "\u202e", "\x00"} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("%s lets %q through", path, bad)
			}
		}
	}
}

func TestPageTrustsNobodysScriptOrStyle(t *testing.T) {
	t.Parallel()
	p := newPage()
	p.Publish(busy())
	for _, path := range []string{"/", "/lane/prod-eu/order-api", "/api/plans", "/page.css", "/page.js", "/lane/no/such"} {
		h := get(t, p, "127.0.0.1:1", path).Header()
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("the policy of %s does not say %s", path, want)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
	body := get(t, p, "localhost", "/").Body.String()
	if regexp.MustCompile(`<style|style=|<script>|\son[a-z]+=`).MatchString(body) {
		t.Error("the page has style or script inside, which its own policy refuses")
	}
}

func TestUnknownHostsAreRefused(t *testing.T) {
	t.Parallel()
	p := newPage()
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST.": 200, "127.0.0.1:9": 200, "127.8.8.8": 200, "[::1]:80": 200, "[::1]": 200,
		"waveguide.example:443": 200, "Waveguide.Example": 200,
		"": 421, "evil.example": 421, "localhost.evil.example": 421, "waveguide.example.evil": 421, "10.0.0.1": 421,
	} {
		if got := get(t, p, host, "/").Code; got != want {
			t.Errorf("host %q answers %d, want %d", host, got, want)
		}
	}
}

func TestPlansAsJSON(t *testing.T) {
	t.Parallel()
	p := newPage()
	if got := strings.TrimSpace(get(t, p, "localhost", "/api/plans").Body.String()); got != "[]" {
		t.Errorf("an empty page has the plans %s", got)
	}
	v := busy()
	p.Publish(v)
	w := get(t, p, "localhost", "/api/plans")
	var got []promoter.Plan
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Plans, got); diff != "" {
		t.Errorf("plans differ (-published +read):\n%s", diff)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type is %s", got)
	}
}

func TestRepositoriesShareOnePage(t *testing.T) {
	t.Parallel()
	p := newPage()
	p.Publish(busy())
	other := busy()
	other.Repository = "another"
	other.Pauses, other.Problems, other.Silent, other.Lanes = nil, nil, nil, nil
	l := lane("edge", "edge", promoter.PhaseEarned, version("9.0.0", "d4"), version("9.0.0", "d4"))
	l.Lane.Repository, l.Lane.Artifact = "another", "gateway"
	other.Plans = []promoter.Plan{{Promotion: "gates", Artifact: "gateway", Lanes: []promoter.LanePlan{l}}}
	p.Publish(other)
	body := get(t, p, "localhost", "/").Body.String()
	for _, want := range []string{"gateway", "order-api", "Repository another", "Repository platform", "6 lanes: 1 failing, 1 unknown, 1 proposed, 1 soaking, 2 earned; 2 stops; 1 problem; 1 silent source."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if code := get(t, p, "localhost", "/lane/edge/gateway").Code; code != http.StatusOK {
		t.Errorf("the other repository's lane answers %d", code)
	}
	if code := get(t, p, "localhost", "/lane/edge/order-api").Code; code != http.StatusNotFound {
		t.Errorf("a lane of no rule answers %d", code)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	newPage().ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST answers %d", w.Code)
	}
}
