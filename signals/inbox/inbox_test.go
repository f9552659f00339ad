package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/inbox"
)

const (
	ours  = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	other = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
)

// memory is a Memory that can fail.
type memory struct {
	values map[string][]byte
	err    error
}

func (m *memory) Recall(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := m.values[key]
	return v, ok, m.err
}

func (m *memory) Remember(_ context.Context, key string, value []byte, _ time.Time) error {
	if m.err == nil {
		m.values[key] = value
	}
	return m.err
}

func text(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func newInbox(m *memory, pushed *[]inbox.Slot) *inbox.Inbox {
	return inbox.New(inbox.Options{
		Memory: m,
		Tokens: []inbox.Token{
			{Name: "ci-dev", Environment: "dev", Artifact: "*", Signal: "*", Secret: text("dev-token")},
			{Name: "ci-prod", Environment: "prod-*", Artifact: "shop", Signal: "e2e", Secret: text("prod-token")},
			{Name: "same", Environment: "shop", Artifact: "shop", Signal: "*", Secret: text("same-token")},
			{Name: "empty", Environment: "*", Artifact: "*", Signal: "*", Secret: text("")},
			{Name: "unread", Environment: "*", Artifact: "*", Signal: "*", Secret: func() (string, error) { return "half", errors.New("unreadable") }},
		},
		Wanted: func(s inbox.Slot) bool { return s.Artifact == "shop" && s.Signal != "nobody-asks" },
		Pushed: func(s inbox.Slot) { *pushed = append(*pushed, s) },
	})
}

// push sends a body with a token and returns status and text of the answer.
func push(b *inbox.Inbox, path, token, body string) (int, string) {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// run is a result; more is further JSON.
func run(id string, d signals.Digest, state string, at time.Time, more string) string {
	return fmt.Sprintf(`{"id":%q,"digest":%q,"state":%q,"at":%q%s}`, id, d, state, at.UTC().Format(time.RFC3339), more)
}

// TestServeHTTPRefuses holds who and what is turned away, and that nothing of
// it is kept.
func TestServeHTTPRefuses(t *testing.T) {
	t.Parallel()
	const e2e = "/signals/dev/shop/e2e"
	now := time.Now()
	good := run("1", ours, "healthy", now, "")
	cases := map[string]struct {
		path, token, body string
		status            int
		says              string
	}{
		"nobody":                  {e2e, "", good, 401, "not authorized"},
		"a forged token":          {e2e, "dev-tokem", good, 401, "not authorized"},
		"the beginning of one":    {e2e, "dev-toke", good, 401, "not authorized"},
		"a token that is empty":   {e2e, " ", good, 401, "not authorized"},
		"a token half read":       {e2e, "half", good, 401, "not authorized"},
		"nobody, elsewhere":       {"/signals/none/none/none", "", good, 401, "not authorized"},
		"another environment":     {"/signals/prod-eu/shop/e2e", "dev-token", good, 403, "not for this place"},
		"another artifact":        {"/signals/prod-eu/bank/e2e", "prod-token", good, 403, "not for this place"},
		"another signal":          {"/signals/prod-eu/shop/load", "prod-token", good, 403, "not for this place"},
		"equal patterns":          {"/signals/prod-eu/shop/e2e", "same-token", good, 403, "not for this place"},
		"nobody asks":             {"/signals/dev/shop/nobody-asks", "dev-token", good, 404, "no rule asks"},
		"too short a path":        {"/signals/dev/shop", "dev-token", good, 404, "ENVIRONMENT/ARTIFACT/NAME"},
		"too long a path":         {"/signals/dev/shop/e2e/x", "dev-token", good, 404, "ENVIRONMENT/ARTIFACT/NAME"},
		"no JSON":                 {e2e, "dev-token", "passed", 400, "not JSON"},
		"an unknown key":          {e2e, "dev-token", run("1", ours, "healthy", now, `,"verdict":"pass"`), 400, "not JSON"},
		"two results":             {e2e, "dev-token", good + good, 400, "not JSON"},
		"no id":                   {e2e, "dev-token", run("", ours, "healthy", now, ""), 400, "id names the run"},
		"a tag for a digest":      {e2e, "dev-token", run("1", "1.2.3", "healthy", now, ""), 400, "digest is not"},
		"a state nobody knows":    {e2e, "dev-token", run("1", ours, "passed", now, ""), 400, "state is"},
		"no state":                {e2e, "dev-token", run("1", ours, "", now, ""), 400, "state is"},
		"a script for an address": {e2e, "dev-token", run("1", ours, "healthy", now, `,"url":"javascript:alert(1)"`), 400, "no address"},
		"from the future":         {e2e, "dev-token", run("1", ours, "healthy", now.Add(5*time.Minute), ""), 422, "in the future"},
		"from long ago":           {e2e, "dev-token", run("1", ours, "healthy", now.Add(-2*time.Hour), ""), 422, "more than an hour ago"},
		"expired":                 {e2e, "dev-token", run("1", ours, "healthy", now.Add(-time.Minute), `,"expires":"`+now.Add(-time.Second).UTC().Format(time.RFC3339)+`"`), 422, "expired"},
		"for ever":                {e2e, "dev-token", run("1", ours, "healthy", now, `,"expires":"2999-01-01T00:00:00Z"`), 422, "30 days"},
		"too large":               {e2e, "dev-token", strings.Repeat(" ", 65<<10) + good, 413, "larger than 64 KiB"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, pushed := &memory{values: map[string][]byte{}}, []inbox.Slot{}
			status, says := push(newInbox(m, &pushed), c.path, c.token, c.body)
			if status != c.status || !strings.Contains(says, c.says) {
				t.Errorf("%d %q, want %d with %q", status, says, c.status, c.says)
			}
			if len(m.values)+len(pushed) > 0 {
				t.Errorf("%d values were kept, %d told of", len(m.values), len(pushed))
			}
		})
	}
}

// TestServeHTTPEmptyToken holds that a secret that is empty opens nothing.
func TestServeHTTPEmptyToken(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Bearer ", "Bearer", ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/signals/dev/shop/e2e", strings.NewReader(run("1", ours, "healthy", time.Now(), "")))
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		newInbox(&memory{values: map[string][]byte{}}, &[]inbox.Slot{}).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q is answered with %d, want 401", header, w.Code)
		}
	}
}

func TestServeHTTPWantsPOST(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/signals/dev/shop/e2e", nil)
	r.Header.Set("Authorization", "Bearer dev-token")
	w := httptest.NewRecorder()
	newInbox(&memory{values: map[string][]byte{}}, &[]inbox.Slot{}).ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered with %d", w.Code)
	}
}

// TestServeHTTPForgetsNothing holds that a result that cannot be kept is not
// acknowledged.
func TestServeHTTPForgetsNothing(t *testing.T) {
	t.Parallel()
	m := &memory{values: map[string][]byte{}, err: errors.New("disk full at /var/lib")}
	status, says := push(newInbox(m, &[]inbox.Slot{}), "/signals/dev/shop/e2e", "dev-token", run("1", ours, "healthy", time.Now(), ""))
	if status != http.StatusInternalServerError || strings.Contains(says, "/var/lib") {
		t.Errorf("%d %q, want 500 that shows nothing of the inside", status, says)
	}
	if h, err := newInbox(m, nil).Check(t.Context(), inbox.Slot{Environment: "dev", Artifact: "shop", Signal: "e2e"}, signals.Question{Digest: ours}); err == nil || h.State != signals.StateUnknown {
		t.Errorf("Check() = %q, %v, want an error", h.State, err)
	}
}

// TestLife plays the life of results over days, in virtual time.
func TestLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, pushed := &memory{values: map[string][]byte{}}, []inbox.Slot{}
		slot := inbox.Slot{Environment: "dev", Artifact: "shop", Signal: "e2e"}
		send := func(id string, d signals.Digest, state string, at time.Time, more string, want int) {
			t.Helper()
			if status, says := push(newInbox(m, &pushed), "/signals/dev/shop/e2e", "dev-token", run(id, d, state, at, more)); status != want {
				t.Errorf("run %s: %d %q, want %d", id, status, says, want)
			}
		}
		is := func(d signals.Digest, want signals.State, says string, runs signals.Digest) {
			t.Helper()
			h, err := newInbox(m, &pushed).Check(t.Context(), slot, signals.Question{Digest: d})
			if err != nil || h.State != want || !strings.Contains(h.Reason, says) || h.Digest != runs || h.For != d {
				t.Errorf("Check(%s) = %+v, %v, want %q because %q, running %q", d.Short(), h, err, want, says, runs)
			}
		}
		is(ours, signals.StateUnknown, "no result was pushed", "")
		send("1", ours, "progressing", time.Now(), "", 204)
		is(ours, signals.StateProgressing, "", "")
		time.Sleep(time.Minute)
		send("2", ours, "healthy", time.Now(), `,"reason":"all 12 passed","running":true,"url":"https://ci.example.com/2"`, 204)
		made := time.Now()
		time.Sleep(time.Minute)
		is(ours, signals.StateHealthy, "all 12 passed", ours)
		is(other, signals.StateUnknown, "the newest is about sha256:111111111111", ours)
		is("", signals.StateUnknown, "nobody knows which version", ours)
		if h, _ := newInbox(m, &pushed).Check(t.Context(), slot, signals.Question{Digest: ours}); !h.Proven || !h.Since.Equal(made.Truncate(time.Second)) || h.Source != "pushed by ci-dev as 2 (https://ci.example.com/2)" || h.Rung != signals.RungReported {
			t.Errorf("Check() = %+v", h)
		}
		send("2", ours, "unhealthy", time.Now(), "", 409)             // repeated
		send("3", ours, "unhealthy", made.Add(-time.Second), "", 409) // late
		is(ours, signals.StateHealthy, "", ours)
		send("4", other, "unhealthy", time.Now(), `,"reason":"2 of 12 failed"`, 204)
		is(other, signals.StateUnhealthy, "2 of 12 failed", ours)
		is(ours, signals.StateHealthy, "", ours)
		time.Sleep(90 * time.Minute)
		send("1", ours, "healthy", made, "", 422) // replayed later
		time.Sleep(23 * time.Hour)
		is(ours, signals.StateUnknown, "held until", "")
		if len(pushed) != 3 || pushed[0] != slot {
			t.Errorf("told of %v, want three results", pushed)
		}
	})
}

// TestBounds holds that pushing without end fills nothing.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{values: map[string][]byte{}}
		b := newInbox(m, &[]inbox.Slot{})
		last := 0
		for i := range 300 {
			d := signals.Digest(fmt.Sprintf("sha256:%064x", i))
			last, _ = push(b, "/signals/dev/shop/e2e", "dev-token", run(fmt.Sprint(i), d, "healthy", time.Now(), ""))
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the 300th result is answered with %d, want 429", last)
		}
		if n := len(m.values["dev/shop/e2e"]); n > 32<<10 {
			t.Errorf("300 results take %d bytes", n)
		}
		time.Sleep(3 * time.Hour)
		if status, says := push(b, "/signals/dev/shop/e2e", "dev-token", run("later", ours, "healthy", time.Now(), "")); status != 204 {
			t.Errorf("three hours later: %d %s", status, says)
		}
	})
}

func ExampleInbox() {
	b := newInbox(&memory{values: map[string][]byte{}}, &[]inbox.Slot{})
	status, _ := push(b, "/signals/dev/shop/e2e", "dev-token", run("run-17", ours, "healthy", time.Now(), ""))
	h, err := b.Check(context.Background(), inbox.Slot{Environment: "dev", Artifact: "shop", Signal: "e2e"}, signals.Question{Digest: ours})
	fmt.Println(status, h.Name, h.State, err)
	// Output: 204 e2e healthy <nil>
}
