package github_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

func run(t *testing.T, env []string, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "NO_PROXY=127.0.0.1", "GH_NO_UPDATE_NOTIFIER=1"}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, out.String(), errs.String())
	}
	return out.Bytes()
}

// TestPyGithub drives the fake by a client of somebody else, and then reads
// with ours what that one did.
func TestPyGithub(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	there := exec.CommandContext(t.Context(), python, "-c", "import github").Run() == nil
	gitopstest.NeedThat(t, there, "PyGithub", "python3-github")
	s := githubtest.New(t)
	s.SetUser("robot", githubtest.User{Role: "write"})
	s.Set(func(o *githubtest.Settings) { o.Checks = []githubtest.RequiredCheck{{Context: gitops.CheckName}} })
	head := s.Push("waveguide/dev/app", "robot", map[string]string{"app.yaml": "1\n"})
	out := run(t, []string{"BOT_TOKEN=token-robot", "ADA_TOKEN=token-ada", "RITA_TOKEN=token-rita"},
		python, "testdata/client.py", s.URL+"/api/v3", "acme/env", "waveguide/dev/app")
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	list := func(v ...any) []any { return v }
	want := map[string]any{
		"me": "robot", "protected": true, "again": 422.0, "read only": 403.0, "own": 422.0, "red": 405.0, "other head": 409.0, "merged": true,
		"reviews":  list(list("ada", "APPROVED", true)),
		"comments": list(list("rita", "/hold looks odd")), "statuses": list(list("waveguide", "success")),
		"events": list(list("labeled", "robot", "waveguide"), list("labeled", "robot", "env/dev"), list("labeled", "ada", "waveguide/hold"), list("unlabeled", "ada", "waveguide/hold")),
		"state":  list("closed", true, "robot"), "issue": list(list("stop env:prod-eu", "closed")), "levels": list("write", "read", "admin"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("what PyGithub saw:", diff)
	}
	c := as(t, s, "robot", http.DefaultTransport)
	p, err := c.Proposal(t.Context(), "1")
	if err != nil || p.State != gitops.Merged || p.EndedBy.Name != "robot" || len(p.Reviews) != 1 || p.Reviews[0].Head != gitops.Commit(head) || p.Unread != "" {
		t.Errorf("proposal = %+v, %v", p, err)
	}
	issues, err := c.Issues(t.Context(), nil)
	if err != nil || len(issues) != 1 || !slices.ContainsFunc(issues[0].Events, func(e gitops.Event) bool { return e.Kind == gitops.Retitled && e.Was == "stop env:prod-*" }) {
		t.Errorf("issues = %+v, %v", issues, err)
	}
}

// TestGH drives the fake by GitHub's own client.
func TestGH(t *testing.T) {
	t.Parallel()
	path := gitopstest.Need(t, "gh", "gh")
	s := githubtest.New(t)
	fill(t, s, 120)
	gh := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(string(run(t, []string{"GH_TOKEN=token-ada", "GH_ENTERPRISE_TOKEN=token-ada"}, path, append([]string{"api"}, args...)...)))
	}
	base := s.URL + "/api/v3/repos/acme/env/"
	if got := strings.Count(gh(base+"pulls?per_page=50", "--paginate", "--jq", ".[].number"), "\n"); got != 119 {
		t.Errorf("gh pages through %d proposals, want 120", got+1)
	}
	gh(base+"issues/3/labels", "-f", "labels[]=waveguide/hold")
	gh(base+"issues/3/comments", "-f", "body=/hold by hand")
	if got := gh(base+"issues/3/events", "--jq", ".[0].label.name"); got != gitops.LabelHold {
		t.Errorf("gh sees label %q", got)
	}
	if got := gh(s.URL+"/graphql", "-f", `query=query{repository(owner:"acme",name:"env"){pullRequest(number:3){title labels(first:5){nodes{name}}}}}`,
		"--jq", ".data.repository.pullRequest.labels.nodes[0].name"); got != gitops.LabelHold {
		t.Errorf("gh sees label %q in GraphQL", got)
	}
	p, err := asApp(t, s, http.DefaultTransport).Proposal(t.Context(), "3")
	if h := gitops.Holds(p, githubtest.Bot, nil); err != nil || len(h.Stops) != 1 || h.Stops[0].By.Name != "ada" || !h.Stops[0].By.Permission.Releases() {
		t.Errorf("holds = %+v, %v", h, err)
	}
}
