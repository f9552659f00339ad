package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// hub is a world whose forge is a GitHub.
type hub struct {
	*world
	server *githubtest.Server
}

// newHub makes a world in which version 1.0.0 runs everywhere.
func newHub(t *testing.T, s setup) *hub {
	t.Helper()
	h := &hub{world: newShelf(t, s.registry), server: githubtest.New(t)}
	h.envs = s.envs
	first := h.release("1.0.0")
	h.health = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(rw, `{"digest": %q}`, h.names(strings.Split(r.URL.Path, "/")[1]))
	}))
	t.Cleanup(h.health.Close)
	files := map[string]string{".waveguide/environments.yaml": h.environments(), ".waveguide/shop.yaml": h.promotion(s)}
	for _, e := range s.envs {
		files[file(e)] = h.manifest("1.0.0", first)
	}
	h.server.Push("main", "root", files)
	h.write("app.pem", string(h.server.Key()))
	h.write("hook.secret", "s3cret")
	h.write("waveguide.yaml", fmt.Sprintf(`apiVersion: waveguide.dev/v1alpha1
kind: Daemon
listen: 127.0.0.1:0
hooks: {listen: "127.0.0.1:0"}
stateDir: %[1]s/state
repositories:
  - name: env
    url: %[2]s/acme/env.git
    branch: main
    pollEvery: 200ms
    governance: {files: [.waveguide/environments.yaml]}
    forge: {kind: github, url: "%[2]s", app: {id: %[6]d, installation: %[7]d, privateKeyFile: %[1]s/app.pem}}
    commit: {name: waveguide, email: %[3]s}
registries:
  - {match: "%[4]s/**", pollEvery: 200ms, maxRequestsPerSecond: 1000, plainHTTP: true}
trust:
  keys:
    - {name: release, file: %[1]s/release.pub}
signals:
  - {name: web, kind: probe, url: "%[5]s"}
webhooks:
  github: {secretFile: %[1]s/hook.secret}
`, h.dir, h.server.URL, email, s.registry, h.health.URL, githubtest.AppID, githubtest.Installation))
	return h
}

// names is the digest that main names in an environment.
func (h *hub) names(env string) string {
	found := digestLine.FindStringSubmatch(h.server.Show("main", file(env)))
	if found == nil {
		return ""
	}
	return found[1]
}

func (h *hub) reaches(env, digest string) {
	h.t.Helper()
	eventually(h.t, env+" at "+digest, func() (string, bool) { return h.names(env), h.names(env) == digest })
}

// as reads and labels as a person does.
func (h *hub) as(name string) *github.Client {
	h.t.Helper()
	c, err := github.New(github.Options{
		URL: h.server.URL, Repository: "acme/env", Branch: "main", HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return "token-" + name, nil },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// post does what a person does.
func (h *hub) post(name, path string, in map[string]any) {
	h.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.server.URL+"/repos/acme/env/"+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-"+name)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s by %s: %v, %+v", path, name, err, resp)
	}
	_ = resp.Body.Close()
}

// says waits for the proposal of an environment whose check begins with a word.
func (h *hub) says(env, word string) gitops.Proposal {
	h.t.Helper()
	var found gitops.Proposal
	eventually(h.t, "a proposal for "+env+" whose check says "+word, func() (string, bool) {
		list, _, err := h.as("ada").Proposals(h.t.Context(), "") // a client that remembers nothing
		if err != nil {
			return err.Error(), false
		}
		said := "none"
		for _, p := range list {
			if check, ok := p.Check(gitops.CheckName); ok && p.State == gitops.Open && p.Lane.Environment == env {
				said = check.Text
				found = p
			}
		}
		return said, strings.HasPrefix(said, word)
	})
	return found
}

// TestDevToProdOnGitHub carries a signed image from dev by staging to prod on
// a GitHub: as an app, with a hold and an approval by people on the way.
func TestDevToProdOnGitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "staging", "prod"}, approvals: true, soak: time.Second})
	next := h.release("1.1.0")
	d := h.run()
	h.reaches("dev", next)
	h.reaches("staging", next)
	p := h.says("prod", "approval: ")
	if p.Author.Name != githubtest.Bot || p.Title == "" || len(p.Labels) != 3 {
		t.Errorf("proposal = %+v", p)
	}
	h.post("tim", "issues/"+p.ID+"/labels", map[string]any{"labels": []string{gitops.LabelHold}})
	h.post("ada", "pulls/"+p.ID+"/reviews", map[string]any{"event": "APPROVE"})
	h.says("prod", "hold: ")
	if got := h.names("prod"); got == next {
		t.Fatal("a held proposal was merged")
	}
	if err := h.as("ada").RemoveLabel(t.Context(), p.ID, gitops.LabelHold); err != nil {
		t.Fatal(err)
	}
	h.reaches("prod", next)
	h.settled(d)
	h.hook(d)
	d.stop(t)
	h.once(next)
}

// TestMergeQueueOnGitHub: merging means enqueueing, and the queue waits for the
// check on what it is about to merge.
func TestMergeQueueOnGitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}})
	h.server.Set(func(o *githubtest.Settings) { o.MergeQueue = true })
	next := h.release("1.1.0")
	d := h.run()
	eventually(t, "a merge by the queue", func() (string, bool) { return "the queue merged nothing", h.server.Land() })
	h.reaches("dev", next)
	h.settled(d)
	d.stop(t)
	list, _, err := h.as("ada").Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].State != gitops.Merged || list[0].EndedBy.Name == githubtest.Bot {
		t.Errorf("proposals = %+v, %v", list, err)
	}
}

// hook delivers a webhook, signed and not.
func (h *hub) hook(d *child) {
	h.t.Helper()
	address := "http://" + d.says(h.t, `for=hooks address=(\S+)`) + "/hooks/github"
	body := []byte(`{"action":"labeled","repository":{"full_name":"acme/env"}}`)
	mac := hmac.New(sha256.New, []byte("s3cret"))
	_, _ = mac.Write(body)
	for signature, want := range map[string]int{
		"sha256=" + hex.EncodeToString(mac.Sum(nil)): http.StatusAccepted, "sha256=" + strings.Repeat("0", 64): http.StatusUnauthorized,
	} {
		req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			h.t.Fatal(err)
		}
		req.Header.Set("X-Hub-Signature-256", signature)
		req.Header.Set("X-Github-Event", "pull_request")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			h.t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			h.t.Errorf("webhook: %d, want %d", resp.StatusCode, want)
		}
	}
}

// once checks that every environment was entered by one proposal that changed
// one file to the expected bytes, and that nothing is left.
func (h *hub) once(digest string) {
	h.t.Helper()
	list, _, err := h.as("ada").Proposals(h.t.Context(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	entered := map[string]string{}
	for _, p := range list {
		entered[p.Lane.Environment] += string(p.State)
		if p.EndedBy.Name != githubtest.Bot {
			h.t.Errorf("proposal %s was ended by %s", p.ID, p.EndedBy.Name)
		}
		if h.server.Head(p.Branch) != "" {
			h.t.Errorf("branch %s is left", p.Branch)
		}
	}
	if diff := cmp.Diff(map[string]string{"dev": "merged", "staging": "merged", "prod": "merged"}, entered); diff != "" {
		h.t.Errorf("proposals (-want +got):\n%s", diff)
	}
	for _, e := range h.envs {
		if diff := cmp.Diff(strings.TrimSpace(h.manifest("1.1.0", digest)), h.server.Show("main", file(e))); diff != "" {
			h.t.Errorf("%s (-want +got):\n%s", e, diff)
		}
	}
}

// TestDoctorOnGitHub reads what guards the branch, by the real program.
func TestDoctorOnGitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}})
	var out, errs bytes.Buffer
	_ = run(t.Context(), []string{"doctor", "-c", filepath.Join(h.dir, "waveguide.yaml")}, streams{out: &out, err: &errs}, hooks{crash: func(string) {}}) // what it finds is read below
	for _, want := range []string{"required check waveguide: bound to us", "rights of the bot", "code owners"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("doctor does not say %q:\n%s%s", want, out.String(), errs.String())
		}
	}
}
