package prometheus_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/prometheus"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

const get = "apt-get install prometheus"

// history writes samples of the last hours as blocks that a Prometheus reads
// when it starts; a function says a series' value at a time before now.
func history(t *testing.T, dir string, now time.Time, series map[string]func(ago time.Duration) (string, bool)) {
	t.Helper()
	var b strings.Builder
	for name, value := range series {
		metric, _, _ := strings.Cut(name, "{")
		fmt.Fprintf(&b, "# TYPE %s gauge\n", metric)
		for ago := 2 * time.Hour; ago >= 0; ago -= 15 * time.Second {
			if v, ok := value(ago); ok {
				fmt.Fprintf(&b, "%s %s %d\n", name, v, now.Add(-ago).Unix())
			}
		}
	}
	b.WriteString("# EOF\n")
	file := filepath.Join(t.TempDir(), "history.om")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), signalstest.Program(t, "promtool", get), "tsdb", "create-blocks-from", "openmetrics", file, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
}

// serve starts Debian's Prometheus on a folder of blocks.
func serve(t *testing.T, data string) string {
	t.Helper()
	address := signalstest.Free(t)
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {scrape_interval: 1s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	signalstest.Serve(t, "http://"+address+"/-/ready", signalstest.Program(t, "prometheus", get),
		"--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+address, "--log.level=error")
	return "http://" + address
}

// TestRealPrometheus asks Debian's Prometheus about two hours of history.
func TestRealPrometheus(t *testing.T) {
	t.Parallel()
	now, data := time.Now(), t.TempDir()
	between := func(from, to time.Duration) func(time.Duration) (string, bool) {
		return func(ago time.Duration) (string, bool) {
			if ago <= from && ago > to {
				return "0.5", true
			}
			return "0.001", true
		}
	}
	series := map[string]func(time.Duration) (string, bool){
		`good{app="shop"}`:      between(0, 0),
		`recovered{app="shop"}`: between(40*time.Minute, 30*time.Minute),
		`broke{app="shop"}`:     between(20*time.Minute, -1),
		`vanished{app="shop"}`:  func(ago time.Duration) (string, bool) { return "0.001", ago > 15*time.Minute },
		`nan{app="shop"}`:       func(time.Duration) (string, bool) { return "NaN", true },
		`inf{app="shop"}`:       func(time.Duration) (string, bool) { return "+Inf", true },
		`pods{pod="a"}`:         between(0, 0),
		`pods{pod="b"}`:         between(10*time.Minute, -1),
		`requests{app="shop"}`: func(ago time.Duration) (string, bool) {
			return fmt.Sprint(int((2*time.Hour - ago).Seconds()) * 10), true
		},
	}
	for i := range 200 {
		series[fmt.Sprintf(`wide{pod="%d"}`, i)] = func(ago time.Duration) (string, bool) { return "0", ago < time.Minute }
	}
	history(t, data, now, series)
	c, err := prometheus.New(prometheus.Options{URL: serve(t, data), HTTP: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	since := func(d time.Duration) signals.Question { return signals.Question{Digest: running, Since: now.Add(-d)} }
	cases := map[string]struct {
		spec  prometheus.Spec
		ask   signals.Question
		state signals.State
		ago   time.Duration // since when; 0 is not proven
		says  string
	}{
		"good now":                   {prometheus.Spec{Query: `good{app="shop"}`}, signals.Question{}, signals.StateHealthy, 0, "is below 0.01"},
		"good as a scalar":           {prometheus.Spec{Query: `scalar(good)`}, signals.Question{}, signals.StateHealthy, 0, "is below"},
		"good for an hour":           {prometheus.Spec{Query: `good`, Over: time.Hour}, signals.Question{}, signals.StateHealthy, time.Hour, "is below"},
		"good since the deployment":  {prometheus.Spec{Query: `max(recovered)`, Over: time.Hour}, since(25 * time.Minute), signals.StateHealthy, 25 * time.Minute, "is below"},
		"bad within the hour":        {prometheus.Spec{Query: `max(recovered)`, Over: time.Hour}, since(90 * time.Minute), signals.StateUnhealthy, 0, "is not below 0.01 at "},
		"bad since twenty minutes":   {prometheus.Spec{Query: `broke`, Over: time.Hour}, since(90 * time.Minute), signals.StateUnhealthy, 20 * time.Minute, `is not below 0.01 for app="shop"`},
		"vanished during the soak":   {prometheus.Spec{Query: `vanished`, Over: time.Hour}, since(90 * time.Minute), "", 0, "no data"},
		"vanished, asked now":        {prometheus.Spec{Query: `vanished`}, since(90 * time.Minute), "", 0, "no data"},
		"no number":                  {prometheus.Spec{Query: `nan`}, signals.Question{}, "", 0, "not a number"},
		"infinite":                   {prometheus.Spec{Query: `inf`}, signals.Question{}, signals.StateUnhealthy, 0, "not below"},
		"one of two pods":            {prometheus.Spec{Query: `pods`, Over: time.Hour}, since(90 * time.Minute), signals.StateUnhealthy, 10 * time.Minute, `for pod="b"`},
		"too many series":            {prometheus.Spec{Query: `wide`}, signals.Question{}, "", 0, "more than 100 series"},
		"a range where none belongs": {prometheus.Spec{Query: `good[5m]`, Settle: new(time.Duration(0))}, signals.Question{}, "", 0, "answers with a matrix"},
		"a string":                   {prometheus.Spec{Query: `"good"`}, signals.Question{}, "", 0, "answers with a string"},
		"a parse error":              {prometheus.Spec{Query: `good[5`}, signals.Question{}, "", 0, "parse error"},
		"a hostile name":             {prometheus.Spec{Query: `good{app="shop\"} or vector(0) #"}`}, signals.Question{}, "", 0, "no data"},
		"a bridged gap": {
			prometheus.Spec{Query: `good`},
			signals.Question{Since: now.Add(-100 * time.Minute), Last: now.Add(-50 * time.Minute)},
			signals.StateHealthy, 52 * time.Minute, "is below",
		},
		"better than the version before": {prometheus.Spec{Query: `max(recovered)`, Baseline: &prometheus.Baseline{Below: new(0.5)}}, since(31 * time.Minute), signals.StateHealthy, 0, "is below"},
		"enough traffic":                 {prometheus.Spec{Query: `good`, Traffic: &prometheus.Traffic{Query: `sum(increase(requests[10m]))`, Above: 1000}}, since(time.Hour), signals.StateHealthy, 0, "is below"},
		"too little traffic": {
			prometheus.Spec{Query: `good`, Traffic: &prometheus.Traffic{Query: `sum(increase(requests[10m]))`, Above: 10000}},
			since(time.Hour),
			"", 0, "too little traffic",
		},
	}
	for name, tc := range cases {
		tc.spec.Bounds = below(0.01)
		if tc.spec.Baseline != nil {
			tc.spec.Bounds = prometheus.Bounds{}
		}
		got, err := c.Check(t.Context(), tc.spec, tc.ask)
		if err != nil || got.State != tc.state || !strings.Contains(got.Reason, tc.says) {
			t.Errorf("%s: %q because %q, %v, want %q because %q", name, got.State, got.Reason, err, tc.state, tc.says)
			continue
		}
		if got.Proven != (tc.ago != 0) || tc.ago != 0 && got.Since.Sub(now.Add(-tc.ago)).Abs() > 45*time.Second {
			t.Errorf("%s: since %s (proven %t), want %s ago", name, got.Since, got.Proven, tc.ago)
		}
	}
}
