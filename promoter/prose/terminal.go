package prose

import (
	"fmt"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Summary is one line about a lane.
func Summary(l promoter.LanePlan) string {
	s := fmt.Sprintf("%-14s %-20s %-9s %s", l.Lane.Environment, l.Lane.Artifact, l.Phase, Plain(tag(l.Current)))
	if l.Candidate.Digest != l.Current.Digest && l.Candidate.Digest != "" {
		s += " -> " + Plain(tag(l.Candidate))
	}
	if v, ok := gate.First(l.Verdicts); ok {
		s += "  " + v.Gate + ": " + Plain(v.Reason)
	}
	return s
}

// Explain is everything about one lane: why it waits, and who owns the next
// step. Amounts of time are rendered against now.
func Explain(l promoter.LanePlan, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s (wave %s): %s\n", l.Lane.Artifact, l.Lane.Environment, l.Wave, l.Phase)
	fmt.Fprintf(&b, "  now        %s\n", Plain(l.Current.String()))
	if l.Candidate.Digest != l.Current.Digest {
		fmt.Fprintf(&b, "  next       %s\n", Plain(l.Candidate.String()))
	}
	if len(l.Candidate.Platforms) > 0 {
		fmt.Fprintf(&b, "  platforms  %s\n", Plain(strings.Join(l.Candidate.Platforms, ", ")))
	}
	if l.Class != gate.Promotion && l.Class != "" {
		fmt.Fprintf(&b, "  class      %s\n", Plain(string(l.Class)))
	}
	if l.Proposal != "" {
		fmt.Fprintf(&b, "  proposal   %s\n", Plain(l.Proposal))
	}
	if l.Behind != "" {
		fmt.Fprintf(&b, "  behind it  %s\n", Plain(l.Behind))
	}
	for _, line := range Ordered(l) {
		fmt.Fprintf(&b, "  %-9s  %s\n", line[0], line[1])
	}
	for _, v := range l.Verdicts {
		fmt.Fprintf(&b, "  %s %-15s %s%s\n", mark(v.Answer), v.Gate, Plain(v.Reason), In(v.Until, now, v.Answer))
		if v.Answer != gate.Pass && v.Owner != "" {
			fmt.Fprintf(&b, "    next step: %s\n", Plain(v.Owner))
		}
	}
	switch {
	case l.Change != nil:
		fmt.Fprintf(&b, "  => %s\n", Plain(l.Change.String()))
	case gate.Fold(l.Verdicts) == gate.Pass && l.Proposal != "":
		b.WriteString("  => every gate passes: it waits for somebody to merge\n")
	}
	return b.String()
}

// In says how far away an instant is, for people who read now.
func In(t, now time.Time, a gate.Answer) string {
	if a == gate.Pass || !t.After(now) {
		return ""
	}
	return " (in " + t.Sub(now).Round(time.Second).String() + ")"
}
