package gitopstest

import "testing"

// ModelContract is the part of [ForgeContract] that holds of a forge without a
// wire: what people and the bot do to proposals and issues, and what is read of
// it. A model in memory that keeps it can stand for every forge in a
// simulation; Faults may be nil.
func ModelContract(t *testing.T, newForge func(t *testing.T) Forge) {
	t.Helper()
	for name, c := range map[string]func(*testing.T, Forge){
		"opening twice finds the first":             openTwice,
		"a merge names the head":                    mergeNamesHead,
		"nothing merges that is not green":          mergeNeedsGreen,
		"the ended are told once":                   endedOnce,
		"labels say who and when":                   labels,
		"a labelled issue pauses until closed":      pauses,
		"a proposal shows its head, base, check":    shows,
		"events tell who did what":                  events,
		"a stop ends by a release alone":            stops,
		"a word holds and a word releases":          words,
		"a pause is not ended without the right":    pauseStands,
		"a pause is not narrowed without the right": pauseNarrowed,
		"a pause whose label is gone still stands":  pauseUnlabelled,
		"reviews are bound to the head":             reviews,
		"a person's proposal is listed":             personsProposal,
		"a closing by a person names the person":    personCloses,
		"a word after the end is told":              wordAfterEnd,
		"an answer is given once":                   answersOnce,
		"reviewers are asked":                       requests,
		"a report is one issue of its key":          reportOnce,
		"a branch with a queue is enqueued":         queue,
		"a check has its text, target and author":   checks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c(t, newForge(t))
		})
	}
}
