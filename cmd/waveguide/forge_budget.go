package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// budgets says as metrics what the forges still let us ask, for each
// repository. A forge that does not say is left out.
type budgets struct {
	forges           map[string]inspector
	left, most, next *prometheus.Desc
}

func newBudgets() *budgets {
	repository := []string{"repository"}
	return &budgets{
		forges: map[string]inspector{},
		left:   prometheus.NewDesc("waveguide_forge_requests_remaining", "Requests that the forge still answers before its limit is reset.", repository, nil),
		most:   prometheus.NewDesc("waveguide_forge_requests_limit", "Requests that the forge answers between two resets.", repository, nil),
		next:   prometheus.NewDesc("waveguide_forge_requests_reset_timestamp_seconds", "When the forge's limit is reset.", repository, nil),
	}
}

// Describe implements [prometheus.Collector].
func (b *budgets) Describe(to chan<- *prometheus.Desc) { to <- b.left; to <- b.most; to <- b.next }

// Collect implements [prometheus.Collector].
func (b *budgets) Collect(to chan<- prometheus.Metric) {
	for name, f := range b.forges {
		left := f.Budget()
		if left.Limit == 0 {
			continue
		}
		to <- prometheus.MustNewConstMetric(b.left, prometheus.GaugeValue, float64(left.Remaining), name)
		to <- prometheus.MustNewConstMetric(b.most, prometheus.GaugeValue, float64(left.Limit), name)
		if !left.Reset.IsZero() {
			to <- prometheus.MustNewConstMetric(b.next, prometheus.GaugeValue, float64(left.Reset.UnixNano())/float64(time.Second), name)
		}
	}
}
