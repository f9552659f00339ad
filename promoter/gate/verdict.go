package gate

import (
	"fmt"
	"time"
)

// Answer is what a gate says. The zero value is [Wait]: not knowing is
// waiting.
type Answer uint8

// The three answers of a gate.
const (
	// Wait says not yet: time, a fact or a colleague will change it.
	Wait Answer = iota
	// Pass says yes.
	Pass
	// Block says no until somebody changes something.
	Block
)

// String is the word people read.
func (a Answer) String() string {
	switch a {
	case Pass:
		return "pass"
	case Block:
		return "block"
	case Wait:
	}
	return "wait"
}

// MarshalText is [Answer.String].
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads one of the three words.
func (a *Answer) UnmarshalText(b []byte) error {
	switch string(b) {
	case "wait":
		*a = Wait
	case "pass":
		*a = Pass
	case "block":
		*a = Block
	default:
		return fmt.Errorf("%.20q is none of wait, pass and block", b)
	}
	return nil
}

// Verdict is a gate's answer with its reason. The sentence names instants,
// never amounts of time, so that it changes only when something happened.
type Verdict struct {
	// Gate is the gate's word.
	Gate   string `json:"gate"`
	Answer Answer `json:"answer"`
	// Reason is one sentence; it may quote untrusted text.
	Reason string `json:"reason"`
	// Until is when the answer may change by itself; zero if only an event
	// can change it.
	Until time.Time `json:"until,omitzero"`
	// Owner says who owns the next step, where that is known.
	Owner string `json:"owner,omitempty"`
}

// String is the golden format of plans.
func (v Verdict) String() string {
	s := fmt.Sprintf("%-5s %s: %s", v.Answer, v.Gate, v.Reason)
	if v.Owner != "" && v.Answer != Pass {
		s += " [" + v.Owner + "]"
	}
	return s
}

// Fold is the answer of all verdicts together: any block blocks, else any wait
// waits, and nothing at all waits.
func Fold(vs []Verdict) Answer {
	all := Wait
	for i, v := range vs {
		switch {
		case v.Answer == Block:
			return Block
		case i == 0:
			all = v.Answer
		case v.Answer == Wait:
			all = Wait
		}
	}
	return all
}

// First is the first verdict that is not a pass, in the order in which a
// person would ask.
func First(vs []Verdict) (Verdict, bool) {
	for _, v := range vs {
		if v.Answer != Pass {
			return v, true
		}
	}
	return Verdict{}, false
}

// Wake is the earliest time after now at which a verdict may change by itself;
// zero if none will.
func Wake(vs []Verdict, now time.Time) time.Time {
	var wake time.Time
	for _, v := range vs {
		if v.Until.After(now) && (wake.IsZero() || v.Until.Before(wake)) {
			wake = v.Until
		}
	}
	return wake
}

func pass(format string, args ...any) Verdict {
	return Verdict{Answer: Pass, Reason: fmt.Sprintf(format, args...)}
}

func wait(owner string, until time.Time, format string, args ...any) Verdict {
	return Verdict{Answer: Wait, Reason: fmt.Sprintf(format, args...), Until: until, Owner: owner}
}

func block(owner, format string, args ...any) Verdict {
	return Verdict{Answer: Block, Reason: fmt.Sprintf(format, args...), Owner: owner}
}

// worst is the first block, else the first wait, else the first pass: a gate
// that asks several things hides no block behind a wait.
func worst(vs []Verdict) Verdict {
	for _, a := range []Answer{Block, Wait, Pass} {
		for _, v := range vs {
			if v.Answer == a {
				return v
			}
		}
	}
	return Verdict{}
}

// sooner is the earlier of two times of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// since says when something began, if that is known.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + stamp(t)
}

// stamp writes an instant the way every sentence of ours does.
func stamp(t time.Time) string {
	if t.Second() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
