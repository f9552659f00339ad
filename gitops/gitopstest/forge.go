package gitopstest

import (
	"context"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Reader reads proposals and pauses.
type Reader interface {
	// Proposals are all open ones against the protected branch, a person's
	// too, and those of the bot's branches that ended since the cursor, or had
	// something done to them after they ended: then they are told again.
	Proposals(ctx context.Context, since string) (list []gitops.Proposal, next string, err error)
	// Proposal is one proposal read anew, nothing of it from a cache.
	Proposal(ctx context.Context, id string) (gitops.Proposal, error)
	// Pauses are the pauses in force; none where issues are switched off.
	Pauses(ctx context.Context) ([]gitops.Pause, error)
	Whoami(ctx context.Context) (gitops.Actor, error)
}

// IssueReader reads the issues that stop things.
type IssueReader interface {
	// Issues are those with the label of pauses, open ones and those closed
	// lately, and those of the given ids whatever they look like now. It fails
	// with [gitops.ErrDisabled] where issues are switched off.
	Issues(ctx context.Context, known []string) ([]gitops.Issue, error)
}

// Proposer writes proposals.
type Proposer interface {
	// Open finds the open proposal of the branch or creates it, with labels.
	Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error)
	Update(ctx context.Context, id, title, body string) error
	Close(ctx context.Context, id, comment string) error
	// Merge merges exactly that head.
	Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error)
}

// Marker writes checks and labels.
type Marker interface {
	SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error
	AddLabel(ctx context.Context, id, label string) error
	RemoveLabel(ctx context.Context, id, label string) error
	// Request asks people to review and makes them responsible; whoever is
	// asked already, or unknown to the forge, is passed over.
	Request(ctx context.Context, id string, r gitops.Request) error
}

// Issuer writes issues.
type Issuer interface {
	OpenIssue(ctx context.Context, title, body string, labels []string) (string, error)
	CloseIssue(ctx context.Context, id string) error
}

// Talker answers people and puts back what they may not take away.
type Talker interface {
	// Answer comments on a proposal or an issue, unless our own answer to that
	// key is there already.
	Answer(ctx context.Context, id, key, text string) error
	Mend(ctx context.Context, m gitops.Mend) error
}

// Queuer speaks to a merge queue or train.
type Queuer interface {
	// Enqueue puts exactly that head into the queue; [gitops.ErrUnsupported]
	// where the branch has none.
	Enqueue(ctx context.Context, id string, head gitops.Commit) error
	// Groups are those the queue has formed; none where there is no queue.
	Groups(ctx context.Context) ([]gitops.Group, error)
}

// Inspector says what the forge allows.
type Inspector interface {
	Protection(ctx context.Context) (gitops.Protection, error)
	// Budget is what was left after the last answer; zero if the forge does
	// not say.
	Budget() gitops.Budget
	Limits() gitops.Limits
}

// Reads is everything that is read of a forge.
type Reads interface {
	Reader
	IssueReader
	Inspector
}

// Speaker says things to people.
type Speaker interface {
	Issuer
	Reporter
	Talker
}

// Writes is everything that is written to it.
type Writes interface {
	Proposer
	Marker
	Speaker
}

// Client is what the bot does with a forge.
type Client interface {
	Reads
	Writes
	Queuer
}

// DeedKind is what a person does on a forge.
type DeedKind string

// The kinds of deeds.
const (
	DoLabel   DeedKind = "label"
	DoUnlabel DeedKind = "unlabel"
	DoComment DeedKind = "comment"
	// DoReview says Deed.Review about the proposal's head. What it returns is
	// for DoDismiss, which takes back what the same person said there.
	DoReview  DeedKind = "review"
	DoDismiss DeedKind = "dismiss"
	// DoClose ends a proposal without a merge.
	DoClose DeedKind = "close"
	// DoPropose opens a proposal from the branch in Deed.Text.
	DoPropose DeedKind = "propose"
	// DoOpenIssue opens an issue titled Deed.Text with the label of pauses;
	// the others change one.
	DoOpenIssue    DeedKind = "open-issue"
	DoCloseIssue   DeedKind = "close-issue"
	DoRetitleIssue DeedKind = "retitle-issue"
	// DoUnlabelIssue and DoCommentIssue are as on proposals.
	DoUnlabelIssue DeedKind = "unlabel-issue"
	DoCommentIssue DeedKind = "comment-issue"
)

// Deed is what a person does.
type Deed struct {
	Kind DeedKind
	// ID is the proposal or issue.
	ID string
	// Text is the label, the comment, the title, the branch or what DoReview
	// returned.
	Text   string
	Review gitops.ReviewState
}

// Forge is a forge with one repository whose protected branch, main, has a
// commit.
type Forge struct {
	// Bot acts as the bot, which may write. Fresh makes another client of the
	// same account that remembers nothing.
	Bot   Client
	Fresh func() Client
	// Faults is what all calls of these clients go through.
	Faults *Faults
	// Push makes a commit on top of the protected branch, puts it on the
	// branch as the bot, and returns it.
	Push func(t *testing.T, branch, file, text string) gitops.Commit
	// Act does something as a person with that permission, and returns the id
	// of what it made. It fails with [gitops.ErrDenied] where the forge
	// refuses it.
	Act func(t *testing.T, who gitops.Permission, d Deed) (string, error)
	// DisableIssues switches issues off, Withdraw takes the bot's right to
	// write away, Queue gives the branch a merge queue. Nil is a forge that
	// knows no such thing.
	DisableIssues, Withdraw, Queue func(t *testing.T)
}

// ForgeContract runs what every forge has to keep, each case on a forge of
// its own.
func ForgeContract(t *testing.T, newForge func(t *testing.T) Forge) {
	t.Helper()
	for name, c := range map[string]func(*testing.T, Forge){
		"opening twice finds the first":          openTwice,
		"a merge names the head":                 mergeNamesHead,
		"nothing merges that is not green":       mergeNeedsGreen,
		"the ended are told once":                endedOnce,
		"labels say who and when":                labels,
		"a labelled issue pauses until closed":   pauses,
		"a proposal shows its head, base, check": shows,

		"events tell who did what":                  events,
		"a stop ends by a release alone":            stops,
		"a word holds and a word releases":          words,
		"a pause is not ended without the right":    pauseStands,
		"a pause is not narrowed without the right": pauseNarrowed,
		"a pause whose label is gone still stands":  pauseUnlabelled,
		"issues switched off are not unreadable":    issuesOff,

		"reviews are bound to the head":           reviews,
		"a review that is taken back is none":     reviewTakenBack,
		"a person's proposal is listed":           personsProposal,
		"a closing by a person names the person":  personCloses,
		"a word after the end is told":            wordAfterEnd,
		"an answer is given once":                 answersOnce,
		"long texts are cut":                      longTexts,
		"reviewers are asked":                     requests,
		"a check has its text, target and author": checks,
		"a branch with a queue is enqueued":       queue,
		"a report is one issue of its key":        reportOnce,
		"the protection is read":                  protection,

		"every write survives a fault":          writesSurvive,
		"a report survives a fault":             reportSurvives,
		"no report where issues are off":        reportDisabled,
		"a stale list does not double":          staleList,
		"a list with a hole is no list":         listWithHole,
		"nonsense is an error":                  nonsense,
		"a limit is told and kept":              limited,
		"a withdrawn right is denied":           withdrawn,
		"a quiet look costs no more than a new": quiet,

		"opening survives at every step":           everyStep,
		"a limit in the middle of a batch":         limitedHalfWay,
		"a merge that loses a race is none":        lostRace,
		"what a person ended is not merged":        endedMeanwhile,
		"a head that is gone is not merged":        staleMerge,
		"enqueueing survives a fault, and is once": queueSurvives,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c(t, newForge(t))
		})
	}
}
