package alertmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/alertmanager"
)

const running = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")

func client(t *testing.T, o alertmanager.Options, handler http.HandlerFunc) *alertmanager.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.URL, o.HTTP = server.URL, server.Client()
	c, err := alertmanager.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// fires is one alert as Alertmanager lists it; labels are name=value.
func fires(state string, labels ...string) string {
	set := map[string]string{}
	for _, l := range labels {
		k, v, _ := strings.Cut(l, "=")
		set[k] = v
	}
	data, _ := json.Marshal(set) // a map of texts always can
	return fmt.Sprintf(`{"labels":%s,"startsAt":"2026-11-20T18:05:16Z","status":{"state":%q,"silencedBy":[],"inhibitedBy":[]}}`, data, state)
}

func TestCheckSelects(t *testing.T) {
	t.Parallel()
	prod := map[string]string{"env": "prod", "service": "order-api"}
	cases := map[string]struct {
		body  string
		spec  alertmanager.Spec
		state signals.State
		says  string
	}{
		"recorded":                     {recorded(t, "api-v2-alerts.json"), alertmanager.Spec{Filter: `severity=~"page|critical"`}, signals.StateUnhealthy, "alert HighErrorRate fires"},
		"recorded, another severity":   {recorded(t, "api-v2-alerts.json"), alertmanager.Spec{Filter: `severity="info"`}, signals.StateHealthy, "no alert fires"},
		"recorded, another place":      {recorded(t, "api-v2-alerts.json"), alertmanager.Spec{Scope: map[string]string{"env": "prod"}}, signals.StateHealthy, "no alert fires"},
		"none":                         {`[]`, alertmanager.Spec{Scope: prod}, signals.StateHealthy, "no alert fires"},
		"ours":                         {"[" + fires("active", "alertname=Slow", "env=prod", "service=order-api") + "]", alertmanager.Spec{Scope: prod}, signals.StateUnhealthy, "alert Slow fires"},
		"of another artifact":          {"[" + fires("active", "alertname=Slow", "env=prod", "service=order-db") + "]", alertmanager.Spec{Scope: prod}, signals.StateHealthy, "no alert fires"},
		"of the whole environment":     {"[" + fires("active", "alertname=Slow", "env=prod") + "]", alertmanager.Spec{Scope: prod}, signals.StateUnhealthy, "alert Slow, which names no service and so covers all, fires"},
		"for everything":               {"[" + fires("active", "alertname=Down") + "]", alertmanager.Spec{Scope: prod}, signals.StateUnhealthy, "alert Down, which names no env and so covers all, fires"},
		"for everything, but filtered": {"[" + fires("active", "alertname=Watchdog") + "]", alertmanager.Spec{Scope: prod, Filter: `alertname!="Watchdog"`}, signals.StateHealthy, "no alert fires"},
		"suppressed all the same":      {"[" + fires("suppressed", "alertname=Slow") + "]", alertmanager.Spec{Scope: prod}, signals.StateHealthy, "no alert fires"},
		"not processed yet":            {"[" + fires("unprocessed", "alertname=Slow") + "]", alertmanager.Spec{Scope: prod}, signals.StateHealthy, "no alert fires"},
		"several, sorted": {
			"[" + strings.Join([]string{fires("active", "alertname=D"), fires("active", "alertname=B"), fires("active", "alertname=A"), fires("active", "alertname=C"), fires("active", "alertname=A")}, ",") + "]",
			alertmanager.Spec{Filter: `alertname=~".+"`},
			signals.StateUnhealthy, "alerts A, B, C and 1 more fire",
		},
		"a hostile name":    {"[" + fires("active", "alertname=a\x1b[31m\n@everyone") + "]", alertmanager.Spec{Scope: prod}, signals.StateUnhealthy, "alert a[31m@everyone, which"},
		"no filter":         {`[]`, alertmanager.Spec{}, "", "neither a filter nor a scope"},
		"an unclear filter": {`[]`, alertmanager.Spec{Filter: `service="`}, "", "the filter cannot be read"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.spec.Name = "alerts"
			got, err := client(t, alertmanager.Options{}, says(200, c.body)).Check(t.Context(), c.spec, signals.Question{Digest: running})
			if err != nil || got.State != c.state || !strings.Contains(got.Reason, c.says) || got.For != running || got.Name != "alerts" {
				t.Errorf("Check() = %+v, %v, want %q because %q", got, err, c.state, c.says)
			}
			if since := time.Date(2026, 11, 20, 18, 5, 16, 0, time.UTC); got.State == signals.StateUnhealthy && (!got.Proven || got.Since.Truncate(time.Second) != since) {
				t.Errorf("Check() holds since %s (proven %t), want %s", got.Since, got.Proven, since)
			}
		})
	}
}

func TestCheckCannotAsk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prometheus bool
		handler    http.HandlerFunc
		want       string
	}{
		"forbidden":                {false, says(403, "[]"), "check the signal's credentials"},
		"down":                     {false, says(503, "[]"), "answers 503"},
		"a login page":             {false, says(200, "<html>"), "no list of alerts"},
		"null":                     {false, says(200, "null"), "no list of alerts"},
		"an object":                {false, says(200, recorded(t, "prometheus-alerts.json")), "no list of alerts"},
		"without status":           {false, says(200, `[{"labels":{"a":"b"}}]`), "no list of alerts"},
		"prometheus without data":  {true, says(200, `{"status":"success"}`), "no list of alerts"},
		"prometheus with an error": {true, says(200, `{"status":"error"}`), "no list of alerts"},
		"endless":                  {false, says(200, strings.Repeat(" ", 17<<20)), "more than 16 MiB"},
		"too slow":                 {false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if name == "too slow" {
				timeout = time.Second / 4
			}
			got, err := client(t, alertmanager.Options{Prometheus: c.prometheus, Timeout: timeout}, c.handler).
				Check(t.Context(), alertmanager.Spec{Filter: `a="b"`}, signals.Question{})
			if err == nil || !strings.Contains(err.Error(), c.want) || got.State != signals.StateUnknown {
				t.Errorf("Check() = %q, %v, want an error with %q", got.State, err, c.want)
			}
		})
	}
}

// TestOneRequestServesAll holds that a look at many lanes is one request.
func TestOneRequestServesAll(t *testing.T) {
	t.Parallel()
	c := client(t, alertmanager.Options{}, says(200, "["+fires("active", "alertname=Slow", "service=a7")+"]"))
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			h, err := c.Check(t.Context(), alertmanager.Spec{Scope: map[string]string{"service": fmt.Sprint("a", i)}}, signals.Question{})
			if want := map[bool]signals.State{true: signals.StateUnhealthy, false: signals.StateHealthy}[i == 7]; err != nil || h.State != want {
				t.Errorf("lane %d is %q, %v, want %q", i, h.State, err, want)
			}
		})
	}
	wg.Wait()
	if n := c.Requests(); n != 1 {
		t.Errorf("100 lanes took %d requests, want 1", n)
	}
	c.Forget()
	if _, err := c.Check(t.Context(), alertmanager.Spec{Filter: `a="b"`}, signals.Question{}); err != nil || c.Requests() != 2 {
		t.Errorf("after Forget: %d requests, %v, want another one", c.Requests(), err)
	}
}

func TestIsHook(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"webhook-firing.json", "webhook-resolved.json"} {
		var recording struct{ Body json.RawMessage }
		if err := json.Unmarshal([]byte(recorded(t, name)), &recording); err != nil {
			t.Fatal(err)
		}
		if err := alertmanager.IsHook(recording.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, body := range []string{"", "{}", "[]", `{"version":"3","status":"firing","alerts":[{}]}`, `{"version":"4","status":"x","alerts":[{}]}`, `{"version":"4","status":"firing"}`} {
		if alertmanager.IsHook([]byte(body)) == nil {
			t.Errorf("%q is taken for a notification", body)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "/x", "ftp://host/", "https://bot:s3cret@host/"} {
		_, err := alertmanager.New(alertmanager.Options{URL: url, HTTP: &http.Client{}})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New(%q) = %v, want a refusal without the secret", url, err)
		}
	}
}

// TestRecordedPrometheus reads Prometheus' own list.
func TestRecordedPrometheus(t *testing.T) {
	t.Parallel()
	pending := strings.Replace(recorded(t, "prometheus-alerts.json"), `"firing"`, `"pending"`, 1)
	for body, want := range map[string]signals.State{recorded(t, "prometheus-alerts.json"): signals.StateUnhealthy, pending: signals.StateHealthy} {
		got, err := client(t, alertmanager.Options{Prometheus: true}, says(200, body)).Check(t.Context(), alertmanager.Spec{Name: "alerts", Scope: map[string]string{"env": "staging"}}, signals.Question{})
		if diff := cmp.Diff(want, got.State); diff != "" || err != nil {
			t.Errorf("Check() = %q because %q, %v, want %q", got.State, got.Reason, err, want)
		}
	}
}

func ExampleClient_Check() {
	server := httptest.NewServer(says(200, `[]`))
	defer server.Close()
	client, err := alertmanager.New(alertmanager.Options{URL: server.URL, HTTP: server.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := client.Check(context.Background(), alertmanager.Spec{Name: "no-alerts", Filter: `severity="page"`}, signals.Question{})
	fmt.Println(health.Name, health.State, err)
	// Output: no-alerts healthy <nil>
}
