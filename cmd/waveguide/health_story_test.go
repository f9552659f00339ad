package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestPrometheusAndAlertsDecide lets a real Prometheus decide the soak in dev
// and a real alert stop prod, with the real program in between.
func TestPrometheusAndAlertsDecide(t *testing.T) {
	t.Parallel()
	const soak = 4 * time.Second
	metrics := newExporter(t)
	prometheus, alertmanager := startPrometheus(t, metrics.address), startAlertmanager(t)
	w := newWorld(t, setup{registry: dockerRegistry(t), envs: []string{"dev", "prod"}, soak: soak})
	w.pushAs("root", rootToken, "main", map[string]string{
		".waveguide/environments.yaml": w.measured(),
		".waveguide/shop.yaml":         w.promotion(setup{envs: w.envs, soak: soak}) + "rollback: {onUnhealthy: \"off\"}\n",
	})
	w.write("waveguide.yaml", w.daemon(setup{registry: strings.Split(w.image, "/")[0]})+fmt.Sprintf(
		"  - {name: prometheus, kind: prometheus, url: %q}\n  - {name: alerts, kind: alertmanager, url: %q}\n", prometheus, alertmanager))
	next := w.release("1.1.0")
	alert(t, alertmanager, "Slow", time.Time{})

	d := w.run()
	page := "http://" + d.says(t, `for=page address=(\S+)`)
	says := func(text string) {
		t.Helper()
		eventually(t, text, func() (string, bool) {
			plans := w.get(page + "/api/plans")
			return plans, strings.Contains(plans, text)
		})
	}
	w.reaches("dev", next)
	metrics.errors.Store(50)
	says("error-rate of dev is unhealthy")
	says("the answer is not below 0.01")
	metrics.errors.Store(0)
	well := time.Now()
	says(") earned dev at ")
	if took := time.Since(well); took < soak {
		t.Errorf("dev was earned %s after the bad news, want the whole soak of %s anew", took, soak)
	}
	says("no-alerts of prod is unhealthy")
	says("alert Slow fires")
	for _, p := range w.proposals() {
		if p.Lane.Environment == "prod" {
			t.Errorf("prod has proposal %s while an alert fires", p.ID)
		}
	}
	alert(t, alertmanager, "Slow", time.Now())
	w.reaches("prod", next)
	d.stop(t)
}

// measured are environments of which dev is judged by its error rate and prod
// by its alerts.
func (w *world) measured() string {
	text := w.environments()
	text = strings.Replace(text, "/dev/${artifact}\", digestFrom: digest}\n", "/dev/${artifact}\", digestFrom: digest}\n"+
		"  - {name: error-rate, signal: prometheus, query: 'sum(errors{app=\"${artifact}\",env=\"dev\"}) / sum(requests{app=\"${artifact}\",env=\"dev\"})', below: 0.01, minTraffic: {query: 'sum(requests{app=\"${artifact}\"})', above: 10}}\n", 1)
	return strings.Replace(text, "/prod/${artifact}\", digestFrom: digest}\n", "/prod/${artifact}\", digestFrom: digest}\n"+
		"  - {name: no-alerts, signal: alerts, filter: 'severity=~\"page|critical\"', scope: {env: prod, service: \"${artifact}\"}}\n", 1)
}

// exporter serves the numbers of an application.
type exporter struct {
	address string
	errors  atomic.Int64 // of 1,000 requests
}

func newExporter(t *testing.T) *exporter {
	t.Helper()
	e := &exporter{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, "errors{app=\"shop\",env=\"dev\"} %d\nrequests{app=\"shop\",env=\"dev\"} 1000\n", e.errors.Load())
	}))
	t.Cleanup(server.Close)
	e.address = strings.TrimPrefix(server.URL, "http://")
	return e
}

// debian runs a server of a Debian package on an address of its own and waits
// until it is ready.
func debian(t *testing.T, program, address string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1" {
			t.Fatalf("%s is required and not there: install Debian's package %s", program, program)
		}
		t.Skipf("no %s here", program)
	}
	start(t, nil, append([]string{program}, args...)...)
	eventually(t, program+" ready", func() (string, bool) {
		res, err := http.Get("http://" + address + "/-/ready") //nolint:noctx // the test's own server
		if err != nil {
			return err.Error(), false
		}
		defer func() { _ = res.Body.Close() }()
		return res.Status, res.StatusCode == http.StatusOK
	})
	return "http://" + address
}

func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// startPrometheus scrapes a target every second.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	dir, address := t.TempDir(), free(t)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return debian(t, "prometheus", address, "--config.file="+config, "--storage.tsdb.path="+dir, "--web.listen-address="+address, "--log.level=error")
}

// startAlertmanager takes alerts and tells nobody.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	dir, address := t.TempDir(), free(t)
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return debian(t, "prometheus-alertmanager", address, "--config.file="+config, "--storage.path="+dir,
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
}

// alert fires an alert about the shop in prod, or ends it.
func alert(t *testing.T, url, name string, ends time.Time) {
	t.Helper()
	one := map[string]any{
		"labels":   map[string]string{"alertname": name, "severity": "page", "env": "prod", "service": "shop"},
		"startsAt": time.Now().Add(-time.Minute),
	}
	if !ends.IsZero() {
		one["endsAt"] = ends
	}
	body, err := json.Marshal([]any{one})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url+"/api/v2/alerts", "application/json", bytes.NewReader(body)) //nolint:noctx // the test's own server
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("fire %s: %v, %v", name, res, err)
	}
	_ = res.Body.Close()
}
