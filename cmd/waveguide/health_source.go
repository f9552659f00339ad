package main

import (
	"cmp"
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

const (
	healthTimeout     = 15 * time.Second
	healthRate        = 50 // questions per second
	healthConcurrency = 8
)

// healthReader asks one kind of source. The error says that it could not be
// asked.
type healthReader func(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) (signals.Health, error)

// healthSource is one connection of the daemon's file with its budget. When it
// is sick, only the lanes that ask it wait.
type healthSource struct {
	read healthReader
	// instead is asked while the source is sick; nil if nobody is.
	instead *healthSource
	timeout time.Duration
	slots   chan struct{}
	pace    pace

	mu sync.Mutex
	// asked counts how questions went.
	asked func(result string)
	// breakers are by the host that is asked: a probe's are many.
	breakers map[string]*breaker
}

func newHealthSource(c config.Signal, read healthReader) *healthSource {
	timeout := cmp.Or(c.Timeout, healthTimeout)
	if isCluster(c.Kind) {
		timeout = clusterTimeout // a question is several requests
	}
	return &healthSource{
		read: read, timeout: timeout, asked: func(string) {}, slots: make(chan struct{}, healthConcurrency),
		pace: pace{every: time.Second / time.Duration(cmp.Or(c.MaxRequestsPerSecond, healthRate))}, breakers: map[string]*breaker{},
	}
}

func (h *healthSource) breaker(s config.HealthSpec) *breaker {
	host := ""
	if u, err := url.Parse(s.URL); err == nil {
		host = u.Host
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.breakers[host] == nil {
		h.breakers[host] = &breaker{}
	}
	return h.breakers[host]
}

// ask asks the source, and while that is sick the one that stands in for it.
func (h *healthSource) ask(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) signals.Health {
	answer, well := h.tell(ctx, lane, s, q)
	if well || h.instead == nil {
		return answer
	}
	other, well := h.instead.tell(ctx, lane, s, q)
	if !well {
		return answer
	}
	other.Reason = signals.Plain("asked instead of "+s.Signal+", which does not answer: "+other.Reason, 300)
	return other
}

// tell asks within the source's budget and binds the answer to what was asked;
// false says that the source is sick.
func (h *healthSource) tell(ctx context.Context, lane gitops.Lane, s config.HealthSpec, q signals.Question) (signals.Health, bool) {
	b := h.breaker(s)
	if why := b.resting(time.Now(), h.timeout); why != "" {
		h.asked(resultRested)
		return unanswered(s, q, why), false
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return unanswered(s, q, ctx.Err().Error()), true
	}
	if err := h.pace.wait(ctx); err != nil {
		return unanswered(s, q, err.Error()), true
	}
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	began := time.Now()
	answer, err := h.read(limited, lane, s, q)
	why := ""
	if ctx.Err() == nil {
		why = sick(answer, err, time.Since(began) > h.timeout/2)
		b.note(time.Now(), why, err)
		h.asked(resultOf(why, answer))
	}
	answer.Name, answer.For = s.Name, q.Digest
	return answer, why == ""
}

// sick says why an answer is a failure of the source: it could not be asked, or
// it took long to say nothing.
func sick(h signals.Health, err error, slow bool) string {
	switch {
	case err != nil:
		return err.Error()
	case slow && h.State == signals.StateUnknown:
		return cmp.Or(h.Reason, "no answer in time")
	}
	return ""
}

func unanswered(s config.HealthSpec, q signals.Question, why string) signals.Health {
	now := time.Now()
	return signals.Health{Name: s.Name, For: q.Digest, Since: now, At: now, Source: s.Signal, Reason: signals.Plain(why, 300)}
}
