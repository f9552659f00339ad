package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/gitlabtest"
)

const gitlabProject = "acme/" + repository

// gitlabWorld is a world whose forge is a GitLab under a path.
type gitlabWorld struct {
	*world
	server  *gitlabtest.Server
	address string
	client  *gitlab.Client
}

func newGitLabWorld(t *testing.T, s setup) *gitlabWorld {
	t.Helper()
	w := &gitlabWorld{world: newShelf(t, s.registry)}
	w.envs = s.envs
	first := w.release("1.0.0")
	w.health = httptest.NewServer(http.HandlerFunc(w.environment))
	t.Cleanup(w.health.Close)
	files := map[string]string{".waveguide/environments.yaml": w.environments(), ".waveguide/shop.yaml": w.promotion(s)}
	for _, e := range s.envs {
		files[file(e)] = w.manifest("1.0.0", first)
	}
	var err error
	w.server, err = gitlabtest.New(gitlabtest.Options{
		Dir: filepath.Join(w.dir, "gitlab"), Path: "/git",
		Users: []gitlabtest.User{
			{ID: 1, Name: "bot", Token: botToken, Level: 30, Bot: true},
			{ID: 2, Name: "ada", Token: adaToken, Level: 30, Groups: []string{"acme/owners"}},
			{ID: 3, Name: "rex", Token: "rex-token", Level: 20},
		},
		Report: func(v string) { t.Errorf("GitLab's description does not allow it: %s", v) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "gitlab"), 0o750); err != nil {
		t.Fatal(err)
	}
	project, err := w.server.Create(gitlabProject, files)
	if err != nil {
		t.Fatal(err)
	}
	// Where the world looks at main, beside the forge.
	if err := errors.Join(os.MkdirAll(filepath.Join(w.dir, "forge"), 0o750), os.Symlink(project.Dir(), filepath.Join(w.dir, "forge", "env.git"))); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.server)
	t.Cleanup(srv.Close)
	w.address, w.forge = srv.URL+"/git", srv.URL+"/git/acme"
	w.write("bot.token", botToken)
	local := fmt.Sprintf("{kind: local, url: %q, ", w.forge)
	text := w.daemon(s)
	if !strings.Contains(text, local) {
		t.Fatalf("no local forge in\n%s", text)
	}
	w.write("waveguide.yaml", strings.Replace(text, local, fmt.Sprintf("{kind: gitlab, url: %q, ", w.address), 1))
	w.client, err = gitlab.New(gitlab.Options{
		BaseURL: w.address, Project: gitlabProject, Name: "env", HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return botToken, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// do sends a request as a person.
func (w *gitlabWorld) do(token, method, path string, fields map[string]string) {
	w.t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.address+"/api/v4/projects/"+url.PathEscape(gitlabProject)+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
}

func (w *gitlabWorld) merges() []gitops.Proposal {
	w.t.Helper()
	list, _, err := w.client.Proposals(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// says waits until the check on the open proposal of an environment begins
// with a word.
func (w *gitlabWorld) says(env, word string) (found gitops.Proposal) {
	w.t.Helper()
	eventually(w.t, "a check of "+env+" that says "+word, func() (string, bool) {
		now := "no proposal"
		for _, p := range w.merges() {
			if p.Lane.Environment != env || p.State != gitops.Open {
				continue
			}
			c, ok := p.Check(gitops.CheckName)
			now, found = fmt.Sprintf("%+v", c), p
			if ok && strings.HasPrefix(c.Text, word+": ") {
				return "", true
			}
		}
		return now, false
	})
	return found
}

// TestGitLabDevToProd carries a signed image from dev to prod on a GitLab: a
// reporter stops it on the way and may not take that back, a developer of the
// owners' group approves and releases.
func TestGitLabDevToProd(t *testing.T) {
	t.Parallel()
	w := newGitLabWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "staging", "prod"}, approvals: true, soak: time.Second})
	next := w.release("1.1.0")
	d := w.run()
	w.reaches("dev", next)
	w.reaches("staging", next)
	p := w.says("prod", "approval")
	path := "/merge_requests/" + strings.TrimPrefix(p.ID, "!")
	w.do("rex-token", http.MethodPut, path, map[string]string{"add_labels": gitops.LabelHold})
	w.says("prod", "hold")
	w.do("rex-token", http.MethodPut, path, map[string]string{"remove_labels": gitops.LabelHold}) // may stop, not release
	eventually(t, "the label is put back, and rex is told why", func() (string, bool) {
		p, err := w.client.Proposal(t.Context(), p.ID)
		if err != nil {
			return err.Error(), false
		}
		_, held := p.Label(gitops.LabelHold)
		told := slices.ContainsFunc(p.Events, func(e gitops.Event) bool {
			return e.Kind == gitops.Commented && e.By.Name == "bot" && strings.Contains(e.Text, "may not end this stop")
		})
		return fmt.Sprintf("labels %v", p.Labels), held && told
	})
	w.says("prod", "hold")
	w.do(adaToken, http.MethodPost, path+"/approve", map[string]string{"sha": string(p.Head)})
	if got, err := w.named("prod"); err != nil || got == next {
		t.Fatalf("prod names %s, %v while it is held", got, err)
	}
	w.do(adaToken, http.MethodPut, path, map[string]string{"remove_labels": gitops.LabelHold})
	w.reaches("prod", next)
	w.settled(d)
	d.stop(t)
	lanes := map[string]int{}
	for _, p := range w.merges() {
		lanes[p.Lane.Environment+" "+string(p.State)]++
	}
	if diff := cmp.Diff(map[string]int{"dev merged": 1, "staging merged": 1, "prod merged": 1}, lanes); diff != "" {
		t.Errorf("merge requests (-want +got):\n%s", diff)
	}
	w.history(next, "1.1.0")
	w.ledger()
}

// TestGitLabDoctor reads what a GitLab demands of whom, and what can be passed by.
func TestGitLabDoctor(t *testing.T) {
	t.Parallel()
	w := newGitLabWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}})
	c := start(t, nil, "waveguide", "doctor", "-c", filepath.Join(w.dir, "waveguide.yaml"))
	<-c.done
	text := c.out.String()
	for _, want := range []string{
		"works    env: rights of the bot: write",
		"risk     env: required check waveguide: this forge takes it from everybody who may write statuses",
		"Maintainers may push to it without a merge request",
		"risk     env: code owners: their approval is not asked for",
		"works    env: pause issues",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("doctor does not say %q:\n%s", want, text)
		}
	}
}
