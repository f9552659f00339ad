package looptest

import (
	"slices"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// Git is a repository as one process sees it, and its remote as people do.
type Git struct {
	Repo     loop.Repo
	Branches loop.Branches
	History  loop.History
	// Again begins another run of the process over what this one left on disk;
	// this one is not asked any more.
	Again func(t *testing.T) Git
	// Twin is another process at the same remote, with a disk of its own.
	Twin func(t *testing.T) Git

	// Commit is a person's commit of files on a branch, [Gone] for one that is
	// removed, with exactly that message if it has more than one line. A branch
	// that is not there begins at the head of the protected one.
	Commit func(t *testing.T, branch string, files map[string]string, message string) gitops.Commit
	// Merge makes a commit of two parents on the protected branch, whose second
	// one is the head of a branch.
	Merge func(t *testing.T, branch string) gitops.Commit
	// Rewind takes the newest commit off the protected branch by force.
	Rewind func(t *testing.T)
	// Delete deletes a branch.
	Delete func(t *testing.T, branch string)
	// Person and Bot are the emails of who commits.
	Person, Bot string
}

// Protected is the branch that is followed.
const Protected = "main"

// Gone stands for the text of a file that is removed.
const Gone = "\x00"

// nowhere is a commit that no repository has.
const nowhere gitops.Commit = "0123456789abcdef0123456789abcdef01234567"

// at is when everything is composed.
func at() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

// RepoContract is what holds of every repository that a loop works with. The
// protected branch is empty or not: nothing is asked of what it held before, but
// each point has a remote of its own.
func RepoContract(t *testing.T, newGit func(t *testing.T) Git) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Git){
		"the first fetch knows nothing of before":                  firstFetch,
		"a fetch of a quiet remote changes nothing":                quietFetch,
		"a fetch tells exactly the paths that changed":             changedFetch,
		"a fetch after a change by force says so":                  forcedFetch,
		"the first fetch of another run knows no old head":         anotherRun,
		"files are found by folder, by name and by text":           files,
		"a folder that is not there holds nothing":                 noFolder,
		"what was not fetched cannot be read or built on":          notFetched,
		"a delta has both sides of every path that changed":        delta,
		"a delta has the author's email and the message's bytes":   words,
		"a delta against another commit is all that lies between":  wideDelta,
		"a merge has no single parent to be compared with":         merges,
		"the same draft makes the same commit":                     composeTwice,
		"a composed commit changes what the draft says":            composeExactly,
		"a composed commit is not seen before it is pushed":        composeUnseen,
		"a draft that is no change of files is refused":            composeRefused,
		"a push moves what is where it is expected":                pushMoves,
		"a push of what is not where it is expected moves nothing": pushMoved,
		"moves of one push succeed and fail alone":                 pushAlone,
		"the same push twice is made once":                         pushTwice,
		"a push of a commit that nobody has moves nothing":         pushNothing,
		"a branch is where the last fetch or push saw it":          branches,
		"a line is the first parents, oldest first":                line,
		"a line that does not lead there is not whole":             noLine,
		"the tail of a line is read back, and its files":           tail,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGit(t)
			g.Commit(t, Protected, map[string]string{
				"README.md": "what runs where\n", "env/dev/shop.yaml": "image: registry.example.com/acme/shop # dev\n",
				"env/dev.txt": "beside the folder\n", "env/prod/shop.yaml": "image: registry.example.com/acme/shop\n", "env/prod/deep/other.yaml": "nothing: here\n",
			}, "the beginning")
			point(t, g)
		})
	}
}

// fetch fetches.
func fetch(t *testing.T, g Git) loop.Update {
	t.Helper()
	u, err := g.Repo.Fetch(t.Context())
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	slices.Sort(u.Changed)
	return u
}

// compose composes a change on a base, which is at work.
func compose(t *testing.T, g Git, base gitops.Commit, path, text string) gitops.Commit {
	t.Helper()
	c, err := g.Repo.Compose(t.Context(), draft(base, path, text))
	if err != nil {
		t.Fatalf("compose: %v", err)
	}
	return c
}

func draft(base gitops.Commit, path, text string) loop.Draft {
	return loop.Draft{Base: base, Files: map[string][]byte{path: []byte(text)}, Message: "promote\n\nFrom-dev: to prod\n", Time: at()}
}

// push makes one move.
func push(t *testing.T, g Git, branch string, old, to gitops.Commit) error {
	t.Helper()
	errs := g.Branches.Push(t.Context(), []loop.Move{{Branch: branch, Old: old, New: to}})
	if len(errs) != 1 {
		t.Fatalf("a push of one move has %d answers", len(errs))
	}
	return errs[0]
}

// stands holds where another process sees a branch; nothing is no branch.
func stands(t *testing.T, twin Git, branch string, want gitops.Commit) {
	t.Helper()
	fetch(t, twin)
	if have, ok := twin.Branches.Branch(branch); have != want || ok != (want != "") {
		t.Errorf("branch %s is at %q, want %q", branch, have, want)
	}
}

func firstFetch(t *testing.T, g Git) {
	t.Helper()
	head := g.Commit(t, Protected, map[string]string{"a": "1\n"}, "one")
	if u := fetch(t, g); u.Head != head || u.Old != "" || !u.All {
		t.Errorf("the first fetch says %+v, want head %s, no old one and that all may have changed", u, head)
	}
}

func quietFetch(t *testing.T, g Git) {
	t.Helper()
	head := fetch(t, g).Head
	g.Commit(t, "elsewhere", map[string]string{"a": "1\n"}, "on another branch")
	for range 2 {
		if u := fetch(t, g); u.Head != head || u.Old != head || u.All || len(u.Changed) > 0 {
			t.Errorf("a fetch in which nothing moved says %+v, want head and old %s and no change", u, head)
		}
	}
}

func changedFetch(t *testing.T, g Git) {
	t.Helper()
	old := fetch(t, g).Head
	g.Commit(t, Protected, map[string]string{"README.md": "other\n", "env/prod.yaml": "new\n"}, "one")
	head := g.Commit(t, Protected, map[string]string{"env/dev/shop.yaml": Gone, "env/prod/deep/other.yaml": "there: was\n"}, "two")
	want := []string{"README.md", "env/dev/shop.yaml", "env/prod.yaml", "env/prod/deep/other.yaml"}
	if u := fetch(t, g); u.Head != head || u.Old != old || u.All || !slices.Equal(u.Changed, want) {
		t.Errorf("after two commits a fetch says %+v, want %s to %s and the paths %q", u, old, head, want)
	}
	// What changed and changed back did not change.
	g.Commit(t, Protected, map[string]string{"README.md": "third\n"}, "three")
	g.Commit(t, Protected, map[string]string{"README.md": "other\n", "x": "y\n"}, "four")
	if u := fetch(t, g); !slices.Equal(u.Changed, []string{"x"}) || u.Old != head {
		t.Errorf("after a change and its way back a fetch says %+v, want only x since %s", u, head)
	}
}

func forcedFetch(t *testing.T, g Git) {
	t.Helper()
	kept := fetch(t, g).Head
	g.Commit(t, Protected, map[string]string{"a": "1\n"}, "taken off later")
	fetch(t, g)
	g.Rewind(t)
	if u := fetch(t, g); u.Head != kept || u.Old != "" || !u.All {
		t.Errorf("after a commit was taken off a fetch says %+v, want head %s, no old one and that all may have changed", u, kept)
	}
	if u := fetch(t, g); u.Old != kept || u.All {
		t.Errorf("the quiet fetch after it says %+v", u)
	}
	// Taken off and replaced is not a step forward either.
	g.Commit(t, Protected, map[string]string{"a": "2\n"}, "first")
	fetch(t, g)
	g.Rewind(t)
	head := g.Commit(t, Protected, map[string]string{"b": "2\n"}, "instead")
	if u := fetch(t, g); u.Head != head || u.Old != "" || !u.All {
		t.Errorf("after a commit was replaced a fetch says %+v, want head %s, no old one and that all may have changed", u, head)
	}
}

func anotherRun(t *testing.T, g Git) {
	t.Helper()
	old := fetch(t, g).Head
	next := g.Again(t)
	if u := fetch(t, next); u.Head != old || u.Old != "" {
		t.Errorf("the first fetch of another run says %+v, want head %s and no old one", u, old)
	}
	head := g.Commit(t, Protected, map[string]string{"README.md": "other\n"}, "while nobody ran")
	next = next.Again(t)
	if u := fetch(t, next); u.Head != head || u.Old != "" || !u.All && !slices.Contains(u.Changed, "README.md") {
		t.Errorf("the first fetch of another run says %+v, want head %s, no old one and README.md among what may have changed", u, head)
	}
	g.Commit(t, "waveguide/x", map[string]string{"a": "1\n"}, "a branch")
	next = next.Again(t)
	if at, ok := next.Branches.Branch("waveguide/x"); ok {
		t.Errorf("before it fetched, another run knows a branch at %s", at)
	}
}
