package simulation

import (
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Fault is the name of one thing that goes wrong.
type Fault string

// What goes wrong with calls, hints, stores and processes. A fault that never
// happens in a long run is a hole in the simulation, and a test says so.
const (
	ErrorBefore  Fault = "error before the effect"
	ErrorAfter   Fault = "error after the effect"
	LostResponse Fault = "lost response"
	TimeOut      Fault = "time-out"
	RateLimit    Fault = "rate limit"
	SlowAnswer   Fault = "slow answer"
	StaleRead    Fault = "stale read"
	Outage       Fault = "outage of one kind of call"
	SecretEcho   Fault = "error that tells a secret"

	HintLost    Fault = "webhook lost"
	HintDoubled Fault = "webhook doubled"
	HintLate    Fault = "webhook late"
	HintForged  Fault = "webhook forged"

	StoreFails  Fault = "store transaction fails"
	StoreBusy   Fault = "store is locked by another program"
	DiskFull    Fault = "disk full"
	Death       Fault = "death at a call"
	DeathCommit Fault = "death right after a commit to the store"
	Restart     Fault = "restart from the store"
	StoreLost   Fault = "restart from an empty store"
	LeaseLost   Fault = "lease lost while at work"
	Frozen      Fault = "replica frozen"
	ClockAhead  Fault = "clock set forward"
	ClockBack   Fault = "clock set back"

	Between Fault = "somebody acts between look and write"
)

// What people and fate do to the world, as its history tells.
const (
	TagMoved     Fault = "tag moved"
	TagBetween   Fault = "tag moved between look and write"
	TagDeleted   Fault = "tag deleted"
	Erased       Fault = "digest deleted"
	Revoked      Fault = "signature revoked"
	Pushed       Fault = "person pushes to the bot's branch"
	Squatted     Fault = "person takes a branch of the bot's name"
	Closed       Fault = "person closes"
	Reopened     Fault = "person reopens"
	ByHand       Fault = "person merges by hand"
	BodyEdited   Fault = "person edits the text"
	LabelRemoved Fault = "label removed without the right"
	RulesChanged Fault = "rules changed mid-wave"
	RulesBroken  Fault = "invalid rules"
	Direct       Fault = "person commits past any proposal"
	Forced       Fault = "base branch force-pushed"
	Flap         Fault = "health flaps"
	NoData       Fault = "no data"
	Drifted      Fault = "drift"
	QueueDrops   Fault = "merge queue drops a proposal"
	Slipped      Fault = "forge merges another tree"
)

// Faults are all there are.
func Faults() []Fault {
	return []Fault{
		ErrorBefore, ErrorAfter, LostResponse, TimeOut, RateLimit, SlowAnswer, StaleRead, Outage, SecretEcho,
		HintLost, HintDoubled, HintLate, HintForged,
		TagMoved, TagBetween, TagDeleted, Erased, Revoked,
		Pushed, Squatted, Closed, Reopened, ByHand, BodyEdited, LabelRemoved, Direct, Between,
		RulesChanged, RulesBroken, Flap, NoData, Drifted, Forced, QueueDrops, Slipped,
		StoreFails, StoreBusy, DiskFull, Death, DeathCommit, Restart, StoreLost, LeaseLost, Frozen, ClockAhead, ClockBack,
	}
}

// fired counts a fault.
func (s *sim) fired(f Fault) { s.report.Fired[f]++ }

// trouble is the fault that a deed of people or fate is; empty if it is none.
func (s *sim) trouble(d world.Deed) Fault {
	if f, ok := map[string]Fault{
		"move": TagMoved, "untag": TagDeleted, "erase": Erased, "revoke": Revoked, "close": Closed, "reopen": Reopened, "merge": ByHand,
		"describe": BodyEdited, "force": Forced, "sick": Flap, "silence": NoData, "drift": Drifted, "slip": Slipped,
	}[d.Kind]; ok && d.By != "the queue" && (d.By != "the forge" || d.Kind == "slip") {
		return f
	}
	_, ours := gitops.LaneOf(d.Branch)
	spec := s.world.Commits[s.world.Main].Spec
	switch {
	case d.Kind == "dequeue":
		return QueueDrops
	case d.Kind == "commit" && ours && s.world.Find(d.Branch) != nil:
		return Pushed
	case d.Kind == "commit" && ours:
		return Squatted
	case d.Kind == "commit" && d.Branch == "" && strings.HasSuffix(d.Text, "by hand"):
		return Direct
	case d.Kind == "rule" && spec.Broken != "":
		return RulesBroken
	case d.Kind == "rule" && len(s.world.Open()) > 0:
		return RulesChanged
	case d.Kind == string(gitops.Unlabelled) && d.Text == gitops.LabelHold && !world.People()[d.By].Permission.Releases():
		return LabelRemoved
	}
	return ""
}
