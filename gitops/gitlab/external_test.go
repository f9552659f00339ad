package gitlab_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/gitlabtest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

func ofUltimate(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, nil)
	w.server.Set(func() { w.project.External, w.project.ExternalMust, w.project.PipelineMustSucceed = true, true, false })
	return w
}

// TestExternalStatusCheck: where GitLab asks for it, nothing merges before the
// external status check of our name passed, also without a pipeline.
func TestExternalStatusCheck(t *testing.T) {
	t.Parallel()
	w := ofUltimate(t)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	set := func(state gitops.CheckState) {
		t.Helper()
		if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: state, Text: "as it is"}); err != nil {
			t.Fatal(err)
		}
	}
	denied := func(when string) {
		t.Helper()
		if _, err := c.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
			t.Errorf("Merge %s: %v, want ErrDenied", when, err)
		}
	}
	denied("before anything is said")
	set(gitops.CheckPending) // nobody has looked yet: it is pending anyway
	w.look(c, "")
	set(gitops.CheckFailure)
	denied("while it failed")
	set(gitops.CheckPending)
	denied("while it is pending")
	set(gitops.CheckSuccess)
	if _, err := c.Merge(t.Context(), p.ID, p.Head); err != nil {
		t.Error(err)
	}
}

// TestExternalStatusCheckIsSetWhole: what could not be said there is said
// again, and nothing is green before it is green there.
func TestExternalStatusCheckIsSetWhole(t *testing.T) {
	t.Parallel()
	w := ofUltimate(t)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	w.look(c, "")
	green := gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}
	red := gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}
	broken := func(k gitops.Check) gitops.Proposal {
		t.Helper()
		w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Before, Status: http.StatusBadGateway, Path: "/status_check_responses"})
		if err := c.SetCheck(t.Context(), p.Head, k); err == nil || w.faults.Clear() != 1 {
			t.Errorf("SetCheck while the external check cannot be set: %v", err)
		}
		got, err := c.Proposal(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := broken(green); len(got.Checks) != 0 {
		t.Errorf("green although nothing was said there: %+v", got.Checks)
	}
	if err := c.SetCheck(t.Context(), p.Head, green); err != nil {
		t.Fatal(err)
	}
	if got := broken(red); len(got.Checks) != 0 {
		t.Errorf("what has to be said again is told: %+v", got.Checks)
	}
	statuses, err := w.client().Proposal(t.Context(), p.ID)
	if k, _ := statuses.Check(gitops.CheckName); err != nil || k.State != gitops.CheckFailure {
		t.Errorf("a red status waited for the external check: %+v, %v", k, err)
	}
	if err := c.SetCheck(t.Context(), p.Head, red); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Proposal(t.Context(), p.ID); err != nil || len(got.Checks) != 1 {
		t.Errorf("afterwards: %+v, %v", got.Checks, err)
	}
}

// TestNoExternalStatusCheck: an edition without them is asked once.
func TestNoExternalStatusCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	w.look(c, "")
	for _, s := range []gitops.CheckState{gitops.CheckFailure, gitops.CheckSuccess, gitops.CheckFailure} {
		if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: s, Text: string(s)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(slices.DeleteFunc(w.faults.Sent(), func(r string) bool { return !strings.Contains(r, "status_check") })); n != 1 {
		t.Errorf("external status checks were asked for %d times, want once", n)
	}
}

func TestProtectionByAnExternalStatusCheck(t *testing.T) {
	t.Parallel()
	w := ofUltimate(t)
	w.server.Change(func(users []gitlabtest.User) { users[0].Level = 40 }) // a Maintainer is told
	has := func(want bool) {
		t.Helper()
		p, err := w.client().Protection(t.Context())
		if err != nil || slices.ContainsFunc(p.Checks, func(k gitops.RequiredCheck) bool { return k.Name == gitops.CheckName && k.Unbindable }) != want {
			t.Errorf("Protection = %+v, %v", p, err)
		}
		if slices.ContainsFunc(p.Bypass, func(b string) bool { return strings.Contains(b, "Status checks must succeed") }) == want {
			t.Errorf("Bypass = %q", p.Bypass)
		}
	}
	has(true)
	w.server.Set(func() { w.project.ExternalMust = false })
	has(false)
}
