package probe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/probe"
)

const running = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

func TestCheckWeighsAnswers(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	ready := map[string]string{"status": "ok"}
	cases := map[string]struct {
		handler http.HandlerFunc
		spec    probe.Spec
		want    signals.Health
	}{
		"200 by default": {
			says(200, "text/plain", "fine"),
			probe.Spec{},
			signals.Health{State: signals.StateHealthy, Reason: "the endpoint answered 200 as expected"},
		},
		"another status is expected": {
			says(204, "", ""),
			probe.Spec{Status: 204},
			signals.Health{State: signals.StateHealthy, Reason: "the endpoint answered 204 as expected"},
		},
		"server error": {
			says(503, "text/html", "<html>down</html>"),
			probe.Spec{JSON: ready, DigestFrom: "digest"},
			signals.Health{State: signals.StateUnhealthy, Reason: "the endpoint answered 503, expected 200"},
		},
		"a login in front": {
			says(401, "text/plain", "who are you?"),
			probe.Spec{},
			signals.Health{Reason: "the answer is 401: it is by whoever stands in front of the endpoint and says nothing about the release"},
		},
		"a firewall in front": {
			says(403, json, `{"digest":"`+running+`"}`),
			probe.Spec{DigestFrom: "digest"},
			signals.Health{Reason: "the answer is 403: it is by whoever stands in front of the endpoint and says nothing about the release"},
		},
		"a gateway that reaches nobody": {
			says(502, "text/html", "<html>"),
			probe.Spec{},
			signals.Health{Reason: "the answer is 502: it is by whoever stands in front of the endpoint and says nothing about the release"},
		},
		"too many questions": {
			says(429, "", ""),
			probe.Spec{},
			signals.Health{Reason: "the answer is 429: it is by whoever stands in front of the endpoint and says nothing about the release"},
		},
		"a login that is expected": {
			says(401, "", ""),
			probe.Spec{Status: 401},
			signals.Health{State: signals.StateHealthy, Reason: "the endpoint answered 401 as expected"},
		},
		"text is there": {
			says(200, "text/plain", "status: up"),
			probe.Spec{Text: "up"},
			signals.Health{State: signals.StateHealthy, Reason: "the endpoint answered 200 as expected"},
		},
		"text is missing": {
			says(200, "text/plain", "status: down"),
			probe.Spec{Text: "up"},
			signals.Health{State: signals.StateUnhealthy, Reason: `the answer does not contain "up"`},
		},
		"plain values of every kind and the digest": {
			says(200, json, `{"a":{"b":[{"c":1.50},{"c":true}]},"n":null,"status":"ok","image":"example.com/app@`+running+`"}`),
			probe.Spec{JSON: map[string]string{"a.b.0.c": "1.50", "a.b.1.c": "true", "n": "null", "status": "ok"}, DigestFrom: "image"},
			signals.Health{State: signals.StateHealthy, Digest: running, Rung: signals.RungReported, Reason: "the endpoint answered 200 as expected"},
		},
		"another value, with the digest that has it": {
			says(200, json, `{"status":"bad","digest":"`+running+`"}`),
			probe.Spec{JSON: ready, DigestFrom: "digest"},
			signals.Health{State: signals.StateUnhealthy, Digest: running, Rung: signals.RungReported, Reason: `status is "bad", expected "ok"`},
		},
		"a value that is not there": {
			says(200, json, `{"state":["ok"]}`),
			probe.Spec{JSON: map[string]string{"state.1": "ok"}},
			signals.Health{State: signals.StateUnhealthy, Reason: "the answer has no state.1"},
		},
		"a list where a value should be": {
			says(200, json, `{"status":["ok"]}`),
			probe.Spec{JSON: ready},
			signals.Health{State: signals.StateUnhealthy, Reason: "status is a list or an object in the answer, expected a plain value"},
		},
		"progressing wins over the status": {
			says(503, json, `{"status":"starting","digest":"`+running+`"}`),
			probe.Spec{JSON: ready, Progressing: map[string]string{"status": "starting"}, DigestFrom: "digest"},
			signals.Health{State: signals.StateProgressing, Digest: running, Rung: signals.RungReported, Reason: "the endpoint says that it is still on the way"},
		},
		"a digest that is none": {
			says(200, json, `{"status":"ok","digest":"latest"}`),
			probe.Spec{JSON: ready, DigestFrom: "digest"},
			signals.Health{Reason: `the running digest cannot be read: digest is "latest", which is not sha256: and 64 hexadecimal digits`},
		},
		"no digest": {
			says(200, json, `{"status":"ok"}`),
			probe.Spec{JSON: ready, DigestFrom: "digest"},
			signals.Health{Reason: "the running digest is not in the answer: the answer has no digest"},
		},
		"web page where JSON should be": {
			says(200, "text/html; charset=utf-8", "<!doctype html><p>sign in"),
			probe.Spec{JSON: ready},
			signals.Health{Reason: "the answer is a web page, expected JSON; is a login page or a proxy in the way?"},
		},
		"web page in disguise": {
			says(200, json, "\n <!doctype html>"),
			probe.Spec{JSON: ready},
			signals.Health{Reason: "the answer is a web page, expected JSON; is a login page or a proxy in the way?"},
		},
		"broken JSON": {
			says(200, json, `{"status":"ok"`),
			probe.Spec{JSON: ready},
			signals.Health{Reason: "the answer is not JSON; check the probe's url"},
		},
		"two JSON values": {
			says(200, json, `{"status":"ok"}{"status":"bad"}`),
			probe.Spec{JSON: ready},
			signals.Health{Reason: "the answer has more than one JSON value; check the probe's url"},
		},
		"control and direction characters": {
			says(200, json, `{"status":"a\u001b[31mb\r\n\u202ec"}`),
			probe.Spec{JSON: ready},
			signals.Health{State: signals.StateUnhealthy, Reason: `status is "a[31mbc", expected "ok"`},
		},
		"HEAD": {
			says(200, "", ""),
			probe.Spec{Method: http.MethodHead},
			signals.Health{State: signals.StateHealthy, Reason: "the endpoint answered 200 as expected"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.spec.Name, c.spec.URL = "ready", serve(t, c.handler)+"/ready?token=s3cret"
			before := time.Now()
			got := probe.New(probe.Options{HTTP: &http.Client{}}).Check(t.Context(), c.spec)
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(signals.Health{}, "Name", "At", "Since", "Source")); diff != "" {
				t.Errorf("Check() differs (-want +got):\n%s", diff)
			}
			if got.Name != "ready" || got.At.Before(before) || !got.Since.Equal(got.At) {
				t.Errorf("Check() = %+v, want the signal's name and the time of reading", got)
			}
			if strings.Contains(got.Source+got.Reason, "s3cret") || !strings.Contains(got.Source, "/ready") {
				t.Errorf("source %q reason %q, want the endpoint without its query", got.Source, got.Reason)
			}
		})
	}
}

// TestCheckBoundsAnswers has its own servers, because each misbehaves.
func TestCheckBoundsAnswers(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a probe left its host") })
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	cases := map[string]struct {
		handler http.HandlerFunc
		timeout time.Duration
		want    string
	}{
		"endless body": {func(w http.ResponseWriter, r *http.Request) {
			block := []byte(strings.Repeat("x", 64<<10))
			for r.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, 0, "the answer is longer than 1 MiB; let the probe ask a health endpoint, not a page"},
		"no answer": {hang, 50 * time.Millisecond, "no whole answer within 50ms"},
		"half an answer": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, "u")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 50 * time.Millisecond, "no whole answer within 50ms"},
		"another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other+"/login", http.StatusFound)
		}, 0, "the answer redirects to another host, which a probe does not follow; is a login page in the way?"},
		"endless redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}, 0, "the answer redirects more than 5 times"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = fmt.Fprint(w, "up")
		}, 0, "the answer broke off: unexpected EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := probe.Spec{Name: "ready", URL: serve(t, c.handler), Text: "up", Timeout: c.timeout}
			got := probe.New(probe.Options{HTTP: &http.Client{}}).Check(t.Context(), spec)
			if got.State != signals.StateUnknown || got.Reason != c.want {
				t.Errorf("Check() = %q because %q, want unknown because %q", got.State, got.Reason, c.want)
			}
		})
	}
}

func TestCheckFollowsOnItsHost(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.Redirect(w, r, "/there", http.StatusFound)
			return
		}
		_, _ = fmt.Fprint(w, "up")
	})
	got := probe.New(probe.Options{HTTP: &http.Client{}}).Check(t.Context(), probe.Spec{URL: url + "/here?token=s3cret", Text: "up"})
	if got.State != signals.StateHealthy {
		t.Errorf("Check() = %q because %q, want healthy", got.State, got.Reason)
	}
}

func TestCheckCannotKnow(t *testing.T) {
	t.Parallel()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	_ = closed.Close()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	cases := map[string]struct {
		ctx    context.Context
		client *http.Client
		spec   probe.Spec
		want   string
	}{
		"refused":         {t.Context(), &http.Client{}, probe.Spec{URL: refused}, "connection refused"},
		"stopped":         {stopped, &http.Client{}, probe.Spec{URL: refused}, "stopped before the answer"},
		"no client":       {t.Context(), nil, probe.Spec{URL: refused}, "without an HTTP client"},
		"relative":        {t.Context(), &http.Client{}, probe.Spec{URL: "/ready"}, "not absolute"},
		"file":            {t.Context(), &http.Client{}, probe.Spec{URL: "file:///etc/passwd"}, "not absolute"},
		"unreadable":      {t.Context(), &http.Client{}, probe.Spec{URL: "http://a b:s3cret@/"}, "cannot be parsed"},
		"credentials":     {t.Context(), &http.Client{}, probe.Spec{URL: "http://bot:s3cret@localhost/"}, "holds credentials"},
		"writing":         {t.Context(), &http.Client{}, probe.Spec{URL: refused, Method: "DELETE"}, `method "DELETE" is not GET or HEAD`},
		"HEAD for a text": {t.Context(), &http.Client{}, probe.Spec{URL: refused, Method: "HEAD", Text: "up"}, "use GET"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probe.New(probe.Options{HTTP: c.client}).Check(c.ctx, c.spec)
			if got.State != signals.StateUnknown || !strings.Contains(got.Reason, c.want) {
				t.Errorf("Check() = %q because %q, want unknown because %q", got.State, got.Reason, c.want)
			}
			if strings.Contains(got.Source+got.Reason, "s3cret") {
				t.Errorf("source %q reason %q hold a password", got.Source, got.Reason)
			}
		})
	}
}

func ExampleProbe_Check() {
	server := httptest.NewServer(says(200, "application/json", `{"status": "ok"}`))
	defer server.Close()
	health := probe.New(probe.Options{HTTP: server.Client()}).Check(context.Background(), probe.Spec{
		Name: "ready",
		URL:  server.URL + "/ready",
		JSON: map[string]string{"status": "ok"},
	})
	fmt.Println(health.Name, health.State)
	// Output: ready healthy
}
