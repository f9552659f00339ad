package gitlab_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// TestCheckStandsInThePipelineThatCounts: where pipelines of merge requests
// run, a status of the branch alone neither allows nor stops a merge.
func TestCheckStandsInThePipelineThatCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.server.Set(func() { w.project.MergePipelines = true })
	p := w.open(c, "waveguide/dev/app", "1")
	set := func(state gitops.CheckState) {
		t.Helper()
		if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: state, Text: "as it is"}); err != nil {
			t.Fatal(err)
		}
	}
	set(gitops.CheckPending)
	build := map[string]any{"state": "success", "name": "build", "pipeline_id": 9001}
	if _, err := w.ask(rootToken, http.MethodPost, "/statuses/"+string(p.Head), build); err != nil {
		t.Fatal(err)
	}
	list, _, _ := w.look(c, "")
	if k, ok := one(t, list, p.ID).Check(gitops.CheckName); ok {
		t.Errorf("a check outside of the pipeline that counts is told: %+v", k)
	}
	set(gitops.CheckFailure)
	if _, err := c.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Merge with a red check in the pipeline that counts: %v, want ErrDenied", err)
	}
	set(gitops.CheckSuccess)
	got, err := c.Proposal(t.Context(), p.ID)
	if k, ok := got.Check(gitops.CheckName); err != nil || !ok || k.State != gitops.CheckSuccess || len(got.Checks) != 2 {
		t.Errorf("checks = %+v, %v", got.Checks, err)
	}
	if _, err := c.Merge(t.Context(), p.ID, p.Head); err != nil {
		t.Error(err)
	}
}

// TestCheckStandsOnTheMergeResult: its pipeline has a commit of its own.
func TestCheckStandsOnTheMergeResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.server.Set(func() { w.project.MergePipelines, w.project.MergeResults = true, true })
	p := w.open(c, "waveguide/dev/app", "1")
	w.look(c, "")
	for _, state := range []gitops.CheckState{gitops.CheckPending, gitops.CheckFailure, gitops.CheckSuccess} {
		if _, err := c.Merge(t.Context(), p.ID, p.Head); err == nil {
			t.Errorf("merged before %s", state)
		}
		for range 2 {
			if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: state}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Proposal(t.Context(), p.ID)
		if k, ok := got.Check(gitops.CheckName); err != nil || !ok || k.State != state {
			t.Errorf("check = %+v, %v, want %s", k, err, state)
		}
	}
	if _, err := c.Merge(t.Context(), p.ID, p.Head); err != nil {
		t.Error(err)
	}
}

// TestStrangersStatusOfOurName does not stand for ours.
func TestStrangersStatusOfOurName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ask(adaToken, http.MethodPost, "/statuses/"+string(p.Head), map[string]any{"state": "success", "name": gitops.CheckName, "ref": "waveguide/dev/app"}); err != nil {
		t.Fatal(err)
	}
	got, err := c.Proposal(t.Context(), p.ID)
	if k, ok := got.Check(gitops.CheckName); err != nil || !ok || k.State != gitops.CheckFailure || k.By != "bot" || len(got.Checks) != 2 || got.Checks[1].By != "ada" {
		t.Errorf("checks = %+v, %v", got.Checks, err)
	}
}
