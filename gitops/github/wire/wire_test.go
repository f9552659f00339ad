package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/wire"
)

// server answers requests in memory, one after the other; the last answer is
// repeated.
type server struct {
	answers []answer
	got     []*http.Request
}

type answer struct {
	status int
	header map[string]string
	body   string
	err    error
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.got = append(s.got, r)
	a := s.answers[min(len(s.got), len(s.answers))-1]
	if a.err != nil {
		return nil, a.err
	}
	h := http.Header{}
	for k, v := range a.header {
		h.Set(k, v)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func token(context.Context) (string, error) { return "t0ken", nil }

// send sends one request and reads the answer.
func send(t *testing.T, rt http.RoundTripper, method, url, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), errors.Join(err, resp.Body.Close())
}

const (
	rest    = "https://ghe.example.com/api/v3/repos/acme/env"
	graphql = "https://ghe.example.com/api/graphql"
)

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, url, body string
		answer            answer
		want              int
	}{
		"a read that fails":         {http.MethodGet, rest, "", answer{status: 502, body: "x"}, 3},
		"a read without connection": {http.MethodGet, rest, "", answer{err: errors.New("reset by peer")}, 3},
		"a query that fails":        {http.MethodPost, graphql, `{"query":"query look"}`, answer{status: 502, body: "x"}, 3},
		"a mutation that fails":     {http.MethodPost, graphql, `{"query":"mutation enqueue"}`, answer{status: 502, body: "x"}, 1},
		"a write that fails":        {http.MethodPost, rest, `{}`, answer{status: 502, body: "x"}, 1},
		"a write without answer":    {http.MethodPut, rest, `{}`, answer{err: errors.New("reset by peer")}, 1},
		"a read that is refused":    {http.MethodGet, rest, "", answer{status: 404, body: "{}"}, 1},
		"a token that is refused":   {http.MethodPost, rest, `{}`, answer{status: 401, body: "{}"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answers: []answer{c.answer}}
				status, _, err := send(t, wire.New(s, "ghe.example.com").With(wire.Static(token)), c.method, c.url, c.body)
				if len(s.got) != c.want || err == nil && status != c.answer.status {
					t.Errorf("sent %d times, want %d; the answer is %d, %v", len(s.got), c.want, status, err)
				}
			})
		})
	}
}

func TestTokenGoesToOneHost(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{status: 200, body: "{}"}}}
	rt := wire.New(s, "ghe.example.com").With(wire.Static(token))
	for url, want := range map[string]string{rest: "Bearer t0ken", "https://ghe.example.com.evil.org/x": "", "https://ghe.example.com:444/x": ""} {
		if _, _, err := send(t, rt, http.MethodGet, url, ""); err != nil {
			t.Fatal(err)
		}
		if got := s.got[len(s.got)-1].Header.Get("Authorization"); got != want {
			t.Errorf("%s gets %q, want %q", url, got, want)
		}
	}
}

func TestUnchangedAnswerIsRemembered(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{status: 200, header: map[string]string{"ETag": `"1"`, "Date": "then"}, body: "[1]"}, {status: 304, header: map[string]string{"Date": "now"}}}}
	rt := wire.New(s, "ghe.example.com").With(wire.Static(token))
	for range 3 {
		status, body, err := send(t, rt, http.MethodGet, rest, "")
		if status != http.StatusOK || body != "[1]" || err != nil {
			t.Errorf("answer = %d %s %v", status, body, err)
		}
	}
	if s.got[0].Header.Get("If-None-Match") != "" || s.got[1].Header.Get("If-None-Match") != `"1"` {
		t.Errorf("conditions = %q, %q", s.got[0].Header.Get("If-None-Match"), s.got[1].Header.Get("If-None-Match"))
	}
}

// TestWaiting: what GitHub asks us to wait for, and for what, in virtual time.
func TestWaiting(t *testing.T) {
	t.Parallel()
	reset := func(in time.Duration) string { return strconv.FormatInt(time.Now().Add(in).Unix(), 10) }
	for name, c := range map[string]struct {
		answer func() answer
		wait   time.Duration
		other  bool // queries wait too
		first  bool // the answer itself is one
	}{
		"Retry-After":        {func() answer { return answer{status: 403, header: map[string]string{"Retry-After": "30"}, body: "{}"} }, 30 * time.Second, true, false},
		"429 without a time": {func() answer { return answer{status: 429, body: "{}"} }, time.Minute, true, false},
		"secondary limit":    {func() answer { return answer{status: 403, body: "exceeded a secondary rate limit"} }, time.Minute, true, false},
		"hourly budget": {func() answer {
			return answer{status: 403, header: map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset(10 * time.Minute)}, body: "{}"}
		}, 10 * time.Minute, false, false},
		"the last of the budget": {func() answer {
			return answer{status: 200, header: map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset(10 * time.Minute)}, body: "{}"}
		}, 10 * time.Minute, false, true},
		"a time far away": {func() answer {
			return answer{status: 429, header: map[string]string{"Retry-After": "999999"}, body: "{}"}
		}, 2 * time.Hour, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answers: []answer{c.answer(), {status: 200, body: "{}"}}}
				rt := wire.New(s, "ghe.example.com").With(wire.Static(token))
				_, _, err := send(t, rt, http.MethodGet, rest, "")
				limit, limited := errors.AsType[*gitops.LimitError](err)
				if limited == c.first || limited && time.Until(limit.Until).Round(2*time.Second) != c.wait {
					t.Fatalf("the first answer: %v", err)
				}
				n := len(s.got)
				time.Sleep(c.wait - 2*time.Second)
				if _, _, err := send(t, rt, http.MethodGet, rest, ""); err == nil || len(s.got) != n {
					t.Errorf("before the time is over something is sent: %v", err)
				}
				if _, _, err := send(t, rt, http.MethodPost, graphql, `{"query":"query x"}`); (err != nil) != c.other {
					t.Errorf("a query meanwhile: %v", err)
				}
				time.Sleep(3 * time.Second)
				if _, _, err := send(t, rt, http.MethodGet, rest, ""); err != nil {
					t.Errorf("after the time: %v", err)
				}
			})
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	left := func(n int) answer {
		return answer{status: 200, header: map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": fmt.Sprint(n), "X-RateLimit-Reset": "1900000000"}, body: "{}"}
	}
	s := &server{answers: []answer{left(4000), left(12)}}
	rt := wire.New(s, "ghe.example.com").With(wire.Static(token))
	for _, url := range []string{rest, graphql} {
		if _, _, err := send(t, rt, http.MethodPost, url, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	if core, all := rt.Budget("core"), rt.Budget(""); core.Remaining != 4000 || all.Remaining != 12 || all.Reset.Unix() != 1900000000 {
		t.Errorf("budgets = %+v, %+v", core, all)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"too long": strings.Repeat(" ", 17<<20), "empty": ""} {
		s := &server{answers: []answer{{status: 200, body: body}}}
		if _, _, err := send(t, wire.New(s, "ghe.example.com"), http.MethodPost, rest, "{}"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
