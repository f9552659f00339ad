package gitlab_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

// needPythonGitLab finds Debian's python with python-gitlab.
func needPythonGitLab(t *testing.T) string {
	t.Helper()
	const python = "/usr/bin/python3"
	there := exec.CommandContext(t.Context(), python, "-c", "import gitlab").Run() == nil
	gitopstest.NeedThat(t, there, "python-gitlab", "python3-gitlab")
	return python
}

// TestPythonGitLab drives the server by a client of somebody else, and then
// reads with ours what that one did.
func TestPythonGitLab(t *testing.T) {
	t.Parallel()
	python := needPythonGitLab(t)
	w := newWorld(t, nil)
	head := w.push(t, "waveguide/dev/app", "app.yaml", "1")
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py", w.http.URL+"/git", project, "waveguide/dev/app")
	cmd.Env = []string{"BOT_TOKEN=" + botToken, "ADA_TOKEN=" + adaToken, "NO_PROXY=127.0.0.1"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("python-gitlab: %v\n%s", err, errs.String())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"me": "bot", "issues": "enabled", "again": 409.0, "approved": []any{"ada"}, "heads": []any{string(head)}, "red": 405.0,
		"pending twice": 400.0, "other head": 409.0, "state": "merged", "protected": []any{"main"},
		"issue":  []any{"closed", []any{"closed"}},
		"levels": []any{[]any{"ada", 30.0}, []any{"bot", 30.0}, []any{"rex", 20.0}, []any{"root", 40.0}},
		"events": []any{
			[]any{"add", "waveguide", "bot"},
			[]any{"add", "env/dev", "bot"},
			[]any{"add", "waveguide/hold", "ada"},
			[]any{"remove", "waveguide/hold", "ada"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("what python-gitlab saw:", diff)
	}
	p, err := w.client().Proposal(t.Context(), "!1")
	if err != nil || p.State != gitops.Merged || p.EndedBy.Name != "bot" || len(p.Reviews) != 1 || p.Reviews[0].Head != head {
		t.Errorf("proposal = %+v, %v", p, err)
	}
	said := slices.ContainsFunc(p.Events, func(e gitops.Event) bool { return e.Kind == gitops.Commented && e.By.Name == "ada" })
	if s := gitops.Holds(p, "bot", nil); len(s.Stops) != 0 || !said {
		t.Errorf("holds after ada released her own: %+v of %+v", s, p.Events)
	}
	issues, err := w.client().Issues(t.Context(), nil)
	if err != nil || len(issues) != 1 || !slices.ContainsFunc(issues[0].Events, func(e gitops.Event) bool {
		return e.Kind == gitops.Retitled && e.Was == "incident env:prod-*" && e.Text == "incident env:prod-eu"
	}) {
		t.Errorf("issues = %+v, %v", issues, err)
	}
}
