package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/alertmanager"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// serve runs a server of a Debian package of the same name until the test ends.
func serve(t *testing.T, address, program string, args ...string) string {
	t.Helper()
	signalstest.Serve(t, "http://"+address+"/-/ready", signalstest.Program(t, program, "apt-get install "+program), args...)
	return "http://" + address
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startAlertmanager starts Debian's Alertmanager, which notifies hook, and in
// which a critical alert inhibits a page of the same service.
func startAlertmanager(t *testing.T, hook string) string {
	t.Helper()
	config := write(t, "alertmanager.yml", fmt.Sprintf(`
route: {receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: %q, http_config: {authorization: {credentials: hook-token}}}]}]
inhibit_rules: [{source_matchers: ['severity="critical"'], target_matchers: ['severity="page"'], equal: [service]}]
`, hook))
	address := signalstest.Free(t)
	return serve(t, address, "prometheus-alertmanager", "--config.file="+config, "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
}

// post sends JSON and returns the answer.
func post(t *testing.T, url string, body any) []byte {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url, "application/json", bytes.NewReader(data)) //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d %s, %v", url, res.StatusCode, answer, err)
	}
	return answer
}

func fire(t *testing.T, url string, labels map[string]string) {
	t.Helper()
	post(t, url+"/api/v2/alerts", []any{map[string]any{"labels": labels, "startsAt": time.Now().Add(-time.Minute)}})
}

// TestRealAlertmanager fires, inhibits and silences alerts in Debian's
// Alertmanager.
func TestRealAlertmanager(t *testing.T) {
	t.Parallel()
	hooks := make(chan []byte, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hooks <- body
	}))
	defer hook.Close()
	url := startAlertmanager(t, hook.URL)
	c, err := alertmanager.New(alertmanager.Options{URL: url, HTTP: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	is := func(service string, want signals.State, says string) {
		t.Helper()
		var last signals.Health
		eventually(t, service+" is "+string(want)+" because "+says, func() bool {
			c.Forget()
			last, err = c.Check(t.Context(), alertmanager.Spec{Name: "alerts", Filter: `severity=~"page|critical"`, Scope: map[string]string{"service": service}}, signals.Question{})
			return err == nil && last.State == want && strings.Contains(last.Reason, says)
		})
		if want == signals.StateUnhealthy && (!last.Proven || time.Since(last.Since) < 50*time.Second) {
			t.Errorf("%s: since %s (proven %t), want a minute ago", service, last.Since, last.Proven)
		}
	}
	is("shop", signals.StateHealthy, "no alert fires")
	fire(t, url, map[string]string{"alertname": "Slow", "severity": "page", "service": "shop"})
	is("shop", signals.StateUnhealthy, "alert Slow fires")
	is("bank", signals.StateHealthy, "no alert fires")
	fire(t, url, map[string]string{"alertname": "Lost", "severity": "critical", "service": "shop"})
	is("shop", signals.StateUnhealthy, "alert Lost fires") // which inhibits the page
	post(t, url+"/api/v2/silences", map[string]any{
		"matchers":  []any{map[string]any{"name": "alertname", "value": "Lost", "isRegex": false, "isEqual": true}},
		"startsAt":  time.Now().Add(-time.Second),
		"endsAt":    time.Now().Add(time.Hour),
		"createdBy": "ada", "comment": "known",
	})
	is("shop", signals.StateHealthy, "no alert fires") // the silenced one still inhibits
	fire(t, url, map[string]string{"alertname": "Down", "severity": "critical"})
	is("shop", signals.StateUnhealthy, "alert Down, which names no service and so covers all, fires")
	is("bank", signals.StateUnhealthy, "alert Down")
	select {
	case body := <-hooks:
		if err := alertmanager.IsHook(body); err != nil {
			t.Errorf("the webhook: %v\n%s", err, body)
		}
	case <-time.After(30 * time.Second):
		t.Error("no webhook came")
	}
}

// TestRealPrometheusAlerts reads a rule's alert from Debian's Prometheus.
func TestRealPrometheusAlerts(t *testing.T) {
	t.Parallel()
	rules := write(t, "rules.yml", `
groups:
  - name: test
    interval: 1s
    rules:
      - {alert: Slow, expr: vector(1), labels: {severity: page, service: shop}}
      - {alert: Waits, expr: vector(1), for: 1h, labels: {severity: page, service: bank}}
`)
	config := write(t, "prometheus.yml", "global: {evaluation_interval: 1s}\nrule_files: ["+rules+"]\n")
	address := signalstest.Free(t)
	url := serve(t, address, "prometheus", "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+address, "--log.level=error")
	c, err := alertmanager.New(alertmanager.Options{URL: url, HTTP: &http.Client{}, Prometheus: true})
	if err != nil {
		t.Fatal(err)
	}
	check := func(service string) signals.Health {
		c.Forget()
		h, err := c.Check(t.Context(), alertmanager.Spec{Name: "alerts", Scope: map[string]string{"service": service}}, signals.Question{})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	eventually(t, "the alert fires", func() bool { return check("shop").State == signals.StateUnhealthy })
	if h := check("bank"); h.State != signals.StateHealthy {
		t.Errorf("an alert that only pends: %q because %q", h.State, h.Reason)
	}
}
