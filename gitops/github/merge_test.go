package github_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

func TestMergedBranchIsRemoved(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 2)
	c := asApp(t, s, http.DefaultTransport)
	merge := func(id string) {
		t.Helper()
		p, err := c.Proposal(t.Context(), id)
		if err == nil {
			err = c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess})
		}
		if err == nil {
			_, err = c.Merge(t.Context(), id, p.Head)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	merge("1")
	if s.Head("waveguide/dev/app-000") != "" {
		t.Error("the branch of a merged proposal is still there")
	}
	// A commit that somebody pushes while it is merged is not lost.
	c = asApp(t, s, roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(body, []byte("mutation deleteBranch")) {
			s.Push("waveguide/dev/app-001", "ada", map[string]string{"late.yaml": "1\n"})
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return http.DefaultTransport.RoundTrip(r)
	}))
	merge("2")
	if s.Head("waveguide/dev/app-001") == "" {
		t.Error("the branch is gone with a commit that somebody pushed meanwhile")
	}
}

func TestMergeThatLosesARace(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	one := s.Push("waveguide/dev/one", "bot", map[string]string{"app.yaml": "1\n"})
	two := s.Push("waveguide/dev/two", "bot", map[string]string{"app.yaml": "2\n"})
	c := asApp(t, s, http.DefaultTransport)
	for _, b := range []string{"waveguide/dev/one", "waveguide/dev/two"} {
		if _, err := c.Open(t.Context(), gitops.Proposal{Branch: b, Title: b}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, head := range []string{one, two} {
		if err := c.SetCheck(t.Context(), gitops.Commit(head), gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Merge(t.Context(), "1", gitops.Commit(one)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Merge(t.Context(), "2", gitops.Commit(two)); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("a merge with a conflict: %v, want ErrMoved", err)
	}
	if got := s.Show("main", "app.yaml"); got != "1" {
		t.Errorf("main holds %q", got)
	}
}

func TestMergeMethod(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Set(func(o *githubtest.Settings) { o.Methods = []string{"squash", "rebase"} })
	fill(t, s, 1)
	c := asApp(t, s, http.DefaultTransport)
	p, err := c.Proposal(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Merge(t.Context(), "1", p.Head); err != nil {
		t.Errorf("where only squash is allowed: %v", err)
	}
}

// TestQueueAnswersForTheGroup: the queue merges when the check is green on the
// group's head.
func TestQueueAnswersForTheGroup(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Set(func(o *githubtest.Settings) { o.MergeQueue = true })
	fill(t, s, 2)
	c := asApp(t, s, http.DefaultTransport)
	green := func(head gitops.Commit) {
		t.Helper()
		if err := c.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"1", "2"} {
		p, err := c.Proposal(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Enqueue(t.Context(), id, p.Head); !errors.Is(err, gitops.ErrDenied) {
			t.Errorf("without a green check: %v, want ErrDenied", err)
		}
		green(p.Head)
		if _, err := c.Merge(t.Context(), id, p.Head); !errors.Is(err, gitops.ErrDenied) || !strings.Contains(err.Error(), "queue") {
			t.Errorf("Merge past the queue: %v, want ErrDenied", err)
		}
		if err := c.Enqueue(t.Context(), id, p.Head); err != nil {
			t.Fatal(err)
		}
	}
	groups, err := c.Groups(t.Context())
	if err != nil || len(groups) != 2 || !slices.Equal(groups[1].Proposals, []string{"1", "2"}) || groups[1].Base != groups[0].Head {
		t.Fatalf("Groups = %+v, %v", groups, err)
	}
	if s.Land() {
		t.Error("the queue merges without the check")
	}
	green(groups[0].Head)
	if !s.Land() {
		t.Fatal("the queue does not merge with the check")
	}
	if p, err := c.Proposal(t.Context(), "1"); err != nil || p.State != gitops.Merged || p.MergedAs != groups[0].Head || !p.EndedBy.Bot {
		t.Errorf("proposal = %+v, %v", p, err)
	}
}

// TestCheckIsNeverNeutral: somebody with the app's rights could set it so.
func TestCheckIsNeverNeutral(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 1)
	c := asApp(t, s, http.DefaultTransport)
	p, err := c.Proposal(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	s.Neutral(string(p.Head), gitops.CheckName)
	s.Neutral(string(p.Head), "lint")
	p, err = c.Proposal(t.Context(), "1")
	if ours, _ := p.Check(gitops.CheckName); err != nil || ours.State == gitops.CheckSuccess {
		t.Errorf("ours, neutral, reads as %+v, %v", ours, err)
	}
	if lint, _ := p.Check("lint"); lint.State != gitops.CheckSuccess {
		t.Errorf("another, neutral, reads as %+v", lint)
	}
}

// TestEndedCheckIsNotBegunAgain: a newer run takes its place.
func TestEndedCheckIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 1)
	p, err := asApp(t, s, http.DefaultTransport).Proposal(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	s.Calls()
	for _, state := range []gitops.CheckState{gitops.CheckPending, gitops.CheckFailure, gitops.CheckPending, gitops.CheckPending, gitops.CheckSuccess} {
		// A fresh client has to find what there is.
		if err := asApp(t, s, http.DefaultTransport).SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: state, Text: string(state)}); err != nil {
			t.Fatal(err)
		}
	}
	by, _ := s.Calls()
	if by["POST /repos/{owner}/{repo}/check-runs"] != 2 || by["PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}"] != 2 {
		t.Errorf("calls = %v, want two runs, each changed once", by)
	}
}

// TestMergeWhoseAnswerIsLost was made all the same, and only that head counts.
func TestMergeWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []githubtest.FaultKind{githubtest.Lost, githubtest.After, githubtest.Before} {
		s := githubtest.New(t)
		fill(t, s, 1)
		c := asApp(t, s, http.DefaultTransport)
		head := gitops.Commit(s.Head("waveguide/dev/app-000"))
		if err := c.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
			t.Fatal(err)
		}
		s.Break(githubtest.Fault{Kind: kind, Match: "/merge", Times: 1})
		merged, err := c.Merge(t.Context(), "1", head)
		if made := s.Head("main"); kind == githubtest.Before {
			if err == nil || errors.Is(err, gitops.ErrMoved) {
				t.Errorf("a merge that was not made: %s, %v", merged, err)
			}
		} else if err != nil || string(merged) != made {
			t.Errorf("%s: Merge = %s, %v, want %s", kind, merged, err, made)
		}
	}
}
