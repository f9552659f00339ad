package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
)

// maxRuns bounds how many check runs are remembered.
const maxRuns = 2000

// run is a check run of ours, with what it says.
type run struct {
	id   int64
	said gitops.Check
}

// SetCheck sets the check of that name on a commit: as a check run with an
// app's credentials, as a commit status otherwise. What it says already is not
// said again.
func (c *Client) SetCheck(ctx context.Context, head gitops.Commit, check gitops.Check) error {
	check.Text = gitops.CutLine(check.Text, c.Limits().Check)
	set := c.setStatus
	if c.api.AppID != 0 {
		set = c.setRun
	}
	if err := set(ctx, head, check); err != nil {
		return fmt.Errorf("set check %s on %s: %w", check.Name, head.Short(), api.Problem(err))
	}
	return nil
}

func (c *Client) setStatus(ctx context.Context, head gitops.Commit, check gitops.Check) error {
	s := gogithub.RepoStatus{State: new(string(check.State)), Context: &check.Name, Description: &check.Text}
	if check.Target != "" {
		s.TargetURL = &check.Target
	}
	_, _, err := c.api.REST.Repositories.CreateStatus(ctx, c.api.Owner, c.api.Name, string(head), s)
	return err
}

func (c *Client) setRun(ctx context.Context, head gitops.Commit, check gitops.Check) error {
	key := string(head) + " " + check.Name
	c.mu.Lock()
	old, known := c.runs[key]
	c.mu.Unlock()
	if !known {
		var err error
		if old, err = c.findRun(ctx, head, check.Name); err != nil {
			return err
		}
	}
	check = gitops.Check{Name: check.Name, State: check.State, Text: check.Text, Target: check.Target}
	if old.id != 0 && old.said == check {
		c.remember(key, old)
		return nil
	}
	id, err := c.writeRun(ctx, head, old, check)
	if api.Status(err) == http.StatusNotFound && old.id != 0 { // somebody removed it
		id, err = c.writeRun(ctx, head, run{}, check)
	}
	if err != nil {
		c.mu.Lock()
		delete(c.runs, key) // it may say either now
		c.mu.Unlock()
		return err
	}
	c.remember(key, run{id, check})
	return nil
}

func (c *Client) remember(key string, r run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.runs) >= maxRuns {
		clear(c.runs)
	}
	c.runs[key] = r
}

// findRun is our newest run of that name on a commit; its id is 0 if there is
// none.
func (c *Client) findRun(ctx context.Context, head gitops.Commit, name string) (run, error) {
	list, _, err := c.api.REST.Checks.ListCheckRunsForRef(ctx, c.api.Owner, c.api.Name, string(head), &gogithub.ListCheckRunsOptions{
		CheckName: &name, Filter: new("latest"), ListOptions: gogithub.ListOptions{PerPage: perPage},
	})
	if err != nil {
		return run{}, err
	}
	if list == nil || list.Total == nil {
		return run{}, errors.New("GitHub's answer holds no list of checks")
	}
	var newest run
	for _, r := range list.CheckRuns {
		if r.GetApp().GetID() != c.api.AppID || r.GetID() <= newest.id {
			continue
		}
		state := map[string]gitops.CheckState{"success": gitops.CheckSuccess, "failure": gitops.CheckFailure, "": gitops.CheckPending}[r.GetConclusion()]
		newest = run{r.GetID(), gitops.Check{Name: name, State: state, Text: r.GetOutput().GetTitle(), Target: r.GetDetailsURL()}}
	}
	return newest, nil
}

// writeRun changes a run, or makes one. A run that ended is not begun again:
// a newer one of the same name takes its place.
func (c *Client) writeRun(ctx context.Context, head gitops.Commit, old run, check gitops.Check) (int64, error) {
	title := cmp.Or(check.Text, string(check.State)) // GitHub wants one
	out := &gogithub.CheckRunOutput{Title: &title, Summary: new(html(title))}
	state, conclusion, target := new("in_progress"), (*string)(nil), (*string)(nil)
	if check.State != gitops.CheckPending {
		state, conclusion = new("completed"), new(string(check.State))
	}
	if check.Target != "" {
		target = &check.Target
	}
	if old.id == 0 || old.said.State != gitops.CheckPending && check.State == gitops.CheckPending {
		made, _, err := c.api.REST.Checks.CreateCheckRun(ctx, c.api.Owner, c.api.Name, gogithub.CreateCheckRunOptions{
			Name: check.Name, HeadSHA: string(head), DetailsURL: target, Status: state, Conclusion: conclusion, Output: out,
		})
		return made.GetID(), err
	}
	_, _, err := c.api.REST.Checks.UpdateCheckRun(ctx, c.api.Owner, c.api.Name, old.id, gogithub.UpdateCheckRunOptions{
		Name: check.Name, DetailsURL: target, Status: state, Conclusion: conclusion, Output: out,
	})
	return old.id, err
}

// html keeps a summary, which is Markdown, plain.
func html(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "@", "&#64;", "[", "&#91;", "]", "&#93;", "*", "&#42;", "_", "&#95;", "!", "&#33;").Replace(text)
}

// AddLabel puts a label on a proposal or an issue.
func (c *Client) AddLabel(ctx context.Context, id, label string) error {
	n, err := number(id)
	if err == nil {
		err = c.addLabels(ctx, n, []string{label})
	}
	if err != nil {
		return fmt.Errorf("label %.40s: %w", id, err)
	}
	return nil
}

// addLabels puts labels on, and looks that they are there.
func (c *Client) addLabels(ctx context.Context, n int, labels []string) error {
	want := make([]string, 0, len(labels))
	for _, l := range labels {
		want = append(want, gitops.CutLine(l, maxLabel))
	}
	if err := c.ensureLabels(ctx, want); err != nil {
		return err
	}
	have, _, err := c.api.REST.Issues.AddLabelsToIssue(ctx, c.api.Owner, c.api.Name, n, want)
	if err != nil {
		return api.Problem(err)
	}
	for _, l := range want {
		if !slices.ContainsFunc(have, func(h *gogithub.Label) bool { return strings.EqualFold(h.GetName(), l) }) {
			return fmt.Errorf("GitHub did not keep label %q", l)
		}
	}
	return nil
}

// ensureLabels creates the labels that the repository lacks.
func (c *Client) ensureLabels(ctx context.Context, labels []string) error {
	for _, l := range labels {
		l = gitops.CutLine(l, maxLabel)
		c.mu.Lock()
		known := c.labels[l]
		c.mu.Unlock()
		if known {
			continue
		}
		_, _, err := c.api.REST.Issues.GetLabel(ctx, c.api.Owner, c.api.Name, path(l))
		if api.Status(err) == http.StatusNotFound {
			_, _, err = c.api.REST.Issues.CreateLabel(ctx, c.api.Owner, c.api.Name, &gogithub.Label{Name: &l, Color: new(colour(l))})
		}
		if err != nil && api.Status(err) != http.StatusUnprocessableEntity { // somebody was faster
			return fmt.Errorf("create label %q: %w", l, api.Problem(err))
		}
		c.mu.Lock()
		if len(c.labels) >= maxRuns {
			clear(c.labels)
		}
		c.labels[l] = true
		c.mu.Unlock()
	}
	return nil
}

// colour makes what stops stand out.
func colour(label string) string {
	switch label {
	case gitops.LabelHold, gitops.LabelHoldProw, gitops.LabelPause:
		return "d93f0b"
	}
	return "c5def5"
}

// path escapes a label for a URL; slashes may stay.
func path(label string) string { return strings.ReplaceAll(url.PathEscape(label), "%2F", "/") }

// RemoveLabel takes a label off a proposal or an issue; one that is not there
// is off already.
func (c *Client) RemoveLabel(ctx context.Context, id, label string) error {
	n, err := number(id)
	if err != nil {
		return fmt.Errorf("take label %s off %.40s: %w", label, id, err)
	}
	_, err = c.api.REST.Issues.RemoveLabelForIssue(ctx, c.api.Owner, c.api.Name, n, path(gitops.CutLine(label, maxLabel)))
	if err != nil && api.Status(err) != http.StatusNotFound {
		return fmt.Errorf("take label %s off %s: %w", label, id, api.Problem(err))
	}
	return nil
}

// Request asks people and teams to review and makes people responsible.
// Whoever was asked, has reviewed, wrote it or is unknown is passed over.
func (c *Client) Request(ctx context.Context, id string, q gitops.Request) error {
	n, err := number(id)
	if err == nil {
		err = c.request(ctx, n, q)
	}
	if err != nil {
		return fmt.Errorf("ask for reviews of %.40s: %w", id, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, n int, q gitops.Request) error {
	p, err := c.pull(ctx, c.reader(0), n)
	if err != nil {
		return err
	}
	done := []string{p.Author.Name()}
	for _, r := range p.ReviewRequests.Nodes {
		if a := r.RequestedReviewer; a != nil {
			done = append(done, a.Name())
		}
	}
	for _, r := range p.Reviews.Nodes {
		done = append(done, r.Author.Name())
	}
	asked := func(name string) bool {
		return slices.ContainsFunc(done, func(d string) bool { return strings.EqualFold(d, name) })
	}
	people := slices.DeleteFunc(slices.Clone(q.Reviewers), asked)
	var teams []string
	for _, t := range slices.DeleteFunc(slices.Clone(q.Teams), asked) {
		if org, slug, ok := strings.Cut(strings.TrimPrefix(t, "@"), "/"); ok && strings.EqualFold(org, c.api.Owner) {
			teams = append(teams, slug)
		}
	}
	if err := c.invite(ctx, n, gogithub.ReviewersRequest{Reviewers: people, TeamReviewers: teams}); err != nil {
		return err
	}
	if len(q.Assignees) > 0 {
		_, _, err = c.api.REST.Issues.AddAssignees(ctx, c.api.Owner, c.api.Name, n, q.Assignees)
	}
	return problemOrNil(err)
}

func problemOrNil(err error) error {
	if err == nil {
		return nil
	}
	return api.Problem(err)
}

// invite asks all at once, and one by one if GitHub refuses one of them.
func (c *Client) invite(ctx context.Context, n int, all gogithub.ReviewersRequest) error {
	if len(all.Reviewers)+len(all.TeamReviewers) == 0 {
		return nil
	}
	_, _, err := c.api.REST.PullRequests.RequestReviewers(ctx, c.api.Owner, c.api.Name, n, all)
	if api.Status(err) != http.StatusUnprocessableEntity || len(all.Reviewers)+len(all.TeamReviewers) == 1 {
		if api.Status(err) == http.StatusUnprocessableEntity {
			return nil // nobody that GitHub would ask
		}
		return problemOrNil(err)
	}
	for _, one := range all.Reviewers {
		if err := c.invite(ctx, n, gogithub.ReviewersRequest{Reviewers: []string{one}}); err != nil {
			return err
		}
	}
	for _, one := range all.TeamReviewers {
		if err := c.invite(ctx, n, gogithub.ReviewersRequest{TeamReviewers: []string{one}}); err != nil {
			return err
		}
	}
	return nil
}
