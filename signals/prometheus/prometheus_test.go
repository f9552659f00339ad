package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/prometheus"
)

const running = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")

func below(v float64) prometheus.Bounds { return prometheus.Bounds{Below: &v} }

// client asks a server that answers as the handler says.
func client(t *testing.T, handler http.HandlerFunc) *prometheus.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := prometheus.New(prometheus.Options{URL: server.URL + "/prom", HTTP: server.Client()})
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

// vector is an answer with one series for each value.
func vector(values ...string) string {
	var b strings.Builder
	for i, v := range values {
		fmt.Fprintf(&b, `,{"metric":{"__name__":"x","code":"%d"},"value":[1795197923.692,"%s"]}`, 500+i, v)
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.TrimPrefix(b.String(), ",") + `]}}`
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCheckJudgesAnswers holds what each answer means for a signal that must
// be below 0.1.
func TestCheckJudgesAnswers(t *testing.T) {
	t.Parallel()
	healthy, unhealthy := signals.StateHealthy, signals.StateUnhealthy
	cases := map[string]struct {
		status int
		body   string
		bounds prometheus.Bounds
		state  signals.State
		reason string
	}{
		"recorded vector above":       {200, recorded(t, "query-vector.json"), below(0.1), unhealthy, `the answer is not below 0.1 for env="staging", instance="127.0.0.1:25910", job="exporter"`},
		"recorded vector below":       {200, recorded(t, "query-vector.json"), below(0.3), healthy, "the answer is below 0.3"},
		"recorded scalar":             {200, recorded(t, "query-scalar.json"), below(0.1), unhealthy, "the answer is not below 0.1"},
		"recorded empty":              {200, recorded(t, "query-empty.json"), below(0.1), "", "the query has no data"},
		"recorded infinity":           {200, recorded(t, "query-inf.json"), below(0.1), unhealthy, `the answer is not below 0.1 for env="staging", instance="127.0.0.1:25910", job="exporter"`},
		"infinity is never good":      {200, recorded(t, "query-inf.json"), prometheus.Bounds{Above: new(0.1)}, "", `the answer is infinite for env="staging", instance="127.0.0.1:25910", job="exporter", from which nothing follows`},
		"recorded parse error":        {400, recorded(t, "query-bad-400.json"), below(0.1), "", `the query is refused: invalid parameter "query": 1:5: parse error: missing unit character in duration`},
		"exactly the bound":           {200, vector("0.1"), below(0.1), unhealthy, `the answer is not below 0.1 for code="500"`},
		"between":                     {200, vector("0.5"), prometheus.Bounds{Above: new(0.4), Below: new(0.6)}, healthy, "the answer is between 0.4 and 0.6"},
		"under between":               {200, vector("0.3"), prometheus.Bounds{Above: new(0.4), Below: new(0.6)}, unhealthy, `the answer is not between 0.4 and 0.6 for code="500"`},
		"not a number":                {200, vector("NaN"), below(0.1), "", `the answer is not a number (did nothing happen?) for code="500", from which nothing follows`},
		"one of several is bad":       {200, vector("0.01", "0.2", "NaN"), below(0.1), unhealthy, `the answer is not below 0.1 for code="501"`},
		"one of several is no number": {200, vector("0.01", "NaN"), below(0.1), "", `the answer is not a number (did nothing happen?) for code="501", from which nothing follows`},
		"several are good":            {200, vector("0.01", "0.02"), below(0.1), healthy, "the answer is below 0.1"},
		"a string":                    {200, `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`, below(0.1), "", "the query answers with a string; ask for a vector or a scalar"},
		"warnings":                    {200, `{"status":"success","warnings":["one store did not answer"],` + vector("0.01")[len(`{"status":"success",`):], below(0.1), "", "the answer may be partial: one store did not answer"},
		"a histogram":                 {200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"1"}]}]}}`, below(0.1), "", "the query answers with histograms; ask for a number, as with histogram_quantile"},
		"hundred series":              {200, vector(strings.Fields(strings.Repeat("0 ", 100))...), below(0.1), healthy, "the answer is below 0.1"},
		"ten thousand series":         {200, vector(strings.Fields(strings.Repeat("0 ", 10000))...), below(0.1), "", "the query answers with more than 100 series; aggregate them, as with sum or max"},
		"an endless answer":           {200, strings.Repeat(" ", 5<<20), below(0.1), "", "the answer is longer than 4 MiB; aggregate the series, as with sum or max"},
		"control characters":          {400, `{"status":"error","errorType":"bad_data","error":"a\u001b[31mb\r\nc"}`, below(0.1), "", "the query is refused: a[31mbc"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, says(c.status, c.body)).Check(t.Context(), prometheus.Spec{Name: "errors", Query: "x", Bounds: c.bounds}, signals.Question{Digest: running})
			want := signals.Health{Name: "errors", State: c.state, For: running, Reason: c.reason}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(signals.Health{}, "Since", "At", "Source")); diff != "" || err != nil {
				t.Errorf("Check() = %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestCheckCannotAsk holds that what keeps the server from answering is an
// error, so that it is asked less often, and never a state.
func TestCheckCannotAsk(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"unauthorized":  {says(401, "no"), "check the signal's credentials"},
		"forbidden":     {says(403, `{"status":"error","errorType":"bad_data","error":"x"}`), "check the signal's credentials"},
		"overloaded":    {says(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), "answers 503"},
		"a bad gateway": {says(502, "<html>"), "answers 502"},
		"a login page":  {says(200, "<html>"), "not what a prometheus answers"},
		"another shape": {says(200, `{"status":"success","data":{"resultType":"vector","result":{"a":1}}}`), "not what a prometheus answers"},
		"a bad point":   {says(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2,3]}]}}`), "not what a prometheus answers"},
		"too slow": {func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm() // the server notices a client that left once the body is read
			<-r.Context().Done()
		}, "deadline exceeded"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = fmt.Fprint(w, "{")
		}, "broke off"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if name == "too slow" {
				timeout = time.Second / 4
			}
			got, err := client(t, c.handler).Check(t.Context(), prometheus.Spec{Query: "x", Bounds: below(1), Timeout: timeout}, signals.Question{})
			if err == nil || !strings.Contains(err.Error(), c.want) || got.State != signals.StateUnknown || got.Reason != err.Error() {
				t.Errorf("Check() = %q because %q, %v, want an error with %q", got.State, got.Reason, err, c.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "/x", "ftp://host/", "https://bot:s3cret@host/", "https://a b:s3cret@/"} {
		_, err := prometheus.New(prometheus.Options{URL: url, HTTP: &http.Client{}})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New(%q) = %v, want a refusal without the secret", url, err)
		}
	}
}

// model answers range queries from a function of time, and instant ones too.
type model struct {
	ahead time.Duration // of the server's clock
	value func(query string, at time.Time) (float64, bool)
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.Header().Set("Date", time.Now().Add(m.ahead).UTC().Format(http.TimeFormat))
	at := func(key string) time.Time {
		s, err := strconv.ParseFloat(r.Form.Get(key), 64)
		if err != nil {
			return time.Now().Add(m.ahead)
		}
		return time.UnixMilli(int64(s * 1000))
	}
	kind, one := "vector", map[string]any{"metric": map[string]string{}}
	points := [][2]any{}
	add := func(t time.Time) {
		if v, ok := m.value(r.Form.Get("query"), t.Add(-m.ahead)); ok {
			points = append(points, [2]any{float64(t.UnixMilli()) / 1000, strconv.FormatFloat(v, 'f', -1, 64)})
		}
	}
	if strings.HasSuffix(r.URL.Path, "query_range") {
		kind = "matrix"
		step, _ := strconv.ParseFloat(r.Form.Get("step"), 64)
		for t := at("start"); !t.After(at("end")); t = t.Add(time.Duration(step * float64(time.Second))) {
			add(t)
		}
		one["values"] = points
	} else if add(at("time")); len(points) > 0 {
		one["value"] = points[0]
	}
	result := []any{}
	if len(points) > 0 {
		result = append(result, one)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}})
}

// TestCheckOverTime plays what a metric did in the last hours; ago says how
// long before now something was.
func TestCheckOverTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	good := func(string, time.Time) (float64, bool) { return 0.01, true }
	bad := func(from, to time.Duration) func(string, time.Time) (float64, bool) {
		return func(_ string, at time.Time) (float64, bool) {
			if at.After(ago(from)) && at.Before(ago(to)) {
				return 0.5, true
			}
			return 0.01, true
		}
	}
	gone := func(from, to time.Duration) func(string, time.Time) (float64, bool) {
		return func(_ string, at time.Time) (float64, bool) { return 0.01, at.Before(ago(from)) || at.After(ago(to)) }
	}
	cases := map[string]struct {
		value func(string, time.Time) (float64, bool)
		spec  prometheus.Spec
		ask   signals.Question
		state signals.State
		since time.Duration // ago; 0 is not proven
		says  string
	}{
		"good all the time":            {good, prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, signals.StateHealthy, 30 * time.Minute, "is below"},
		"good since the deployment":    {good, prometheus.Spec{Over: 3 * time.Hour}, signals.Question{Since: ago(10 * time.Minute)}, signals.StateHealthy, 10 * time.Minute, "is below"},
		"bad before the deployment":    {bad(time.Hour, 11*time.Minute), prometheus.Spec{Over: 3 * time.Hour}, signals.Question{Since: ago(10 * time.Minute)}, signals.StateHealthy, 10 * time.Minute, "is below"},
		"bad within the time":          {bad(20*time.Minute, 15*time.Minute), prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, signals.StateUnhealthy, 0, "is not below 0.1 at "},
		"bad before the time":          {bad(50*time.Minute, 45*time.Minute), prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, signals.StateHealthy, 30 * time.Minute, "is below"},
		"bad now":                      {bad(12*time.Minute, -time.Hour), prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, signals.StateUnhealthy, 12 * time.Minute, "is not below"},
		"no data within the time":      {gone(20*time.Minute, 15*time.Minute), prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, "", 0, "the query has no data"},
		"disappeared":                  {gone(5*time.Minute, -time.Hour), prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, "", 0, "the query has no data"},
		"a gap is bridged":             {good, prometheus.Spec{}, signals.Question{Since: ago(5 * time.Hour), Last: ago(time.Hour)}, signals.StateHealthy, time.Hour + 2*time.Minute, "is below"},
		"a gap with bad news is not":   {bad(30*time.Minute, 20*time.Minute), prometheus.Spec{}, signals.Question{Since: ago(5 * time.Hour), Last: ago(time.Hour)}, signals.StateHealthy, 20 * time.Minute, "is below"},
		"a gap without data is not":    {gone(30*time.Minute, 20*time.Minute), prometheus.Spec{}, signals.Question{Since: ago(5 * time.Hour), Last: ago(time.Hour)}, signals.StateHealthy, 20 * time.Minute, "is below"},
		"no gap, now is enough":        {good, prometheus.Spec{}, signals.Question{Since: ago(5 * time.Hour), Last: ago(30 * time.Second)}, signals.StateHealthy, 0, "is below"},
		"too early":                    {good, prometheus.Spec{Query: `rate(x{a="[9h]"}[5m])`}, signals.Question{Since: ago(4 * time.Minute)}, signals.StateProgressing, 0, "still sees the version before"},
		"settled":                      {good, prometheus.Spec{Query: `rate(x[5m])`}, signals.Question{Since: ago(6 * time.Minute)}, signals.StateHealthy, 0, "is below"},
		"settled by the rules":         {good, prometheus.Spec{Query: `rate(x[5m])`, Settle: new(time.Duration(0))}, signals.Question{Since: ago(time.Second)}, signals.StateHealthy, 0, "is below"},
		"a long time has a last step":  {bad(3*time.Minute, -time.Hour), prometheus.Spec{Over: 7 * 24 * time.Hour}, signals.Question{}, signals.StateUnhealthy, time.Second, "is not below"},
		"a deployment of the future":   {good, prometheus.Spec{Over: time.Hour}, signals.Question{Since: ago(-time.Hour)}, signals.StateProgressing, 0, "still sees"},
		"the version before was worse": {bad(time.Hour, 10*time.Minute), prometheus.Spec{Baseline: &prometheus.Baseline{Below: new(1.1)}}, signals.Question{Since: ago(15 * time.Minute)}, signals.StateHealthy, 0, "is below 0.1"},
		"the version before was better": {
			bad(10*time.Minute, -time.Hour),
			prometheus.Spec{Bounds: below(0.9), Baseline: &prometheus.Baseline{Below: new(1.1)}},
			signals.Question{Since: ago(15 * time.Minute)},
			signals.StateUnhealthy, 0, "is not below 0.011",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &model{value: c.value}
			if c.spec.Query == "" {
				c.spec.Query = "x"
			}
			if c.spec.Below == nil {
				c.spec.Below = new(0.1)
			}
			got, err := client(t, m.ServeHTTP).Check(t.Context(), c.spec, c.ask)
			if err != nil || got.State != c.state || !strings.Contains(got.Reason, c.says) {
				t.Fatalf("Check() = %q because %q, %v, want %q because %q", got.State, got.Reason, err, c.state, c.says)
			}
			if got.Proven != (c.since != 0) {
				t.Fatalf("Check() proves %v since %s, want %s ago", got.Proven, got.Since, c.since)
			}
			if off := got.Since.Sub(ago(c.since)); c.since != 0 && off.Abs() > 31*time.Second && c.spec.Over < 24*time.Hour {
				t.Errorf("Check() holds since %s, %s from %s ago", got.Since, off, c.since)
			}
		})
	}
}

// TestCheckMinTraffic holds that a ratio of nothing tells nothing.
func TestCheckMinTraffic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		requests float64
		some     bool
		state    signals.State
		says     string
	}{
		{100, true, signals.StateUnknown, "too little traffic"},
		{101, true, signals.StateHealthy, "below"},
		{0, false, signals.StateUnknown, "minTraffic: the query has no data"},
	} {
		m := &model{value: func(q string, _ time.Time) (float64, bool) {
			if q == "requests" {
				return c.requests, c.some
			}
			return 0, true
		}}
		spec := prometheus.Spec{Query: "x", Bounds: below(0.1), Traffic: &prometheus.Traffic{Query: "requests", Above: 100}}
		got, err := client(t, m.ServeHTTP).Check(t.Context(), spec, signals.Question{})
		if err != nil || got.State != c.state || !strings.Contains(got.Reason, c.says) {
			t.Errorf("%v requests: %q because %q, %v, want %q because %q", c.requests, got.State, got.Reason, err, c.state, c.says)
		}
	}
}

// TestCheckBaseline compares with another query and with nothing.
func TestCheckBaseline(t *testing.T) {
	t.Parallel()
	values := map[string]float64{"canary": 0.02, "stable": 0.01, "none": 0, "high": 0.99}
	cases := map[string]struct {
		query string
		base  prometheus.Baseline
		fixed prometheus.Bounds
		state signals.State
		says  string
	}{
		"twice as much is too much":    {"canary", prometheus.Baseline{Query: "stable", Below: new(1.5)}, prometheus.Bounds{}, signals.StateUnhealthy, "is not below 0.015"},
		"with slack it is not":         {"canary", prometheus.Baseline{Query: "stable", Below: new(1.5), Slack: 0.01}, prometheus.Bounds{}, signals.StateHealthy, "is below 0.025"},
		"zero allows its slack":        {"canary", prometheus.Baseline{Query: "none", Below: new(1.5), Slack: 0.05}, prometheus.Bounds{}, signals.StateHealthy, "is below 0.05"},
		"the stricter bound holds":     {"canary", prometheus.Baseline{Query: "stable", Below: new(9.0)}, below(0.015), signals.StateUnhealthy, "is not below 0.015"},
		"at least most of it":          {"high", prometheus.Baseline{Query: "high", Above: new(0.98)}, prometheus.Bounds{}, signals.StateHealthy, "is above 0.97"},
		"a baseline without data":      {"canary", prometheus.Baseline{Query: "missing", Below: new(1.5)}, prometheus.Bounds{}, signals.StateUnknown, "baseline: the query has no data"},
		"a version before nobody knew": {"canary", prometheus.Baseline{Below: new(1.5)}, prometheus.Bounds{}, signals.StateUnknown, "nobody knows when"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &model{value: func(q string, _ time.Time) (float64, bool) { v, ok := values[q]; return v, ok }}
			got, err := client(t, m.ServeHTTP).Check(t.Context(), prometheus.Spec{Query: c.query, Bounds: c.fixed, Baseline: &c.base}, signals.Question{})
			if err != nil || got.State != c.state || !strings.Contains(got.Reason, c.says) {
				t.Errorf("Check() = %q because %q, %v, want %q because %q", got.State, got.Reason, err, c.state, c.says)
			}
		})
	}
}

// TestCheckOtherClock asks a server whose clock is ten minutes off: what it
// says is placed by our clock.
func TestCheckOtherClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		broke := time.Now().Add(-20 * time.Minute)
		m := &model{ahead: ahead, value: func(_ string, at time.Time) (float64, bool) {
			if at.After(broke) {
				return 1, !at.After(time.Now())
			}
			return 0, true
		}}
		got, err := client(t, m.ServeHTTP).Check(t.Context(), prometheus.Spec{Query: "x", Bounds: below(0.5), Over: time.Hour}, signals.Question{})
		if err != nil || got.State != signals.StateUnhealthy || got.Since.Sub(broke).Abs() > 31*time.Second {
			t.Errorf("clock %s ahead: %q since %s because %q, %v, want unhealthy since %s", ahead, got.State, got.Since, got.Reason, err, broke)
		}
	}
}

// TestCheckFallsBackToGET speaks to a server behind a proxy that only reads.
func TestCheckFallsBackToGET(t *testing.T) {
	t.Parallel()
	var got url.Values
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		got = r.URL.Query()
		_, _ = fmt.Fprint(w, vector("0"))
	})
	h, err := c.Check(t.Context(), prometheus.Spec{Query: `x{a="b&c"}`, Bounds: below(1)}, signals.Question{})
	if err != nil || h.State != signals.StateHealthy || got.Get("query") != `x{a="b&c"}` {
		t.Errorf("Check() = %q because %q, %v, asked %v", h.State, h.Reason, err, got)
	}
}

// TestRequests counts what one look costs.
func TestRequests(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := &model{value: func(string, time.Time) (float64, bool) { return 0.01, true }}
	for name, c := range map[string]struct {
		spec prometheus.Spec
		ask  signals.Question
		want int64
	}{
		"now":                     {prometheus.Spec{}, signals.Question{}, 1},
		"over 30 minutes":         {prometheus.Spec{Over: 30 * time.Minute}, signals.Question{}, 1},
		"over a day":              {prometheus.Spec{Over: 24 * time.Hour}, signals.Question{}, 2},
		"with traffic, baseline":  {prometheus.Spec{Traffic: &prometheus.Traffic{Query: "y"}, Baseline: &prometheus.Baseline{Query: "z", Below: new(2.0)}}, signals.Question{}, 3},
		"not settled: not at all": {prometheus.Spec{Query: "x[5m]"}, signals.Question{Since: now}, 0},
	} {
		client := client(t, m.ServeHTTP)
		c.spec.Query += "x"
		c.spec.Bounds = below(1)
		if h, err := client.Check(t.Context(), c.spec, c.ask); err != nil || client.Requests() != c.want {
			t.Errorf("%s: %d requests, %v because %q, want %d", name, client.Requests(), err, h.Reason, c.want)
		}
	}
}

func ExampleClient_Check() {
	server := httptest.NewServer(says(200, vector("0.002")))
	defer server.Close()
	client, err := prometheus.New(prometheus.Options{URL: server.URL, HTTP: server.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := client.Check(context.Background(), prometheus.Spec{Name: "error-rate", Query: "errors_ratio", Bounds: below(0.01)}, signals.Question{})
	fmt.Println(health.Name, health.State, err)
	// Output: error-rate healthy <nil>
}
