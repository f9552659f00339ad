package gitea_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitea/giteatest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

var _ gitopstest.Client = (*gitea.Client)(nil)

const botToken = "bot-token-1"

// fake is a server with its repository's clone.
type fake struct {
	*giteatest.Server
	url    string
	work   string
	faults *gitopstest.Faults
}

func newFake(t *testing.T, change ...func(*giteatest.Options)) *fake {
	t.Helper()
	gitopstest.Need(t, "git", "git")
	o := giteatest.Options{Dir: t.TempDir(), Files: map[string]string{"app.yaml": "0"}, Users: []giteatest.User{
		{Login: "waveguide", Token: botToken, Level: giteatest.Admin},
		{Login: "tess", Token: "tess-token", Level: giteatest.Issues},
		{Login: "ada", Token: "ada-token", Level: giteatest.Write, Teams: []string{"sre"}},
	}}
	for _, c := range change {
		c(&o)
	}
	s, err := giteatest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &fake{Server: s, url: h.URL, work: t.TempDir(), faults: gitopstest.NewFaults(http.DefaultTransport)}
}

func (f *fake) client() *gitea.Client {
	return gitea.New(gitea.Options{
		URL: f.url, Repository: "acme/env", HTTP: &http.Client{Transport: f.faults},
		Token: func(context.Context) (string, error) { return botToken, nil },
	})
}

func TestContract(t *testing.T) {
	t.Parallel()
	gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
		t.Helper()
		f := newFake(t)
		return gitopstest.Forge{
			Bot: f.client(), Fresh: func() gitopstest.Client { return f.client() }, Faults: f.faults, Push: f.push, Act: f.act,
			DisableIssues: func(t *testing.T) { t.Helper(); f.SetIssues(false) },
			Withdraw:      func(t *testing.T) { t.Helper(); f.Grant("waveguide", giteatest.Read) },
		}
	})
}

// push commits a file on top of main and pushes it over HTTP as the bot.
func (f *fake) push(t *testing.T, branch, file, text string) gitops.Commit {
	t.Helper()
	remote := strings.Replace(f.url, "http://", "http://waveguide:"+botToken+"@", 1) + "/acme/env.git"
	if _, err := os.Stat(filepath.Join(f.work, ".git")); err != nil {
		f.git(t, "clone", "-q", remote, ".")
	}
	f.git(t, "checkout", "-q", "-B", branch, "origin/main")
	if err := os.WriteFile(filepath.Join(f.work, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.git(t, "add", ".")
	f.git(t, "commit", "-q", "-m", "change "+file+" to "+text)
	f.git(t, "push", "-q", "--force", remote, branch)
	return gitops.Commit(f.git(t, "rev-parse", "HEAD"))
}

func (f *fake) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = f.work
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=b", "GIT_AUTHOR_EMAIL=b@localhost", "GIT_COMMITTER_NAME=b", "GIT_COMMITTER_EMAIL=b@localhost")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// as sends a request as somebody and decodes the answer.
func (f *fake) as(t *testing.T, token, method, path string, body, into any) error {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+"/api/v1/repos/acme/env"+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "token "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		t.Fatal(err)
	case resp.StatusCode == http.StatusForbidden:
		return gitops.ErrDenied
	case resp.StatusCode > 299:
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, data)
	case into != nil:
		return json.Unmarshal(data, into)
	}
	return nil
}

type named struct {
	ID     int64  `json:"id"`
	Number int64  `json:"number"`
	Name   string `json:"name"`
}

// labelID finds a label or makes it, as people do with a click.
func (f *fake) labelID(t *testing.T, token, name string) int64 {
	t.Helper()
	var all []named
	if err := f.as(t, token, http.MethodGet, "/labels?limit=50", nil, &all); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Name == name {
			return l.ID
		}
	}
	var made named
	if err := f.as(t, token, http.MethodPost, "/labels", map[string]string{"name": name, "color": "#ff0000"}, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// act is what people do, with their own tokens.
func (f *fake) act(t *testing.T, who gitops.Permission, d gitopstest.Deed) (string, error) {
	t.Helper()
	token := map[gitops.Permission]string{gitops.PermissionTriage: "tess-token", gitops.PermissionWrite: "ada-token"}[who]
	issue := "/issues/" + d.ID
	var made named
	var err error
	switch d.Kind {
	case gitopstest.DoLabel:
		err = f.as(t, token, http.MethodPost, issue+"/labels", map[string][]int64{"labels": {f.labelID(t, token, d.Text)}}, nil)
	case gitopstest.DoUnlabel, gitopstest.DoUnlabelIssue:
		err = f.as(t, token, http.MethodDelete, fmt.Sprintf("%s/labels/%d", issue, f.labelID(t, token, d.Text)), nil, nil)
	case gitopstest.DoComment, gitopstest.DoCommentIssue:
		err = f.as(t, token, http.MethodPost, issue+"/comments", map[string]string{"body": d.Text}, nil)
	case gitopstest.DoReview:
		event := map[gitops.ReviewState]string{gitops.Approved: "APPROVED", gitops.ChangesRequested: "REQUEST_CHANGES"}[d.Review]
		err = f.as(t, token, http.MethodPost, "/pulls/"+d.ID+"/reviews", map[string]string{"event": event, "body": d.Text}, &made)
		made.Number = made.ID
	case gitopstest.DoDismiss: // administrators alone may
		err = f.as(t, botToken, http.MethodPost, "/pulls/"+d.ID+"/reviews/"+d.Text+"/dismissals", map[string]string{"message": "taken back"}, nil)
	case gitopstest.DoClose, gitopstest.DoCloseIssue:
		err = f.as(t, token, http.MethodPatch, issue, map[string]string{"state": "closed"}, nil)
	case gitopstest.DoRetitleIssue:
		err = f.as(t, token, http.MethodPatch, issue, map[string]string{"title": d.Text}, nil)
	case gitopstest.DoPropose:
		err = f.as(t, token, http.MethodPost, "/pulls", map[string]string{"head": d.Text, "base": "main", "title": "by a person"}, &made)
	case gitopstest.DoOpenIssue:
		id := f.labelID(t, token, gitops.LabelPause)
		err = f.as(t, token, http.MethodPost, "/issues", map[string]any{"title": d.Text, "labels": []int64{id}}, &made)
	default:
		err = fmt.Errorf("nobody can %s here", d.Kind)
	}
	return fmt.Sprint(made.Number), err
}
