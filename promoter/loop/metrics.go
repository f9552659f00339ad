package loop

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Metrics are what the loops of a process count. They derive from verdicts and
// outcomes only; names and labels are what dashboards depend on.
type Metrics struct {
	looks   *prometheus.CounterVec
	took    prometheus.Histogram
	last    *prometheus.GaugeVec
	changes *prometheus.CounterVec
	silent  *prometheus.GaugeVec
	lanes   *prometheus.Desc
	gates   *prometheus.Desc

	mu    sync.Mutex
	plans map[string][]promoter.Plan
}

// NewMetrics registers the metrics of all loops.
func NewMetrics(r prometheus.Registerer) *Metrics {
	repository := []string{"repository"}
	m := &Metrics{
		looks:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "waveguide_looks_total", Help: "Looks at the world that were finished."}, repository),
		took:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "waveguide_look_duration_seconds", Help: "How long a look took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}),
		last:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waveguide_last_look_timestamp_seconds", Help: "When the newest look was finished; alert on its age."}, repository),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "waveguide_changes_total", Help: "Effects on the world by kind, environment and outcome."}, []string{"kind", "environment", "outcome"}),
		silent:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waveguide_silent_sources", Help: "Sources that could not be read at the newest look."}, repository),
		lanes:   prometheus.NewDesc("waveguide_lanes", "Lanes by environment and phase.", []string{"repository", "environment", "phase"}, nil),
		gates:   prometheus.NewDesc("waveguide_gate_verdicts", "Verdicts in force by gate and answer, passes aside.", []string{"repository", "gate", "answer"}, nil),
		plans:   map[string][]promoter.Plan{},
	}
	r.MustRegister(m.looks, m.took, m.last, m.changes, m.silent, m)
	return m
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(to chan<- *prometheus.Desc) { to <- m.lanes; to <- m.gates }

// Collect implements [prometheus.Collector]: the plans in force are counted
// when somebody asks, not at every look.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	lanes, gates := m.count()
	for k, n := range lanes {
		to <- prometheus.MustNewConstMetric(m.lanes, prometheus.GaugeValue, n, k.repository, k.name, k.value)
	}
	for k, n := range gates {
		to <- prometheus.MustNewConstMetric(m.gates, prometheus.GaugeValue, n, k.repository, k.name, k.value)
	}
}

// tally is what is counted together.
type tally struct{ repository, name, value string }

func (m *Metrics) count() (lanes, gates map[tally]float64) {
	lanes, gates = map[tally]float64{}, map[tally]float64{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for repository, plans := range m.plans {
		for _, p := range plans {
			for i := range p.Lanes {
				tell(repository, &p.Lanes[i], lanes, gates)
			}
		}
	}
	return lanes, gates
}

func tell(repository string, l *promoter.LanePlan, lanes, gates map[tally]float64) {
	lanes[tally{repository, l.Lane.Environment, string(l.Phase)}]++
	for _, v := range l.Verdicts {
		if v.Answer != gate.Pass {
			gates[tally{repository, v.Gate, v.Answer.String()}]++
		}
	}
}

// look counts a look; the plans are not changed afterwards.
func (m *Metrics) look(repository string, took time.Duration, plans []promoter.Plan, silent int) {
	if m == nil {
		return
	}
	m.looks.WithLabelValues(repository).Inc()
	m.took.Observe(took.Seconds())
	m.last.WithLabelValues(repository).SetToCurrentTime()
	m.silent.WithLabelValues(repository).Set(float64(silent))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plans[repository] = plans
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
