package local_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	git "github.com/go-git/go-git/v5"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
	"github.com/waveguide-dev/waveguide/gitops/local"
)

const (
	botToken    = "bot-token-1"
	adaToken    = "ada-token-1"
	rootToken   = "root-token-1"
	readerToken = "reader-token-1"
	triageToken = "triage-token-1"
)

func users() []local.User {
	return []local.User{
		{Name: "bot", Token: botToken, Permission: gitops.PermissionWrite, Bot: true},
		{Name: "ada", Token: adaToken, Permission: gitops.PermissionWrite, Teams: []string{"@acme/sre"}},
		{Name: "root", Token: rootToken, Permission: gitops.PermissionAdmin},
		{Name: "tess", Token: triageToken, Permission: gitops.PermissionTriage},
		{Name: "reader", Token: readerToken, Permission: gitops.PermissionRead},
	}
}

// forge is a running server with one repository, env, that has a first commit.
type forge struct {
	t       *testing.T
	options local.Options
	server  atomic.Pointer[local.Server]
	http    *httptest.Server
}

func newForge(t *testing.T, change ...func(*local.Options)) *forge {
	t.Helper()
	f := &forge{t: t, options: local.Options{Dir: t.TempDir(), Users: users()}}
	for _, c := range change {
		c(&f.options)
	}
	f.start()
	if err := f.server.Load().Create("env"); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *forge) start() {
	f.t.Helper()
	s, err := local.New(f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.server.Store(s)
	f.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.server.Load().ServeHTTP(w, r) }))
	h := f.http
	f.t.Cleanup(func() {
		h.Close()
		_ = f.server.Load().Close() // closed already where a test restarts
	})
}

// restart opens the forge again with its options, at the same address.
func (f *forge) restart() {
	f.t.Helper()
	if err := f.server.Load().Close(); err != nil {
		f.t.Fatal(err)
	}
	s, err := local.New(f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.server.Store(s)
}

// url is the address of the repository for Git, with credentials.
func (f *forge) url(user, token string) string {
	return strings.Replace(f.http.URL, "http://", "http://"+user+":"+token+"@", 1) + "/env.git"
}

// gitIn runs the git binary; the text is both streams.
func gitIn(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	gitopstest.Need(t, "git", "git")
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@localhost", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@localhost")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := gitIn(t, dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// seed pushes the first commits as the admin and returns the work tree.
func (f *forge) seed() string {
	f.t.Helper()
	dir := f.t.TempDir()
	mustGit(f.t, dir, "init", "-q", "-b", "main")
	write(f.t, dir, "envs/dev/app.yaml", "image: app:1\n")
	write(f.t, dir, "envs/prod/app.yaml", "image: app:1\n")
	write(f.t, dir, "README", "hello\n")
	mustGit(f.t, dir, "add", ".")
	mustGit(f.t, dir, "commit", "-q", "-m", "first")
	mustGit(f.t, dir, "push", "-q", f.url("root", rootToken), "main")
	return dir
}

// push commits a file on a branch made from main and pushes it as the user.
func (f *forge) push(dir, user, token, branch, file, text string) gitops.Commit {
	f.t.Helper()
	mustGit(f.t, dir, "checkout", "-q", "-B", branch, "main")
	write(f.t, dir, file, text)
	mustGit(f.t, dir, "add", ".")
	mustGit(f.t, dir, "commit", "-q", "-m", "change "+file)
	mustGit(f.t, dir, "push", "-q", "--force", f.url(user, token), branch)
	return gitops.Commit(mustGit(f.t, dir, "rev-parse", "HEAD"))
}

func TestGit(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	work := f.seed()

	clone := filepath.Join(t.TempDir(), "clone")
	mustGit(t, t.TempDir(), "clone", "-q", f.url("reader", readerToken), clone)
	if got := mustGit(t, clone, "log", "--format=%s"); got != "first" {
		t.Errorf("log of the clone = %q", got)
	}
	head := f.push(work, "bot", botToken, "waveguide/dev/app", "envs/dev/app.yaml", "image: app:2\n")
	mustGit(t, clone, "fetch", "-q")
	if got := mustGit(t, clone, "rev-parse", "origin/waveguide/dev/app"); got != string(head) {
		t.Errorf("fetched %s, want %s", got, head)
	}
	// Once more with more commits on both sides than one round of haves.
	for range 40 {
		mustGit(t, clone, "commit", "-q", "--allow-empty", "-m", "mine")
	}
	next := f.push(work, "ada", adaToken, "feature", "x", "x")
	mustGit(t, clone, "fetch", "-q")
	if got := mustGit(t, clone, "rev-parse", "origin/feature"); got != string(next) {
		t.Errorf("fetched %s, want %s", got, next)
	}
	mustGit(t, work, "push", "-q", f.url("ada", adaToken), ":feature")
	mustGit(t, clone, "fetch", "-q", "-p")
	mustGit(t, clone, "fsck", "--strict")
}

func TestGoGitClone(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.seed()
	r, err := git.PlainClone(t.TempDir(), true, &git.CloneOptions{
		URL: f.http.URL + "/env.git", Auth: &githttp.BasicAuth{Username: "reader", Password: readerToken},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Head(); err != nil {
		t.Error(err)
	}
}

func TestPushIsRefused(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	work := f.seed()
	f.push(work, "bot", botToken, "waveguide/dev/app", "a", "a")
	mustGit(t, work, "tag", "v1")
	mustGit(t, work, "push", "-q", f.url("ada", adaToken), "v1")
	for name, c := range map[string]struct {
		user, token string
		args        []string
		want        string
	}{
		"protected branch":         {"ada", adaToken, []string{"HEAD:main"}, "protected branch"},
		"deletion of it":           {"root", rootToken, []string{":main"}, "cannot be deleted"},
		"rewriting it":             {"root", rootToken, []string{"--force", "orphan:main"}, "only fast-forward"},
		"a lost lease":             {"ada", adaToken, []string{"--force-with-lease=waveguide/dev/app:main", "main:waveguide/dev/app"}, "stale"},
		"a moved tag":              {"ada", adaToken, []string{"--force", "main:refs/tags/v1"}, "tags do not move"},
		"a hidden reference":       {"root", rootToken, []string{"main:refs/meta/config"}, "only branches and tags"},
		"without write permission": {"reader", readerToken, []string{"HEAD:x"}, "403"},
		"with a wrong token":       {"ada", "wrong", []string{"HEAD:x"}, "Authentication failed"},
		"with another's token":     {"ada", rootToken, []string{"HEAD:main"}, "Authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mustGit(t, dir, "clone", "-q", work, ".")
			mustGit(t, dir, "fetch", "-q", "origin", "main:main")
			mustGit(t, dir, "checkout", "-q", "--orphan", "orphan")
			mustGit(t, dir, "commit", "-q", "-m", "orphan")
			mustGit(t, dir, "checkout", "-q", "-b", "ahead", "main")
			mustGit(t, dir, "commit", "-q", "--allow-empty", "-m", "ahead")
			out, err := gitIn(t, dir, append([]string{"push", f.url(c.user, c.token)}, c.args...)...)
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("push: %v\n%s\nwant %q", err, out, c.want)
			}
			if out := mustGit(t, work, "ls-remote", f.url("reader", readerToken), "main"); !strings.HasPrefix(out, mustGit(t, work, "rev-parse", "main")) {
				t.Errorf("main moved: %s", out)
			}
		})
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for _, path := range []string{"/env.git", "/none.git", "/..%2fenv.git", "/%2e%2e%2f%2e%2e%2fetc.git"} {
		resp, err := f.http.Client().Get(f.http.URL + path + "/info/refs?service=git-upload-pack") //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401 for all alike", path, resp.StatusCode)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+path+"/info/refs?service=git-upload-pack", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("root", rootToken)
		resp, err = f.http.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want := http.StatusNotFound
		if path == "/env.git" {
			want = http.StatusOK
		}
		if resp.StatusCode != want {
			t.Errorf("%s as root: status %d, want %d", path, resp.StatusCode, want)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+"/env.git/info/refs?service=git-upload-pack", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "attacker.example"
	resp, err := f.http.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("foreign host: status %d", resp.StatusCode)
	}
}
