package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// fill opens many proposals.
func fill(t *testing.T, s *githubtest.Server, n int) {
	t.Helper()
	s.Fill(n, func(i int) (string, map[string]string) {
		return fmt.Sprintf("waveguide/dev/app-%03d", i), map[string]string{fmt.Sprintf("app-%03d.yaml", i): "1\n"}
	})
}

func look(t *testing.T, s *githubtest.Server, c *github.Client, since string) ([]gitops.Proposal, string, map[string]int, int) {
	t.Helper()
	s.Calls()
	list, next, err := c.Proposals(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	by, sum := s.Calls()
	return list, next, by, sum
}

// TestLooksAt200 counts what a look at 200 open proposals costs.
func TestLooksAt200(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 200)
	c := asApp(t, s, http.DefaultTransport)
	list, next, by, sum := look(t, s, c, "")
	if len(list) != 200 || by["GRAPHQL look"] != 1 || by["GRAPHQL open"] != 4 || sum > 12 {
		t.Errorf("the first look: %d proposals, %d requests: %v", len(list), sum, by)
	}
	t.Logf("first look: %d requests %v", sum, by)
	s.Age(time.Minute)
	_, next, by, sum = look(t, s, c, next)
	if sum > 8 {
		t.Errorf("a look after something changed: %d requests: %v", sum, by)
	}
	t.Logf("look after a change: %d requests %v", sum, by)
	list, next, by, sum = look(t, s, c, next)
	if len(list) != 200 || sum != 0 || by["unchanged"] != 1 {
		t.Errorf("a look at what did not change: %d proposals, %d requests that count: %v", len(list), sum, by)
	}
	if _, err := (person{t, s, "rita"}).call(http.MethodPost, "issues/7/comments", object{"body": "/hold wait"}); err != nil {
		t.Fatal(err)
	}
	list, _, by, sum = look(t, s, c, next)
	if sum > 12 || len(gitops.Holds(list[6], githubtest.Bot, nil).Stops) != 1 {
		t.Errorf("a look after a comment: %d requests: %v", sum, by)
	}
	t.Logf("look after a comment: %d requests %v", sum, by)
}

func TestEveryPageIsRead(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	c, rita, ada := asApp(t, s, http.DefaultTransport), person{t, s, "rita"}, person{t, s, "ada"}
	head := s.Push("waveguide/dev/app", "bot", map[string]string{"app.yaml": "1"})
	p, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, []string{gitops.LabelHold})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 230 {
		if _, err := rita.call(http.MethodPost, "issues/"+p.ID+"/comments", object{"body": fmt.Sprint("comment ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 60 {
		if _, err := ada.call(http.MethodPost, "pulls/"+p.ID+"/reviews", object{"event": "COMMENT", "body": "hm"}); err != nil {
			t.Fatal(err)
		}
		if _, err := ada.call(http.MethodPost, "statuses/"+head, object{"context": fmt.Sprint("ci-", head[:3], len(head)), "state": "success"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 120 {
		if _, err := ada.call(http.MethodPost, "statuses/"+head, object{"context": fmt.Sprint("ci-", i), "state": "success"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (person{t, s, "bob"}).call(http.MethodPost, "pulls/"+p.ID+"/reviews", object{"event": "APPROVE"}); err != nil {
		t.Fatal(err)
	}
	got, err := c.Proposal(t.Context(), p.ID)
	if err != nil || got.Unread != "" || len(got.Events) != 231 || len(got.Checks) != 121 || len(got.Reviews) != 1 {
		t.Errorf("%d events, %d checks, %d reviews, unread %q, %v", len(got.Events), len(got.Checks), len(got.Reviews), got.Unread, err)
	}
	if l, ok := got.Label(gitops.LabelHold); !ok || l.By.Name != githubtest.Bot {
		t.Errorf("the hold is %+v", l)
	}
}

func TestReviewsAndPeople(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.SetUser("dependabot[bot]", githubtest.User{Role: "write", Bot: true})
	c := asApp(t, s, http.DefaultTransport)
	head := s.Push("waveguide/dev/app", "bot", map[string]string{"app.yaml": "1"})
	p, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	say := func(who, event string) float64 {
		t.Helper()
		out, err := (person{t, s, who}).call(http.MethodPost, "pulls/"+p.ID+"/reviews", object{"event": event, "body": "said"})
		if err != nil {
			t.Fatal(err)
		}
		return out["id"].(float64)
	}
	say("ada", "REQUEST_CHANGES")
	say("ada", "APPROVE")
	say("ada", "COMMENT") // takes nothing back
	taken := say("bob", "APPROVE")
	if _, err := (person{t, s, "root"}).call(http.MethodPut, fmt.Sprintf("pulls/%s/reviews/%d/dismissals", p.ID, int(taken)), object{"message": "no"}); err != nil {
		t.Fatal(err)
	}
	say("dependabot[bot]", "APPROVE")
	say("rita", "APPROVE")
	got, err := c.Proposal(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"ada": "approved write false [@acme/owners @acme/sre]", "bob": "dismissed write false []",
		"dependabot[bot]": "approved read true []", "rita": "approved read false []",
	}
	for _, r := range got.Reviews {
		if said := fmt.Sprint(r.State, " ", r.By.Permission, " ", r.By.Bot, " ", r.By.Teams); want[r.By.Name] != said || r.Head != gitops.Commit(head) {
			t.Errorf("%s: %s on %s, want %s", r.By.Name, said, r.Head.Short(), want[r.By.Name])
		}
		delete(want, r.By.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing reviews: %v", want)
	}
}

// TestPeopleAreRemembered: teams and permissions are asked once, and again for
// a proposal that is about to be acted on.
func TestPeopleAreRemembered(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 3)
	c := asApp(t, s, http.DefaultTransport)
	for _, id := range []string{"1", "2", "3"} {
		if _, err := (person{t, s, "ada"}).call(http.MethodPost, "pulls/"+id+"/reviews", object{"event": "APPROVE"}); err != nil {
			t.Fatal(err)
		}
	}
	_, next, by, _ := look(t, s, c, "")
	if by["GRAPHQL teams"] != 1 || by["GET /repos/{owner}/{repo}/collaborators/{username}/permission"] != 1 {
		t.Errorf("the first look asks %v", by)
	}
	if _, _, by, _ = look(t, s, c, next); by["GRAPHQL teams"] != 0 {
		t.Errorf("the second look asks %v", by)
	}
	s.SetUser("ada", githubtest.User{Role: "read"})
	if p, err := c.Proposal(t.Context(), "1"); err != nil || p.Reviews[0].By.Permission != gitops.PermissionRead || len(p.Reviews[0].By.Teams) != 0 {
		t.Errorf("a fresh read shows %+v, %v", p.Reviews, err)
	}
	// Teams that may not be read approve nothing, and hold nothing up.
	s.Set(func(o *githubtest.Settings) { delete(o.AppPermissions, "members") })
	s.SetUser("ada", githubtest.User{Role: "write", Teams: []string{"owners"}})
	if p, err := c.Proposal(t.Context(), "1"); err != nil || len(p.Reviews[0].By.Teams) != 0 || p.Reviews[0].By.Permission != gitops.PermissionWrite || p.Unread != "" {
		t.Errorf("without the right to read teams: %+v, unread %q, %v", p.Reviews, p.Unread, err)
	}
}

func TestRequiredChecksOfOthers(t *testing.T) {
	t.Parallel()
	for name, classic := range map[string]bool{"ruleset": false, "branch protection": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := githubtest.New(t)
			s.Set(func(o *githubtest.Settings) {
				o.Classic = classic
				o.Checks = append(o.Checks, githubtest.RequiredCheck{Context: "ci/plan"})
			})
			fill(t, s, 1)
			c := asApp(t, s, http.DefaultTransport)
			p, err := c.Proposal(t.Context(), "1")
			if got, ok := p.Check("ci/plan"); err != nil || !ok || !got.Required || got.State != gitops.CheckPending {
				t.Errorf("before it was set: %+v, %v", p.Checks, err)
			}
			if _, err := (person{t, s, "ada"}).call(http.MethodPost, "statuses/"+string(p.Head), object{"context": "ci/plan", "state": "error", "description": "broken"}); err != nil {
				t.Fatal(err)
			}
			p, err = c.Proposal(t.Context(), "1")
			if got, ok := p.Check("ci/plan"); err != nil || !ok || !got.Required || got.State != gitops.CheckFailure || got.By != "ada" || len(p.Checks) != 1 {
				t.Errorf("after it failed: %+v, %v", p.Checks, err)
			}
		})
	}
}

// TestHugePageIsHalved: GitHub gives up on a query after ten seconds.
func TestHugePageIsHalved(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 30)
	s.Break(githubtest.Fault{Kind: githubtest.Before, Match: "GRAPHQL query look", Times: 3})
	list, _, by, _ := look(t, s, asApp(t, s, http.DefaultTransport), "")
	if len(list) != 30 || by["GRAPHQL open"] != 1 {
		t.Errorf("%d proposals, %v", len(list), by)
	}
}

// TestPartIsHidden: a permission that was never given makes a proposal
// unreadable, which holds it, and not the whole list.
func TestPartIsHidden(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 2)
	s.Break(githubtest.Fault{Kind: githubtest.Denied, Match: "/rules/branches/"})
	list, _, err := asApp(t, s, http.DefaultTransport).Proposals(t.Context(), "")
	if err != nil || len(list) != 2 || !strings.Contains(list[0].Unread, "required checks") {
		t.Errorf("Proposals = %+v, %v", list, err)
	}
}

func TestStrangerFromAFork(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 1)
	s.Fork(1)
	c := asApp(t, s, http.DefaultTransport)
	list, _, err := c.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].Lane.Artifact != "" || !strings.HasPrefix(list[0].Branch, "fork:") {
		t.Errorf("Proposals = %+v, %v", list, err)
	}
	s.Push("waveguide/dev/app-000", "bot", map[string]string{"x": "1"})
	if p, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app-000", Title: "t"}, nil); err != nil || p.ID == "1" {
		t.Errorf("Open finds the fork's: %+v, %v", p, err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 1)
	c := asApp(t, s, http.DefaultTransport)
	if b := c.Budget(); b.Limit != 0 {
		t.Errorf("budget before the first answer: %+v", b)
	}
	if _, err := c.Proposal(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if b := c.Budget(); b.Limit != 5000 || b.Remaining >= 5000 || b.Remaining < 4900 || b.Reset.Before(time.Now()) {
		t.Errorf("budget = %+v", b)
	}
	for kind, wait := range map[githubtest.FaultKind]time.Duration{githubtest.Limited: 20 * time.Minute, githubtest.Secondary: 90 * time.Second} {
		c := asApp(t, s, http.DefaultTransport)
		s.Break(githubtest.Fault{Kind: kind, Match: "/pulls", Times: 1, Wait: wait})
		start := time.Now()
		_, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app-000", Title: "t"}, nil)
		limit, ok := errors.AsType[*gitops.LimitError](err)
		if !ok || limit.Until.Before(start.Add(wait-2*time.Second)) || limit.Until.After(start.Add(wait+10*time.Second)) {
			t.Fatalf("%s: %v", kind, err)
		}
		s.Calls()
		if _, ok := errors.AsType[*gitops.LimitError](c.AddLabel(t.Context(), "1", "x")); !ok {
			t.Errorf("%s: the next request is sent", kind)
		}
		// The hourly budget of requests is not that of queries.
		_, err = c.Groups(t.Context())
		if _, waits := errors.AsType[*gitops.LimitError](err); waits != (kind == githubtest.Secondary) {
			t.Errorf("%s: a query says %v", kind, err)
		}
	}
}

func TestSlicesOfALookAreOnesOwn(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 2)
	s.Age(time.Minute)
	c := asApp(t, s, http.DefaultTransport)
	list, next, err := c.Proposals(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	list[0].Title = "changed by the caller"
	again, _, err := c.Proposals(t.Context(), next)
	if err != nil || slices.ContainsFunc(again, func(p gitops.Proposal) bool { return p.Title == "changed by the caller" }) {
		t.Errorf("Proposals = %+v, %v", again, err)
	}
}

// TestLimitInTheMiddle: half a list is no list.
func TestLimitInTheMiddle(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 130)
	s.Break(githubtest.Fault{Kind: githubtest.Limited, Match: "GRAPHQL query open", Times: 1, Wait: time.Minute})
	list, next, err := asApp(t, s, http.DefaultTransport).Proposals(t.Context(), "")
	if _, limited := errors.AsType[*gitops.LimitError](err); !limited || list != nil || next != "" {
		t.Errorf("%d proposals, %v", len(list), err)
	}
}

// TestChecksOfTheHead: checks of an older commit are no checks of the head.
func TestChecksOfTheHead(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	c := asApp(t, s, http.DefaultTransport)
	old := s.Push("waveguide/dev/app", "bot", map[string]string{"app.yaml": "1"})
	p, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err == nil {
		err = c.SetCheck(t.Context(), gitops.Commit(old), gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Push("waveguide/dev/app", "bot", map[string]string{"app.yaml": "2"})
	s.Lag(1, old)
	p, err = c.Proposal(t.Context(), p.ID)
	if _, green := p.Check(gitops.CheckName); err != nil || green || !strings.Contains(p.Unread, "not of the head") {
		t.Errorf("checks %+v, unread %q, %v", p.Checks, p.Unread, err)
	}
}

// TestPauseWithoutLabelIsFound: a process that never saw the label finds it in
// what happened.
func TestPauseWithoutLabelIsFound(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	tim := person{t, s, "tim"}
	if _, err := tim.call(http.MethodPost, "issues", object{"title": "env:prod", "labels": []string{gitops.LabelPause}}); err != nil {
		t.Fatal(err)
	}
	if _, err := tim.call(http.MethodDelete, "issues/1/labels/"+gitops.LabelPause, nil); err != nil {
		t.Fatal(err)
	}
	if list, err := asApp(t, s, http.DefaultTransport).Pauses(t.Context()); err != nil || len(list) != 1 || list[0].By.Name != "tim" {
		t.Errorf("Pauses = %+v, %v", list, err)
	}
}
