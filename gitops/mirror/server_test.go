package mirror_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// at is the time of all commits of the tests.
func at() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

// needGit skips without git, or fails where the servers are required.
func needGit(tb testing.TB) {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "git", "--exec-path").Output()
	if err == nil {
		_, err = os.Stat(filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"))
	}
	gitopstest.NeedThat(tb, err == nil, "git with git-http-backend", "git")
}

func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com",
		"GIT_AUTHOR_DATE=1790000000 +0000", "GIT_COMMITTER_DATE=1790000000 +0000")
}

// git runs git in a directory and returns what it prints.
func git(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	return gitInput(tb, dir, "", args...)
}

func gitInput(tb testing.TB, dir, stdin string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, gitEnv(), strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String())
}

// upstream is a bare repository, served over smart HTTP by git itself.
type upstream struct {
	t        testing.TB
	dir, url string
	requests atomic.Int64
	bytesIn  atomic.Int64
	bytesOut atomic.Int64

	mu   sync.Mutex
	wrap func(http.Handler) http.Handler
}

func (u *upstream) git(args ...string) string { u.t.Helper(); return git(u.t, u.dir, args...) }

func (u *upstream) head() gitops.Commit {
	u.t.Helper()
	return gitops.Commit(u.git("rev-parse", "refs/heads/main"))
}

// commit writes files on top of a commit of the branch, as a person would; empty content removes.
func (u *upstream) commit(branch, parent string, files map[string]string) gitops.Commit {
	u.t.Helper()
	var in strings.Builder
	fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Ann <ann@example.com> 1790000000 +0000\ndata 5\nedit\n\n", branch)
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for path, data := range files {
		if data == "" {
			fmt.Fprintf(&in, "D %s\n", path)
			continue
		}
		mode := "100644"
		if rest, ok := strings.CutPrefix(data, "symlink:"); ok {
			mode, data = "120000", rest
		}
		if rest, ok := strings.CutPrefix(data, "submodule:"); ok {
			fmt.Fprintf(&in, "M 160000 %s %s\n", rest, path)
			continue
		}
		fmt.Fprintf(&in, "M %s inline %s\ndata %d\n%s\n", mode, path, len(data), data)
	}
	gitInput(u.t, u.dir, in.String(), "fast-import", "--quiet", "--force")
	return gitops.Commit(u.git("rev-parse", "refs/heads/"+branch))
}

func (u *upstream) edit(files map[string]string) gitops.Commit {
	u.t.Helper()
	return u.commit("main", "refs/heads/main^0", files)
}

func (u *upstream) intercept(wrap func(http.Handler) http.Handler) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wrap = wrap
}

type countingWriter struct {
	http.ResponseWriter

	n *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.n.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

func newUpstream(tb testing.TB, files map[string]string) *upstream {
	tb.Helper()
	needGit(tb)
	root := tb.TempDir()
	u := &upstream{t: tb, dir: filepath.Join(root, "repo.git")}
	git(tb, root, "init", "--quiet", "--bare", "--initial-branch=main", u.dir)
	u.git("config", "http.receivepack", "true")
	if files != nil {
		u.commit("main", "", files)
	}
	u.serve(root)
	return u
}

func (u *upstream) serve(root string) {
	execPath := git(u.t, root, "--exec-path")
	backend := &cgi.Handler{
		Path: filepath.Join(execPath, "git-http-backend"), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "REMOTE_USER=bot"},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.requests.Add(1)
		u.bytesIn.Add(max(0, r.ContentLength))
		u.mu.Lock()
		var h http.Handler = backend
		if u.wrap != nil {
			h = u.wrap(h)
		}
		u.mu.Unlock()
		h.ServeHTTP(countingWriter{w, &u.bytesOut}, r)
	}))
	u.t.Cleanup(srv.Close)
	u.url = srv.URL + "/repo.git"
}

func options(tb testing.TB, url string) mirror.Options {
	tb.Helper()
	tr := &http.Transport{}
	tb.Cleanup(tr.CloseIdleConnections)
	return mirror.Options{
		Dir: tb.TempDir(), URL: url, Branch: "main",
		HTTP:     &http.Client{Transport: tr, Timeout: 5 * time.Minute},
		Identity: mirror.Identity{Name: "Waveguide", Email: "bot@example.com"},
	}
}

func open(tb testing.TB, o mirror.Options) *mirror.Mirror {
	tb.Helper()
	m, err := mirror.Open(context.Background(), o)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() { _ = m.Close() })
	return m
}

func fetch(tb testing.TB, m *mirror.Mirror) mirror.Update {
	tb.Helper()
	up, err := m.Fetch(context.Background())
	if err != nil {
		tb.Fatalf("Fetch: %v", err)
	}
	return up
}

// opened is a mirror of an upstream, fetched once.
func opened(tb testing.TB, u *upstream) *mirror.Mirror {
	tb.Helper()
	m := open(tb, options(tb, u.url))
	fetch(tb, m)
	return m
}

func compose(tb testing.TB, m *mirror.Mirror, files map[string]string) mirror.Composed {
	tb.Helper()
	d := mirror.Draft{Base: m.Head(), Files: map[string][]byte{}, Message: "promote app\n\nFrom dev to prod.", Time: at()}
	for path, data := range files {
		d.Files[path] = []byte(data)
	}
	c, err := m.Compose(d)
	if err != nil {
		tb.Fatalf("Compose: %v", err)
	}
	return c
}

func push1(tb testing.TB, m *mirror.Mirror, u mirror.RefUpdate) error {
	tb.Helper()
	res, err := m.Push(context.Background(), []mirror.RefUpdate{u})
	if err != nil {
		tb.Fatalf("Push: %v", err)
	}
	if len(res) != 1 {
		tb.Fatalf("Push answered %d results, want 1", len(res))
	}
	return res[0].Err
}

func gitInputEnv(tb testing.TB, dir, stdin string, env []string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(gitEnv(), env...), strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
