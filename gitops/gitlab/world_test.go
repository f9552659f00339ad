package gitlab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/gitlabtest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

const (
	botToken  = "glpat-bot-0000000000000"
	adaToken  = "glpat-ada-0000000000000"
	rexToken  = "glpat-rex-0000000000000"
	rootToken = "glpat-root-000000000000"
	project   = "acme/platform/env"
)

// world is a GitLab under a path, with one project and four people.
type world struct {
	t       *testing.T
	server  *gitlabtest.Server
	project *gitlabtest.Project
	http    *httptest.Server
	faults  *gitopstest.Faults
}

func newWorld(t *testing.T, change func(o *gitlabtest.Options)) *world {
	t.Helper()
	gitopstest.Need(t, "git", "git")
	o := gitlabtest.Options{
		Dir: t.TempDir(), Path: "/git",
		Users: []gitlabtest.User{
			{ID: 11, Name: "bot", Token: botToken, Level: 30, Bot: true},
			{ID: 12, Name: "ada", Token: adaToken, Level: 30, Groups: []string{"acme/sre"}},
			{ID: 13, Name: "rex", Token: rexToken, Level: 20},
			{ID: 14, Name: "root", Token: rootToken, Level: 40},
		},
		Report: func(v string) { t.Errorf("GitLab's description does not allow it: %s", v) },
	}
	if change != nil {
		change(&o)
	}
	s, err := gitlabtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: s, faults: gitopstest.NewFaults(http.DefaultTransport)}
	if w.project, err = s.Create(project, map[string]string{"app.yaml": "0"}); err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(s)
	t.Cleanup(w.http.Close)
	return w
}

func (w *world) options() gitlab.Options {
	return gitlab.Options{
		BaseURL: w.http.URL + "/git", Project: project, Name: "env", HTTP: &http.Client{Transport: w.faults, Timeout: 30 * time.Second},
		Token: func(context.Context) (string, error) { return botToken, nil },
	}
}

func (w *world) client(change ...func(*gitlab.Options)) *gitlab.Client {
	w.t.Helper()
	o := w.options()
	for _, f := range change {
		f(&o)
	}
	c, err := gitlab.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Heed([]string{"@acme/sre", "@acme/nobody"})
	return c
}

func (w *world) push(t *testing.T, branch, file, text string) gitops.Commit {
	t.Helper()
	id, err := w.server.Push(w.project, "bot", branch, map[string]string{file: text})
	if err != nil {
		t.Fatal(err)
	}
	return gitops.Commit(id)
}

// ask sends a request as a person.
func (w *world) ask(token, method, path string, fields map[string]any) (map[string]any, error) {
	w.t.Helper()
	if fields == nil {
		fields = map[string]any{}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+"/git/api/v4/projects/"+url.PathEscape(project)+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Client().Do(req)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	var out map[string]any
	switch {
	case resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%w: %s", gitops.ErrDenied, data)
	case err != nil || resp.StatusCode >= 300:
		return nil, fmt.Errorf("%s %s: %d %s %w", method, path, resp.StatusCode, data, err)
	}
	return out, json.Unmarshal(data, &out)
}

// act does what the contract asks of people.
func (w *world) act(t *testing.T, who gitops.Permission, d gitopstest.Deed) (string, error) {
	t.Helper()
	token, name := adaToken, "ada"
	if who == gitops.PermissionTriage {
		token, name = rexToken, "rex"
	}
	iid := strings.TrimLeft(d.ID, "!#")
	merge, issue := "/merge_requests/"+iid, "/issues/"+iid
	do := func(method, path string, fields map[string]any) (string, error) {
		_, err := w.ask(token, method, path, fields)
		return d.ID, err
	}
	switch d.Kind {
	case gitopstest.DoLabel:
		return do(http.MethodPut, merge, map[string]any{"add_labels": d.Text})
	case gitopstest.DoUnlabel:
		return do(http.MethodPut, merge, map[string]any{"remove_labels": d.Text})
	case gitopstest.DoComment:
		return do(http.MethodPost, merge+"/notes", map[string]any{"body": d.Text})
	case gitopstest.DoReview:
		if d.Review == gitops.Approved {
			return do(http.MethodPost, merge+"/approve", nil)
		}
		n, err := strconv.Atoi(iid)
		w.server.RequestChanges(w.project, n, name)
		return d.ID, err
	case gitopstest.DoDismiss:
		return do(http.MethodPost, merge+"/unapprove", nil)
	case gitopstest.DoClose:
		return do(http.MethodPut, merge, map[string]any{"state_event": "close"})
	case gitopstest.DoPropose:
		m, err := w.ask(token, http.MethodPost, "/merge_requests", map[string]any{"source_branch": d.Text, "target_branch": "main", "title": d.Text})
		return fmt.Sprintf("!%v", m["iid"]), err
	case gitopstest.DoOpenIssue:
		i, err := w.ask(token, http.MethodPost, "/issues", map[string]any{"title": d.Text, "labels": gitops.LabelPause})
		return fmt.Sprintf("#%v", i["iid"]), err
	case gitopstest.DoCloseIssue:
		return do(http.MethodPut, issue, map[string]any{"state_event": "close"})
	case gitopstest.DoRetitleIssue:
		return do(http.MethodPut, issue, map[string]any{"title": d.Text})
	case gitopstest.DoUnlabelIssue:
		return do(http.MethodPut, issue, map[string]any{"remove_labels": d.Text})
	case gitopstest.DoCommentIssue:
		return do(http.MethodPost, issue+"/notes", map[string]any{"body": d.Text})
	}
	return "", fmt.Errorf("nobody can %s", d.Kind)
}

// TestContract asks for an external status check beside the pipeline, as the
// dearest edition does.
func TestContract(t *testing.T) {
	t.Parallel()
	gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
		t.Helper()
		w := newWorld(t, nil)
		w.server.Set(func() { w.project.External, w.project.ExternalMust = true, true })
		return gitopstest.Forge{
			Bot: w.client(), Fresh: func() gitopstest.Client { return w.client() }, Faults: w.faults, Push: w.push, Act: w.act,
			DisableIssues: func(*testing.T) { w.server.Set(func() { w.project.Issues = false }) },
			Withdraw:      func(*testing.T) { w.server.Change(func(users []gitlabtest.User) { users[0].Level = 20 }) },
			Queue:         func(*testing.T) { w.server.Set(func() { w.project.Trains = true }) },
		}
	})
}
