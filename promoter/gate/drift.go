package gate

import (
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Drift asks whether the target runs what Git desires there, and whether that
// came to Git through a proposal, so that a promotion starts from a known
// place. It has no settings; an environment that cannot tell what runs says
// `running: desired`.
//
// It waits while the target runs something else, nobody can tell, or two
// signals contradict each other, and says of which kind the difference is:
//
//   - not yet reconciled: Git changed, and what runs is what it named before;
//   - manual: what Git names ran there, and then somebody changed it past Git;
//   - a controller changed it by its own rules;
//   - a direct commit: Git was changed past a proposal. It is never taken back,
//     but has to be put on record;
//   - unknown.
type Drift struct{}

// Check implements [Gate].
func (Drift) Check(c Case) Verdict {
	env := c.Lane.Environment
	if c.Current.Presence == gitops.Mixed {
		return pass("the places of %s disagree; the proposal sets all of them", env)
	}
	running, ok := c.Facts.Running()
	desired := signals.Digest(c.Current.Version.Digest)
	if desired == "" && c.Running.Tag == c.Current.Version.Tag {
		desired = c.Running.Digest
	}
	told := slices.ContainsFunc(c.Facts.Health, func(h signals.Health) bool { return h.Digest != "" })
	switch {
	case !ok && told:
		return wait("", never, "the signals of %s disagree about what runs there", env)
	case !ok && !c.TrustDesired:
		return wait("", never, "nobody can tell what runs in %s%s", env, weakly(c.Facts))
	case ok && desired == "":
		return wait("", never, "nobody knows which digest Git means in %s by %s", env, orElse(c.Current.Version.Tag, "no version at all"))
	case ok && running != desired:
		return differs(c, running, desired)
	case c.Current.Direct != nil && c.Current.Direct.Recorded == "":
		return direct(c)
	case !ok:
		return pass("%s takes what Git desires for what runs", env)
	}
	return pass("%s runs what Git names", env)
}

// weakly says that evidence is there, but weaker than the environment accepts.
func weakly(f signals.Facts) string {
	for _, h := range f.Health {
		if h.Rung != signals.RungNone && h.Digest == "" && h.State != signals.StateUnknown {
			return ": " + h.Name + " knows it as " + string(h.Rung) + " only, which is less than the environment accepts"
		}
	}
	return ""
}

// differs says of which kind a difference is, and what to do about it.
func differs(c Case, running, desired signals.Digest) Verdict {
	env, runs, names := c.Lane.Environment, running.Short(), desired.Short()
	switch kind(c, running, desired) {
	case signals.DriftReconciling:
		return wait("", never, "%s still runs %s, but Git names %s%s: it is not reconciled yet; if it stays so, look at what deploys %s", env, runs, names, since(c.Current.Since), env)
	case signals.DriftManual:
		return wait("whoever changed it", never, "%s runs %s, but Git names %s, which ran there: somebody changed it past Git; undo that, or bring it to Git", env, runs, names)
	case signals.DriftController:
		return wait("", never, "%s runs %s, but Git names %s: a controller changed it by its own rules; let only one of them decide", env, runs, names)
	case signals.DriftDirect, signals.DriftUnknown:
	}
	return wait("", never, "%s runs %s, but Git names %s, and nobody can say why; look at what deploys %s", env, runs, names, env)
}

// kind is what a signal says of the difference, or else what the lane's own
// history shows.
func kind(c Case, running, desired signals.Digest) signals.Drift {
	moving := false
	for _, h := range c.Facts.Health {
		if h.Drift != "" {
			return h.Drift
		}
		moving = moving || h.State == signals.StateProgressing && h.Digest != ""
	}
	k := c.Facts.Streak
	switch {
	case k.Digest == desired && (!k.Began.IsZero() || k.Resets > 0):
		return signals.DriftManual
	case moving, len(c.Current.Left) > 0 && c.Current.Left[0].Version.Digest == string(running):
		return signals.DriftReconciling
	}
	return signals.DriftUnknown
}

// direct asks to put a commit past a proposal on record.
func direct(c Case) Verdict {
	d, what, how := c.Current.Direct, c.Current.Version.Tag+" in "+c.Lane.Environment, "put it on record"
	if d.Issue != "" {
		how += " by closing issue " + d.Issue
	}
	switch {
	case d.Pending:
		return wait("", never, "nobody knows yet how %s came to Git%s", what, because(d.Unread))
	case d.Unread != "":
		return wait("", never, "%s came to Git with commit %s, and nobody can say how (%s): %s", what, d.Commit.Short(), d.Unread, how)
	case d.Proposal != "":
		return wait(d.By, never, "%s was merged by proposal %s of %s though its check was not green: %s", what, d.Proposal, d.By, how)
	case d.Program:
		return wait("", never, "%s was written to Git by the program %s with commit %s, not by a proposal: let only one of them decide, and %s",
			what, d.By, d.Commit.Short(), how)
	}
	return wait(d.By, never, "%s was written to Git by %s with commit %s, not by a proposal: %s", what, d.By, d.Commit.Short(), how)
}
