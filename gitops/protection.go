package gitops

import (
	"fmt"
	"slices"
	"strings"
)

// Protection is what a forge says about the protected branch and about what
// the bot may do. It is read, never tried.
type Protection struct {
	Branch string `json:"branch"`
	// Permission is the bot's own; Lacks are rights it needs and does not
	// have, as this forge calls them.
	Permission Permission `json:"permission"`
	Lacks      []string   `json:"lacks,omitempty"`
	// Protected says that the branch has rules at all; BotPushes, that they
	// let the bot put commits there without a proposal.
	Protected bool `json:"protected"`
	BotPushes bool `json:"botPushes,omitempty"`
	// Checks are those that must be green before anybody merges.
	Checks []RequiredCheck `json:"checks,omitempty"`
	// Approvals are asked for on every proposal; OwnersApprove says that code
	// owners must approve what they own.
	Approvals     int  `json:"approvals,omitempty"`
	OwnersApprove bool `json:"ownersApprove,omitempty"`
	// KeepsStale says that an approval outlives a new commit.
	KeepsStale bool `json:"keepsStale,omitempty"`
	// Queue says that merging means enqueueing.
	Queue bool `json:"queue,omitempty"`
	// Methods are the ways of merging that are allowed: merge, squash,
	// rebase, fast-forward.
	Methods []string `json:"methods,omitempty"`
	// Bypass is who can still pass by these rules, as sentences' subjects.
	Bypass []string `json:"bypass,omitempty"`
	// NoIssues says that issues are switched off, so that nobody can pause by one.
	NoIssues bool `json:"noIssues,omitempty"`
	// Settings is where a person sets this right.
	Settings string `json:"settings,omitempty"`
	// Unread is what could not be read, each with the right that is missing.
	Unread []string `json:"unread,omitempty"`
}

// RequiredCheck is a check that a branch rule asks for.
type RequiredCheck struct {
	Name string `json:"name"`
	// Bound is the app or account it must come from; empty is anybody.
	Bound string `json:"bound,omitempty"`
	// Ours says that Bound is us; Unbindable, that this forge cannot bind it.
	Ours       bool `json:"ours,omitempty"`
	Unbindable bool `json:"unbindable,omitempty"`
}

// FindingState is how a finding stands.
type FindingState string

// The states of a finding.
const (
	Works   FindingState = "works"
	Missing FindingState = "missing"
	Risk    FindingState = "risk"
)

// Finding is one line of what doctor says about a forge.
type Finding struct {
	What  string       `json:"what"`
	State FindingState `json:"state"`
	// Why says what is the matter and how to set it right.
	Why string `json:"why,omitempty"`
}

// Findings judges the protection: what works, what is missing, what a person
// can still pass by.
func (p Protection) Findings() []Finding {
	var out []Finding
	say := func(what string, s FindingState, format string, args ...any) {
		out = append(out, Finding{what, s, fmt.Sprintf(format, args...)})
	}
	for _, u := range p.Unread {
		say("branch rules", Missing, "%s", u)
	}
	if len(p.Lacks) > 0 {
		say("rights of the bot", Missing, "it may not %s: grant that", strings.Join(p.Lacks, ", "))
	} else if p.Permission.Releases() {
		say("rights of the bot", Works, "%s", p.Permission)
	}
	if p.Permission == PermissionAdmin {
		say("rights of the bot", Risk, "it has admin rights and could change the rules of branch %s: give it write", p.Branch)
	}
	if !p.Protected && len(p.Unread) == 0 {
		say("branch "+p.Branch, Missing, "it has no rules, so everybody who may write can push to it%s", p.where())
		return out
	}
	if p.BotPushes {
		say("branch "+p.Branch, Risk, "the bot may push to it without a proposal: forbid it%s", p.where())
	}
	out = append(out, p.check())
	out = append(out, p.merging()...)
	for _, who := range p.Bypass {
		say("branch "+p.Branch, Risk, "%s%s", who, p.where())
	}
	if p.NoIssues {
		say("pause issues", Risk, "issues are switched off, so pauses come from rules and the command line alone")
	} else if len(p.Unread) == 0 {
		say("pause issues", Works, "")
	}
	return out
}

// check judges whether our check is required and can come from us alone.
func (p Protection) check() Finding {
	what := "required check " + CheckName
	i := slices.IndexFunc(p.Checks, func(c RequiredCheck) bool { return c.Name == CheckName })
	switch {
	case i < 0:
		return Finding{what, Missing, "branch " + p.Branch + " does not ask for it, so a proposal can be merged against every gate: require it" + p.where()}
	case p.Checks[i].Ours:
		return Finding{what, Works, "bound to us"}
	case p.Checks[i].Unbindable:
		return Finding{what, Risk, "this forge takes it from everybody who may write statuses; only the bot's word counts for the bot's own merges"}
	case p.Checks[i].Bound != "":
		return Finding{what, Missing, "it is bound to " + p.Checks[i].Bound + ", not to us" + p.where()}
	}
	return Finding{what, Risk, "anybody who may write statuses can set it: bind it to the bot's app" + p.where()}
}

func (p Protection) merging() []Finding {
	var out []Finding
	if len(p.Methods) > 0 {
		out = append(out, Finding{"merge methods", Works, strings.Join(p.Methods, ", ")})
	}
	if p.Queue {
		out = append(out, Finding{"merge queue", Works, "merging means enqueueing"})
	}
	if p.Approvals > 0 {
		out = append(out, Finding{"approvals", Risk, fmt.Sprintf(
			"branch %s asks for %d on every proposal, so merge: auto waits for a person everywhere; ask for code owners on production paths instead%s", p.Branch, p.Approvals, p.where(),
		)})
	}
	if p.OwnersApprove {
		out = append(out, Finding{"code owners", Works, "they must approve what they own"})
	} else if p.Protected {
		out = append(out, Finding{"code owners", Risk, "their approval is not asked for, so rules and production paths can change without their owners" + p.where()})
	}
	if p.KeepsStale && (p.Approvals > 0 || p.OwnersApprove) {
		out = append(out, Finding{"approvals", Risk, "the forge keeps an approval after a new commit; our own approval gate does not" + p.where()})
	}
	return out
}

func (p Protection) where() string {
	if p.Settings == "" {
		return ""
	}
	return " (" + p.Settings + ")"
}
