package gitea_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitea/giteatest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

// TestTraps are the ways in which Gitea hides something.
func TestTraps(t *testing.T) {
	t.Parallel()
	for name, trap := range map[string]func(t *testing.T, f *fake, p gitops.Proposal){
		"remarks on lines fill whole pages": func(t *testing.T, f *fake, p gitops.Proposal) {
			t.Helper()
			f.Noise(1, "ada", 120)
			f.do(t, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "/hold behind the noise"})
			f.Noise(1, "ada", 120)
		},
		"a stop and its removal behind such pages": func(t *testing.T, f *fake, p gitops.Proposal) {
			t.Helper()
			f.Noise(1, "ada", 120)
			f.do(t, gitopstest.Deed{Kind: gitopstest.DoLabel, ID: p.ID, Text: gitops.LabelHold})
			f.do(t, gitopstest.Deed{Kind: gitopstest.DoUnlabel, ID: p.ID, Text: gitops.LabelHold})
		},
		"the hold is the first of many lines": func(t *testing.T, f *fake, p gitops.Proposal) {
			t.Helper()
			f.do(t, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "/hold first"})
			for range 70 {
				f.do(t, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "and so on"})
			}
		},
		"two labels of one name": func(t *testing.T, f *fake, p gitops.Proposal) {
			t.Helper()
			f.Twice(gitops.LabelHold)
			f.Twice(gitops.LabelHold)
			var all []named
			if err := f.as(t, "tess-token", http.MethodGet, "/labels", nil, &all); err != nil {
				t.Fatal(err)
			}
			for _, l := range all {
				if err := f.as(t, "tess-token", http.MethodPost, "/issues/"+p.ID+"/labels", map[string][]int64{"labels": {l.ID}}, nil); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{50, 7} {
				f := newFake(t, func(o *giteatest.Options) { o.PageSize = size })
				bot := f.client()
				f.push(t, "waveguide/dev/app", "app.yaml", "1")
				p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
				if err != nil {
					t.Fatal(err)
				}
				trap(t, f, p)
				list, _, err := bot.Proposals(t.Context(), "")
				if err != nil || len(list) != 1 || len(gitops.Holds(list[0], "waveguide", nil).Stops) != 1 {
					t.Errorf("with pages of %d: %v, the hold is not seen: %+v", size, err, list)
				}
				if err := bot.RemoveLabel(t.Context(), p.ID, gitops.LabelHold); err != nil {
					t.Fatal(err)
				}
				if p, err = bot.Proposal(t.Context(), p.ID); err != nil || len(p.Labels) != 0 {
					t.Errorf("labels after the removal: %+v, %v", p.Labels, err)
				}
			}
		})
	}
}

// TestWhatWasSaidStands: whoever deletes a comment does not end the hold that
// it made, as long as somebody remembers.
func TestWhatWasSaidStands(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bot := f.client()
	f.push(t, "waveguide/dev/app", "app.yaml", "1")
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.do(t, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "/hold"})
	if p, err = bot.Proposal(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	f.Unsay(1)
	if p, err = bot.Proposal(t.Context(), p.ID); err != nil || len(gitops.Holds(p, "waveguide", nil).Stops) != 1 {
		t.Errorf("after the comment was deleted: %+v, %v", gitops.Holds(p, "waveguide", nil), err)
	}
}

func (f *fake) do(t *testing.T, d gitopstest.Deed) {
	t.Helper()
	if _, err := f.act(t, gitops.PermissionTriage, d); err != nil {
		t.Fatal(err)
	}
}

func TestShortPagesAreNotTheLast(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(o *giteatest.Options) { o.PageSize = 3 })
	bot := f.client()
	for i := range 10 {
		name := fmt.Sprintf("waveguide/dev/app-%d", i)
		if err := f.Branches(name); err != nil {
			t.Fatal(err)
		}
		if _, err := bot.Open(t.Context(), gitops.Proposal{Branch: name, Title: "t"}, []string{fmt.Sprint("label-", i)}); err != nil {
			t.Fatal(err)
		}
		id := f.labelID(t, botToken, gitops.LabelPause)
		if err := f.as(t, "ada-token", http.MethodPost, "/issues", map[string]any{"title": fmt.Sprint("env:e", i), "labels": []int64{id}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := f.client().Proposals(t.Context(), "")
	if err != nil || len(list) != 10 {
		t.Errorf("%d proposals, %v", len(list), err)
	}
	if pauses, err := f.client().Pauses(t.Context()); err != nil || len(pauses) != 10 {
		t.Errorf("%d pauses, %v", len(pauses), err)
	}
}

func TestPausesWithTwoLabelsOrNone(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bot := f.client()
	if _, err := bot.OpenIssue(t.Context(), "just a bug", "", nil); err != nil {
		t.Fatal(err)
	}
	if list, err := bot.Pauses(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("without the label: %+v, %v", list, err)
	}
	f.Twice(gitops.LabelPause)
	f.do(t, gitopstest.Deed{Kind: gitopstest.DoOpenIssue, Text: "env:dev"})
	f.Twice(gitops.LabelPause)
	if list, err := f.client().Pauses(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("with two labels of that name: %+v, %v", list, err)
	}
}

// TestBotThatMayOnlyWrite is the least that the bot can have: then the rights
// of others are unknown and nobody's release counts by itself.
func TestBotThatMayOnlyWrite(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Grant("waveguide", giteatest.Write)
	bot := f.client()
	head := f.push(t, "waveguide/dev/app", "app.yaml", "1")
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bot.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
		t.Fatal(err)
	}
	f.do(t, gitopstest.Deed{Kind: gitopstest.DoLabel, ID: p.ID, Text: gitops.LabelHold})
	if _, err := f.act(t, gitops.PermissionWrite, gitopstest.Deed{Kind: gitopstest.DoUnlabel, ID: p.ID, Text: gitops.LabelHold}); err != nil {
		t.Fatal(err)
	}
	p, err = bot.Proposal(t.Context(), p.ID)
	if s := gitops.Holds(p, "waveguide", nil); err != nil || p.Unread != "" || len(s.Stops) != 1 || len(s.Mends)+len(s.Replies) != 0 {
		t.Errorf("by a right nobody knows: %+v, %v", s, err)
	}
	byName := func(a gitops.Actor, _ gitops.CommandWord) bool { return a.Name == "ada" }
	if s := gitops.Holds(p, "waveguide", byName); len(s.Stops) != 0 {
		t.Errorf("by a right that the rules give: %+v", s)
	}
	pr, err := bot.Protection(t.Context())
	if err != nil || !slices.ContainsFunc(pr.Findings(), func(x gitops.Finding) bool {
		return x.State == gitops.Risk && strings.Contains(x.Why, "cannot read what other people may do")
	}) {
		t.Errorf("findings = %+v, %v", pr.Findings(), err)
	}
}

// TestSomebodyElsesCheck: Gitea takes a status of our name from everybody who
// may write.
func TestSomebodyElsesCheck(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bot := f.client()
	head := f.push(t, "waveguide/dev/app", "app.yaml", "1")
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bot.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}); err != nil {
		t.Fatal(err)
	}
	if err := f.as(t, "ada-token", http.MethodPost, "/statuses/"+string(head), map[string]string{"context": gitops.CheckName, "state": "success"}, nil); err != nil {
		t.Fatal(err)
	}
	if p, err = bot.Proposal(t.Context(), p.ID); err != nil || len(p.Checks) != 0 {
		t.Errorf("checks = %+v, %v, want none that counts as ours", p.Checks, err)
	}
}

func TestTeamsOfReviewers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bot := f.client()
	f.push(t, "waveguide/dev/app", "app.yaml", "1")
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.act(t, gitops.PermissionWrite, gitopstest.Deed{Kind: gitopstest.DoReview, ID: p.ID, Review: gitops.Approved}); err != nil {
		t.Fatal(err)
	}
	p, err = bot.Proposal(t.Context(), p.ID)
	if err != nil || len(p.Reviews) != 1 || !slices.Equal(p.Reviews[0].By.Teams, []string{"@acme/sre"}) {
		t.Errorf("reviews = %+v, %v", p.Reviews, err)
	}
}

// TestRotatedToken: the token is asked for with every request.
func TestRotatedToken(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	token := "not this one"
	c := gitea.New(gitea.Options{URL: f.url + "/", Repository: "acme/env", HTTP: http.DefaultClient, Token: func(context.Context) (string, error) { return token, nil }})
	if _, err := c.Whoami(t.Context()); err == nil {
		t.Error("a wrong token is somebody")
	}
	token = botToken
	if me, err := c.Whoami(t.Context()); err != nil || me.Name != "waveguide" {
		t.Errorf("Whoami with the new token = %+v, %v", me, err)
	}
}

// TestSDK lets Gitea's own client use the fake, so that it answers to somebody
// else too.
func TestSDK(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	head := f.push(t, "topic", "app.yaml", "1")
	c, err := sdk.NewClient(f.url, sdk.SetToken("ada-token"), sdk.SetGiteaVersion("1.25.4"), sdk.SetContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := c.CreateLabel("acme", "env", sdk.CreateLabelOption{Name: "x", Color: "#00aabb"})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := c.CreatePullRequest("acme", "env", sdk.CreatePullRequestOption{Head: "topic", Base: "main", Title: "t", Labels: []int64{l.ID}})
	if err != nil || p.Head.Sha != string(head) || len(p.Labels) != 1 || p.State != sdk.StateOpen {
		t.Fatalf("pull request = %+v, %v", p, err)
	}
	if _, _, err := c.CreateStatus("acme", "env", p.Head.Sha, sdk.CreateStatusOption{State: sdk.StatusSuccess, Context: "waveguide"}); err != nil {
		t.Fatal(err)
	}
	st, _, err := c.GetCombinedStatus("acme", "env", p.Head.Sha)
	if err != nil || len(st.Statuses) != 1 || st.Statuses[0].Creator.UserName != "ada" {
		t.Errorf("statuses = %+v, %v", st, err)
	}
	tess, err := sdk.NewClient(f.url, sdk.SetToken("tess-token"), sdk.SetGiteaVersion("1.25.4"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tess.CreatePullReview("acme", "env", p.Index, sdk.CreatePullReviewOptions{State: sdk.ReviewStateApproved}); err != nil {
		t.Fatal(err)
	}
	reviews, _, err := c.ListPullReviews("acme", "env", p.Index, sdk.ListPullReviewsOptions{})
	if err != nil || len(reviews) != 1 || reviews[0].CommitID != p.Head.Sha || reviews[0].Reviewer.UserName != "tess" {
		t.Errorf("reviews = %+v, %v", reviews, err)
	}
	if ok, _, err := c.MergePullRequest("acme", "env", p.Index, sdk.MergePullRequestOption{Style: sdk.MergeStyleMerge, HeadCommitId: p.Head.Sha}); err != nil || !ok {
		t.Errorf("merge = %t, %v", ok, err)
	}
	if b, _, err := c.GetRepoBranch("acme", "env", "main"); err != nil || !b.Protected || b.UserCanPush {
		t.Errorf("branch = %+v, %v", b, err)
	}
}
