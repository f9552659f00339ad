package trail

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// The words that are said of a merge on its proposal, each once: that the
// version does not run there in the expected time, or is not well; that it turned
// unhealthy; and that it is well after all. A merge that goes well gets no word.
const (
	WordLate = "late"
	WordSick = "unhealthy"
	WordWell = "healthy"
)

// Stand is how a merged version does where it was merged into.
type Stand struct {
	// Runs says that it runs there, Healthy that every signal says it is well,
	// Failing that it is unhealthy for longer than is tolerated.
	Runs, Healthy, Failing bool
	// Instead is what runs in its place, if anybody can tell.
	Instead string
	// Why is what its signals say.
	Why string
	// Earned says that its clock has run.
	Earned bool
	// Follows says what happens when it fails.
	Follows string
}

// Due is when a merge is late.
func (e *Entry) Due(expect time.Duration) time.Time {
	if e.At.IsZero() {
		return e.Seen.Add(expect)
	}
	return e.At.Add(expect)
}

// Word is what is to be said of a merge now; empty if nothing is. Over says that
// nothing will be said any more.
func (e *Entry) Word(s Stand, expect time.Duration, now time.Time) (word string, over bool) {
	said := func(w string) bool { return slices.Contains(e.Said, w) }
	bad := said(WordLate) || said(WordSick)
	switch {
	case s.Failing && !said(WordSick):
		return WordSick, false
	case s.Runs && s.Healthy && bad && !said(WordWell):
		return WordWell, false
	case (!s.Runs || !s.Healthy) && !bad && !now.Before(e.Due(expect)):
		return WordLate, false
	}
	return "", s.Earned
}

// SayKey names a word about a merge.
func (e *Entry) SayKey(word string) string { return "after " + string(e.Commit) + " " + word }

// Say is a word in full.
func (e *Entry) Say(word, environment string, s Stand, expect time.Duration) string {
	what, env := code(tag(e.Version)), code(environment)
	switch {
	case word == WordWell:
		return fmt.Sprintf("%s runs in %s and is healthy.", what, env)
	case word == WordSick:
		return fmt.Sprintf("**%s turned unhealthy in %s**%s. %s", what, env, because(s.Why), s.Follows)
	case s.Runs:
		return fmt.Sprintf("%s runs in %s, but is not healthy %s after the merge%s. Its clock stands, so later waves do not get it.", what, env, span(expect), because(s.Why))
	case s.Instead != "":
		return fmt.Sprintf("%s does not run in %s %s after the merge: %s runs there%s. Look at what deploys %s; later waves do not get it meanwhile.",
			what, env, span(expect), code(s.Instead), because(s.Why), env)
	}
	return fmt.Sprintf("Nobody can tell whether %s runs in %s, %s after the merge%s. Later waves do not get it meanwhile.", what, env, span(expect), because(s.Why))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + code(why)
}

// span is a time as rules write it.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Forward asks for a newer version where the rules allow no way back.
func (e *Entry) Forward(at gitops.Lane, s Stand) gitops.Report {
	return gitops.Report{
		Key:   "forward " + string(e.Commit) + " " + at.String(),
		Title: fmt.Sprintf("Roll forward: %s %s is unhealthy in %s", at.Artifact, tag(e.Version), at.Environment),
		Body: fmt.Sprintf("%s turned unhealthy in %s after proposal %s%s.\n\nThe rules say that going back is not possible for this artifact. "+
			"**Publish a newer version that puts it right**; it is proposed by itself. Close this issue when nothing is left to do.\n",
			code(tag(e.Version)), code(at.Environment), e.Proposal, because(s.Why)),
	}
}
