package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitea/giteatest"
)

// giteaWorld is a world whose forge is a Gitea below a path.
type giteaWorld struct {
	*world
	server  *giteatest.Server
	address string
	client  *gitea.Client
	holdID  int64
}

func newGiteaWorld(t *testing.T, s setup, more string) *giteaWorld {
	t.Helper()
	w := &giteaWorld{world: newShelf(t, s.registry)}
	w.envs = s.envs
	first := w.release("1.0.0")
	w.health = httptest.NewServer(http.HandlerFunc(w.environment))
	t.Cleanup(w.health.Close)
	files := map[string]string{
		".waveguide/environments.yaml": w.environments(), ".waveguide/shop.yaml": w.promotion(s),
		"CODEOWNERS": "environments/prod/.* @acme/owners\n",
	}
	for _, e := range s.envs {
		files[file(e)] = w.manifest("1.0.0", first)
	}
	dir := filepath.Join(w.dir, "gitea")
	var err error
	w.server, err = giteatest.New(giteatest.Options{Dir: dir, Files: files, Users: []giteatest.User{
		{Login: "bot", Token: botToken, Level: giteatest.Admin},
		{Login: "ada", Token: adaToken, Level: giteatest.Write, Teams: []string{"owners"}},
		{Login: "rex", Token: "rex-token", Level: giteatest.Issues},
	}})
	if err != nil {
		t.Fatal(err)
	}
	// Where the world looks at main, beside the forge.
	if err := errors.Join(os.MkdirAll(filepath.Join(w.dir, "forge"), 0o750), os.Symlink(filepath.Join(dir, "repository.git"), filepath.Join(w.dir, "forge", "env.git"))); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.StripPrefix("/git", w.server))
	t.Cleanup(srv.Close)
	w.address, w.forge = srv.URL+"/git", srv.URL+"/git/acme"
	w.write("bot.token", botToken)
	local := fmt.Sprintf("{kind: local, url: %q, ", w.forge)
	text := w.daemon(s)
	if !strings.Contains(text, local) {
		t.Fatalf("no local forge in\n%s", text)
	}
	w.write("waveguide.yaml", strings.Replace(text, local, fmt.Sprintf("{kind: gitea, url: %q, ", w.address), 1)+more)
	w.client = gitea.New(gitea.Options{
		URL: w.address, Repository: "acme/" + repository, Name: "env", HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return botToken, nil },
	})
	var hold struct{ ID int64 }
	w.do("rex-token", http.MethodPost, "/labels", map[string]any{"name": gitops.LabelHold, "color": "#ff0000"}, &hold)
	w.holdID = hold.ID
	return w
}

// do sends a request as a person.
func (w *giteaWorld) do(token, method, path string, body, into any) {
	w.t.Helper()
	in, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.address+"/api/v1/repos/acme/"+repository+path, bytes.NewReader(in))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *giteaWorld) pulls() []gitops.Proposal {
	w.t.Helper()
	list, _, err := w.client.Proposals(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// says waits until the check on the open proposal of an environment begins
// with a word.
func (w *giteaWorld) says(env, word string) (found gitops.Proposal) {
	w.t.Helper()
	eventually(w.t, "a check of "+env+" that says "+word, func() (string, bool) {
		now := "no proposal"
		for _, p := range w.pulls() {
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

// TestGiteaDevToProd carries a signed image from dev to prod on a Gitea:
// somebody without the right to release stops it on the way, an owner
// releases and approves.
func TestGiteaDevToProd(t *testing.T) {
	t.Parallel()
	w := newGiteaWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "staging", "prod"}, approvals: true, soak: time.Second}, "")
	next := w.release("1.1.0")
	d := w.run()
	w.reaches("dev", next)
	w.reaches("staging", next)
	p := w.says("prod", "approval")
	labels := "/issues/" + p.ID + "/labels"
	w.do("rex-token", http.MethodPost, labels, map[string][]int64{"labels": {w.holdID}}, nil)
	w.says("prod", "hold")
	w.do(adaToken, http.MethodPost, "/pulls/"+p.ID+"/reviews", map[string]string{"event": "APPROVED", "body": "fine", "commit_id": string(p.Head)}, nil)
	if got, err := w.named("prod"); err != nil || got == next {
		t.Fatalf("prod names %s, %v while it is held", got, err)
	}
	w.do(adaToken, http.MethodDelete, fmt.Sprintf("%s/%d", labels, w.holdID), nil, nil)
	w.reaches("prod", next)
	w.settled(d)
	d.stop(t)
	lanes := map[string]int{}
	for _, p := range w.pulls() {
		lanes[p.Lane.Environment+" "+string(p.State)]++
	}
	if diff := cmp.Diff(map[string]int{"dev merged": 1, "staging merged": 1, "prod merged": 1}, lanes); diff != "" {
		t.Errorf("pull requests (-want +got):\n%s", diff)
	}
	w.history(next, "1.1.0")
	w.ledger()
}

// TestGiteaDoctor reads what a Gitea demands and what can be passed by.
func TestGiteaDoctor(t *testing.T) {
	t.Parallel()
	w := newGiteaWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}}, "")
	out, err := exec.CommandContext(t.Context(), "waveguide", "doctor", "-c", filepath.Join(w.dir, "waveguide.yaml")).Output()
	if err != nil {
		t.Fatalf("doctor: %v\n%s", err, out)
	}
	for _, want := range []string{
		"works    env: branch rules, read as bot\n", "works    env: pause issues can be read\n", "works    env: git and rules\n",
		"risk     env: required check waveguide: this forge takes it from everybody who may write statuses",
		"risk     env: rights of the bot: it has admin rights",
		"risk     env: branch main: administrators may merge although the check is red",
		"risk     env: code owners: CODEOWNERS gives CODEOWNERS to nobody",
		"risk     env: code owners: CODEOWNERS gives .waveguide/environments.yaml to nobody",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "environments/prod") || strings.Contains(string(out), "missing") {
		t.Errorf("doctor says too much:\n%s", out)
	}
}

// TestGiteaPause stops and resumes from the command line, and lists what is in
// force.
func TestGiteaPause(t *testing.T) {
	t.Parallel()
	w := newGiteaWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}}, "")
	waveguide := func(args ...string) string {
		t.Helper()
		args = append(args, "-c", filepath.Join(w.dir, "waveguide.yaml"))
		out, err := exec.CommandContext(t.Context(), "waveguide", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("waveguide %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := waveguide("pause", "--env", "prod", "--reason", "an incident"); !strings.Contains(out, "env: paused by issue 1;") {
		t.Errorf("pause: %s", out)
	}
	if out := waveguide("resume"); !strings.Contains(out, `env: 1 "pause env:prod" by bot since `) {
		t.Errorf("resume without a number: %s", out)
	}
	waveguide("resume", "1")
	if out := waveguide("resume"); out != "" {
		t.Errorf("after the resume: %s", out)
	}
}

// TestGiteaWebhook wakes the loop long before it would look by itself.
func TestGiteaWebhook(t *testing.T) {
	t.Parallel()
	w := newGiteaWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, approvals: true}, "hooks: {listen: \"127.0.0.1:0\"}\nwebhooks:\n  gitea: {secretEnv: GITEA_HOOK}\n")
	text, err := os.ReadFile(filepath.Join(w.dir, "waveguide.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("waveguide.yaml", strings.Replace(string(text), "pollEvery: 200ms\n    governance", "pollEvery: 10m\n    governance", 1))
	w.release("1.1.0")
	d := w.run("GITEA_HOOK=hooksecret")
	hooks := "http://" + d.says(t, `for=hooks address=(\S+)`) + "/hooks/gitea"
	send := func(signature string, body []byte) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hooks, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Gitea-Event", "pull_request")
		req.Header.Set("X-Gitea-Signature", signature)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	n := 0
	wake := func() int {
		n++
		body := fmt.Appendf(nil, `{"action":"label_updated","number":%d,"repository":{"full_name":"acme/env"}}`, n)
		mac := hmac.New(sha256.New, []byte("hooksecret"))
		mac.Write(body)
		return send(hex.EncodeToString(mac.Sum(nil)), body)
	}
	if got := send(strings.Repeat("0", 64), []byte("{}")); got != http.StatusUnauthorized {
		t.Errorf("a forged webhook: %d", got)
	}
	var p gitops.Proposal
	eventually(t, "a proposal to dev or prod", func() (string, bool) {
		if got := wake(); got != http.StatusAccepted {
			t.Fatalf("a webhook: %d", got)
		}
		for _, one := range w.pulls() {
			if one.Lane.Environment == "prod" && one.State == gitops.Open {
				p = one
				return "", true
			}
		}
		return "none", false
	})
	w.do("rex-token", http.MethodPost, "/issues/"+p.ID+"/labels", map[string][]int64{"labels": {w.holdID}}, nil)
	wake()
	w.says("prod", "hold")
	d.stop(t)
}
