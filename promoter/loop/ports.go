package loop

import (
	"context"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/signals"
)

// Repo is the GitOps repository as of its last fetch.
type Repo interface {
	// Fetch asks the remote; a quiet remote costs one request.
	Fetch(ctx context.Context) (Update, error)
	// Files are the regular files under a folder that hold the text, or the one
	// file whatever it holds; an empty text is all of them.
	Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error)
	// Delta is what a commit changes against another one, or against its only
	// parent if that is empty.
	Delta(ctx context.Context, from, to gitops.Commit) (Delta, error)
	// Compose makes a commit that nobody else sees before it is pushed; the
	// same draft makes the same commit.
	Compose(ctx context.Context, d Draft) (gitops.Commit, error)
}

// History reads the protected branch's own line of commits.
type History interface {
	// Line is what came after one head up to another, along first parents,
	// oldest first. It is not whole where the line does not lead from the one to
	// the other, or has more commits than most.
	Line(ctx context.Context, from, to gitops.Commit, most int) (steps []trail.Step, whole bool, err error)
	// Tail are the newest steps of the line up to a head, oldest first: at most so
	// many, and as many of these as one fetch brings. The files of each, and of
	// the commit before it, can be read right after.
	Tail(ctx context.Context, head gitops.Commit, most int) ([]trail.Step, error)
}

// Branches are the bot's branches on the remote as of the last fetch.
type Branches interface {
	Branch(name string) (gitops.Commit, bool)
	// Push makes the moves in as few requests as it can. Each succeeds or fails
	// alone: the errors are in the order of the moves, and gitops.ErrMoved says
	// that a branch is not where its move says.
	Push(ctx context.Context, moves []Move) []error
}

// Move moves a branch, which is at Old or must not exist if that is empty, to
// New, or deletes it if that is empty.
type Move struct {
	Branch   string
	Old, New gitops.Commit
}

// Update is what a fetch found.
type Update struct {
	Head gitops.Commit
	// Old is the head of the fetch before, perhaps of an earlier life, that the
	// new one follows from; empty if nobody knows.
	Old     gitops.Commit
	Changed []string
	// All says that everything may have changed.
	All bool
}

// Delta is what one commit changes.
type Delta struct {
	Parent gitops.Commit
	// Files maps each changed path to its bytes before and after; nil is absent.
	Files map[string][2][]byte
	// Author is the email of the commit's author, Message its text.
	Author  string
	Message string
}

// Draft is a commit to make on a base.
type Draft struct {
	Base    gitops.Commit
	Files   map[string][]byte
	Message string
	Time    time.Time
}

// Forge reads what people see and do.
type Forge interface {
	// Proposals are all open ones against the protected branch, a person's
	// too, and those of the bot's branches that ended since the cursor.
	Proposals(ctx context.Context, since string) (list []gitops.Proposal, next string, err error)
	// Proposal is one proposal read anew.
	Proposal(ctx context.Context, id string) (gitops.Proposal, error)
	// Issues are those that pause something or once did, and those of the given
	// ids whatever they look like now. It fails with gitops.ErrDisabled where
	// issues are switched off.
	Issues(ctx context.Context, known []string) ([]gitops.Issue, error)
	Whoami(ctx context.Context) (gitops.Actor, error)
}

// Talker answers people and puts back what they may not take away.
type Talker interface {
	// Answer comments, unless our own answer to that key is there already.
	Answer(ctx context.Context, id, key, text string) error
	Mend(ctx context.Context, m gitops.Mend) error
}

// Reporter asks people for something.
type Reporter interface {
	// Report finds our issue of that key, open or closed, or opens it. It fails
	// with gitops.ErrDisabled where issues are switched off.
	Report(ctx context.Context, r gitops.Report) (id string, err error)
	CloseIssue(ctx context.Context, id string) error
}

// Authors knows who wrote the source of versions.
type Authors interface {
	// Authors are the accounts that wrote the commits of a source after one
	// revision up to another. It fails with gitops.ErrUnsupported for a source
	// that is not connected, and, beside those it knows, where nobody can ever
	// know all of them.
	Authors(ctx context.Context, source, from, to string) ([]string, error)
}

// Proposer writes proposals.
type Proposer interface {
	// Open finds the open proposal of the branch or creates it.
	Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error)
	Update(ctx context.Context, id, title, body string) error
	Close(ctx context.Context, id, comment string) error
	// Merge merges exactly that head.
	Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error)
}

// Marker writes what stands on a proposal.
type Marker interface {
	SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error
	RemoveLabel(ctx context.Context, id, label string) error
	// Request asks people to review; whoever is asked already, or unknown to
	// the forge, is passed over.
	Request(ctx context.Context, id string, r gitops.Request) error
}

// Queue speaks to the branch's merge queue or train.
type Queue interface {
	// Enqueue puts exactly that head into the queue; gitops.ErrUnsupported says
	// that there is none.
	Enqueue(ctx context.Context, id string, head gitops.Commit) error
	// Groups are those the queue has formed.
	Groups(ctx context.Context) ([]gitops.Group, error)
}

// Registry reads which versions exist.
type Registry interface {
	// Versions are the selected tags of an image as they are now.
	Versions(ctx context.Context, image string, selects func(tag string) bool) ([]signals.Version, error)
}

// Prover verifies what the gates of a stop ask for about a digest.
type Prover interface {
	// Proofs reads the list of evidence anew; again repeats all cryptography.
	Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error)
}

// Health reads the signals of a lane.
type Health interface {
	Health(ctx context.Context, lane gitops.Lane, about signals.Question) ([]signals.Health, error)
}

// Rules turns the rule files of the protected branch into routes.
type Rules interface {
	Rules(files map[string][]byte, now time.Time) (Ruling, error)
}

// Ruling is what the rules of one commit say.
type Ruling struct {
	Routes []promoter.Route
	// Problems are the errors in the rules, one line each.
	Problems []string
	// Until is when time alone changes the rules; zero if it does not.
	Until time.Time
}

// Writer turns decisions into text for people.
type Writer interface {
	Title(l promoter.LanePlan) string
	Body(l promoter.Letter) string
}

// Hint says what may have changed; it wakes the loop and is never believed. The
// zero value is everything in the world.
type Hint struct {
	// Daemon says that the daemon's own file changed, or what it names.
	Daemon bool
	// Git and Forge say that the repository or its proposals may have changed.
	Git, Forge bool
	// Image is the OCI repository, with or without its host, in which a tag or
	// the evidence about one may have changed.
	Image string
	// Environment is where health may have changed.
	Environment string
}
