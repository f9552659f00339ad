package loop

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Metrics are what the loop counts. They derive from verdicts and outcomes
// only; names and labels are what dashboards depend on.
type Metrics struct {
	looks   prometheus.Counter
	took    prometheus.Histogram
	last    prometheus.Gauge
	lanes   *prometheus.GaugeVec
	gates   *prometheus.GaugeVec
	changes *prometheus.CounterVec
	silent  prometheus.Gauge
}

// NewMetrics registers the loop's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		looks:   prometheus.NewCounter(prometheus.CounterOpts{Name: "waveguide_looks_total", Help: "Looks at the world that were finished."}),
		took:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "waveguide_look_duration_seconds", Help: "How long a look took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}),
		last:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "waveguide_last_look_timestamp_seconds", Help: "When the newest look was finished; alert on its age."}),
		lanes:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waveguide_lanes", Help: "Lanes by environment and phase."}, []string{"environment", "phase"}),
		gates:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waveguide_gate_verdicts", Help: "Verdicts in force by gate and answer."}, []string{"gate", "answer"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "waveguide_changes_total", Help: "Effects on the world by kind, environment and outcome."}, []string{"kind", "environment", "outcome"}),
		silent:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "waveguide_silent_sources", Help: "Sources that could not be read at the newest look."}),
	}
	r.MustRegister(m.looks, m.took, m.last, m.lanes, m.gates, m.changes, m.silent)
	return m
}

func (m *Metrics) look(took time.Duration, plans []promoter.Plan, silent map[string]string) {
	if m == nil {
		return
	}
	m.looks.Inc()
	m.took.Observe(took.Seconds())
	m.last.SetToCurrentTime()
	m.silent.Set(float64(len(silent)))
	m.lanes.Reset()
	m.gates.Reset()
	for _, p := range plans {
		for _, l := range p.Lanes {
			m.lanes.WithLabelValues(l.Lane.Environment, string(l.Phase)).Inc()
			for _, v := range l.Verdicts {
				if v.Answer != gate.Pass {
					m.gates.WithLabelValues(v.Gate, v.Answer.String()).Inc()
				}
			}
		}
	}
}

func (m *Metrics) deed(c gitops.Change, err error) {
	if m == nil {
		return
	}
	outcome := "done"
	switch {
	case errors.Is(err, gitops.ErrMoved):
		outcome = "moved"
	case errors.Is(err, gitops.ErrDenied):
		outcome = "denied"
	case err != nil:
		outcome = "failed"
	}
	m.changes.WithLabelValues(string(c.Kind), c.Lane.Environment, outcome).Inc()
}
