package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/waveguide-dev/waveguide/gitops"
)

// asked is a forge of which only the budget matters.
type asked struct {
	inspector
	budget gitops.Budget
}

func (a asked) Budget() gitops.Budget { return a.budget }

func TestBudgetsAreMetrics(t *testing.T) {
	t.Parallel()
	b := newBudgets()
	b.forges["env"] = asked{budget: gitops.Budget{Limit: 5000, Remaining: 4321, Reset: time.Unix(1_800_000_000, 0)}}
	b.forges["silent"] = asked{}
	want := `# HELP waveguide_forge_requests_limit Requests that the forge answers between two resets.
# TYPE waveguide_forge_requests_limit gauge
waveguide_forge_requests_limit{repository="env"} 5000
# HELP waveguide_forge_requests_remaining Requests that the forge still answers before its limit is reset.
# TYPE waveguide_forge_requests_remaining gauge
waveguide_forge_requests_remaining{repository="env"} 4321
# HELP waveguide_forge_requests_reset_timestamp_seconds When the forge's limit is reset.
# TYPE waveguide_forge_requests_reset_timestamp_seconds gauge
waveguide_forge_requests_reset_timestamp_seconds{repository="env"} 1.8e+09
`
	reg := prometheus.NewRegistry()
	reg.MustRegister(b)
	page := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if diff := cmp.Diff(want, page.Body.String()); diff != "" {
		t.Error(diff)
	}
}
