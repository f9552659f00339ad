package looptest

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// Git is a repository as a loop sees it, and its remote as people do.
type Git struct {
	Repo     loop.Repo
	Branches loop.Branches
	History  loop.History

	// Commit is a person's commit of files on top of a branch, which begins at
	// the protected one's head if it is not there; nil is a file removed.
	Commit func(t *testing.T, branch string, files map[string][]byte) gitops.Commit
	// Rewind takes the newest commit off the protected branch by force.
	Rewind func(t *testing.T)
	// Delete deletes a branch.
	Delete func(t *testing.T, branch string)
}

// RepoContract is what holds of every repository.
func RepoContract(t *testing.T, newGit func(t *testing.T) Git) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Git){
		"the first fetch knows nothing of before": firstFetch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			point(t, newGit(t))
		})
	}
}

func firstFetch(t *testing.T, g Git) {
	t.Helper()
	head := g.Commit(t, "", map[string][]byte{"a": []byte("1\n")})
	u, err := g.Repo.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if u.Head != head || u.Old != "" || !u.All {
		t.Errorf("the first fetch says %+v, want head %s, no old one and that all may have changed", u, head)
	}
}
