package prometheus

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// finding is what an answer means. Since is when the state began, where the
// server can prove it.
type finding struct {
	state  signals.State
	since  time.Time
	reason string
}

// tellsNothing is an answer from which nothing follows, and why.
type tellsNothing struct{ why string }

func (t *tellsNothing) Error() string { return t.why }

// sample is the value of one series at one instant.
type sample struct {
	labels string
	value  float64
}

// span is the values of all series over a time, step by step, by our clock.
type span struct {
	times   []time.Time
	samples [][]sample
}

// judge weighs all series of one instant: one that is out of bounds makes it
// unhealthy, one that is no number tells nothing, and no data does neither. Its
// sentences hold no values, because those change with every look.
func (b Bounds) judge(samples []sample) (finding, error) {
	if len(samples) == 0 {
		return finding{}, &tellsNothing{"the query has no data"}
	}
	var strange error
	for _, s := range samples {
		switch ok, sound := b.holds(s.value); {
		case !sound:
			strange = &tellsNothing{"the answer is " + word(s.value) + where(s.labels) + ", from which nothing follows"}
		case !ok:
			return finding{state: signals.StateUnhealthy, reason: "the answer is not " + b.String() + where(s.labels)}, nil
		}
	}
	if strange != nil {
		return finding{}, strange
	}
	return finding{state: signals.StateHealthy, reason: "the answer is " + b.String()}, nil
}

// holds says whether a value is within the bounds, and whether that can be said
// at all. An infinite value can be too large or too small, never right.
func (b Bounds) holds(v float64) (ok, sound bool) {
	if math.IsNaN(v) {
		return false, false
	}
	ok = (b.Below == nil || v < *b.Below) && (b.Above == nil || v > *b.Above)
	return ok, !ok || !math.IsInf(v, 0)
}

// judgeSpan weighs a time step by step. Healthy is what holds now and held at
// every step since must; Since goes back as far as it held without a break.
func (b Bounds) judgeSpan(s span, must time.Time) (finding, error) {
	last := len(s.samples) - 1
	if last < 0 {
		return finding{}, &tellsNothing{"the query has no data"}
	}
	now, err := b.judge(s.samples[last])
	if err != nil {
		return finding{}, err
	}
	now.since = s.times[last]
	i := last - 1
	for ; i >= 0; i-- {
		was, err := b.judge(s.samples[i])
		if err != nil || was.state != now.state {
			break
		}
		now.since, now.reason = s.times[i], was.reason
	}
	if now.state == signals.StateUnhealthy {
		return now, nil
	}
	for ; i >= 0 && !s.times[i].Before(must); i-- {
		was, err := b.judge(s.samples[i])
		switch {
		case err != nil:
			return finding{}, fmt.Errorf("at %s: %w", stamp(s.times[i]), err)
		case was.state != now.state:
			was.reason += " at " + stamp(s.times[i])
			return was, nil
		}
	}
	return now, nil
}

// narrowed are the bounds that a baseline allows; where the rules name a fixed
// bound too, the stricter holds.
func (s Spec) narrowed(base float64, b Baseline) Bounds {
	out := s.Bounds
	if b.Below != nil {
		v := base**b.Below + b.Slack
		if out.Below == nil || v < *out.Below {
			out.Below = &v
		}
	}
	if b.Above != nil {
		v := base**b.Above - b.Slack
		if out.Above == nil || v > *out.Above {
			out.Above = &v
		}
	}
	return out
}

// String says the bounds in words. Bounds from a baseline move with it, so they
// are rounded: sentences change only when something happened.
func (b Bounds) String() string {
	switch {
	case b.Below != nil && b.Above != nil:
		return fmt.Sprintf("between %.3g and %.3g", *b.Above, *b.Below)
	case b.Below != nil:
		return fmt.Sprintf("below %.3g", *b.Below)
	case b.Above != nil:
		return fmt.Sprintf("above %.3g", *b.Above)
	}
	return "bounded"
}

func where(labels string) string {
	if labels == "" {
		return ""
	}
	return " for " + labels
}

func word(v float64) string {
	if math.IsNaN(v) {
		return "not a number (did nothing happen?)"
	}
	return "infinite"
}

// lookback is the longest time that the ranges and subqueries of a query look
// back. It reads the text, not its meaning: what it does not recognise counts
// as looking at now.
func lookback(query string) time.Duration {
	var longest time.Duration
	outside := regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`").ReplaceAllString(query, "")
	for _, m := range regexp.MustCompile(`\[\s*([0-9a-z]+)\s*[]:]`).FindAllStringSubmatch(outside, -1) {
		longest = max(longest, duration(m[1]))
	}
	return longest
}

// duration reads Prometheus' own form, as in 1h30m; zero if it is none.
func duration(text string) time.Duration {
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
	}
	var seconds float64
	for rest := text; rest != ""; {
		m := regexp.MustCompile(`^([0-9]{1,6})(ms|[smhdwy])`).FindStringSubmatch(rest)
		if m == nil {
			return 0
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0
		}
		seconds += n * units[m[2]].Seconds()
		rest = strings.TrimPrefix(rest, m[0])
	}
	return time.Duration(min(seconds, maxSpan.Seconds()) * float64(time.Second))
}
