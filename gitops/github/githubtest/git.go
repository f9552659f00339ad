package githubtest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cgi" //nolint:gosec // a test's server on loopback
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// repository is a bare repository that git itself keeps.
type repository struct {
	t    testing.TB
	root string
	dir  string
	seq  atomic.Int64
	// parents are the first parents of commits.
	parents map[string]string
}

// hook keeps everybody but the administrator off the protected branch.
const hook = `#!/bin/sh
if [ "$1" = refs/heads/main ] && [ "$REMOTE_USER" != root ]; then
	echo "GH013: Repository rule violations found for refs/heads/main." >&2
	exit 1
fi
`

func newRepository(tb testing.TB) *repository {
	tb.Helper()
	root := tb.TempDir()
	g := &repository{t: tb, root: root, dir: filepath.Join(root, Owner, Name+".git"), parents: map[string]string{}}
	g.must("", "init", "-q", "--bare", "-b", "main", g.dir)
	g.must("", "-C", g.dir, "config", "http.receivepack", "true")
	g.must("", "-C", g.dir, "config", "uploadpack.allowAnySHA1InWant", "true")
	g.must("", "-C", g.dir, "config", "uploadpack.allowFilter", "true")
	if err := os.WriteFile(filepath.Join(g.dir, "hooks", "update"), []byte(hook), 0o700); err != nil { //nolint:gosec // it has to be run
		tb.Fatal(err)
	}
	g.commit("refs/heads/main", "", "root", map[string]string{"README.md": "environments\n"})
	return g
}

// run runs git in the repository.
func (g *repository) run(input string, args ...string) (string, error) {
	cmd := exec.Command("git", args...) //nolint:gosec,noctx // git, with arguments of the test's own
	cmd.Dir = g.dir
	if _, err := os.Stat(g.dir); err != nil {
		cmd.Dir = g.root
	}
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=github", "GIT_AUTHOR_EMAIL=github@localhost", "GIT_COMMITTER_NAME=github", "GIT_COMMITTER_EMAIL=github@localhost")
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(out.String()), fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (g *repository) must(input string, args ...string) string {
	g.t.Helper()
	out, err := g.run(input, args...)
	if err != nil {
		g.t.Error(err)
	}
	return out
}

// commit puts one commit with some files changed on top of a parent and moves
// a reference to it.
func (g *repository) commit(ref, parent, by string, files map[string]string) string {
	g.t.Helper()
	g.must(g.stream(ref, parent, by, files), "fast-import", "--quiet", "--force")
	return g.must("", "rev-parse", ref)
}

// stream is a commit as git fast-import reads it.
func (g *repository) stream(ref, parent, by string, files map[string]string) string {
	var b strings.Builder
	n := g.seq.Add(1)
	message := fmt.Sprintf("change %d", n)
	fmt.Fprintf(&b, "reset %s\ncommit %s\ncommitter %s <%s@localhost> %d +0000\ndata %d\n%s\n", ref, ref, by, by, 1_700_000_000+n, len(message), message)
	if parent != "" {
		fmt.Fprintf(&b, "from %s\n", parent)
	}
	for path, text := range files {
		fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	return b.String() + "\n"
}

// parent is the first parent of a commit; what was asked once is known.
func (g *repository) parent(sha string) string {
	if known, ok := g.parents[sha]; ok {
		return known
	}
	out, err := g.run("", "rev-list", "--parents", "-n", "1", sha)
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 {
		return ""
	}
	g.parents[sha] = fields[1]
	return fields[1]
}

// refs are all branches.
func (g *repository) refs() map[string]string {
	refs := map[string]string{}
	for line := range strings.Lines(g.must("", "for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads/")) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[name] = id
	}
	return refs
}

func (g *repository) ref(branch string) string {
	id, err := g.run("", "rev-parse", "--verify", "-q", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return id
}

// merge makes the merge of head into base without moving anything; false is a
// conflict.
func (g *repository) merge(base, head, title string) (string, bool) {
	tree, err := g.run("", "merge-tree", "--write-tree", base, head)
	if err != nil {
		return "", false
	}
	id, err := g.run(title+"\n", "commit-tree", strings.Fields(tree)[0], "-p", base, "-p", head)
	return id, err == nil
}

// Push makes a commit on top of main, puts it on a branch as that person, and
// returns it.
func (s *Server) Push(branch, by string, files map[string]string) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.git.ref(branch)
	id := s.git.commit("refs/heads/"+branch, s.git.ref("main"), by, files)
	if was != "" {
		for _, t := range s.state.threads {
			if t.pull && t.open && t.branch == branch {
				s.state.happen(t, happening{kind: "head_ref_force_pushed", by: by})
			}
		}
	}
	return id
}

// Show is a file at a branch or commit.
func (s *Server) Show(at, path string) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.git.must("", "show", at+":"+path)
}

// Head is where a branch is; empty if there is none.
func (s *Server) Head(branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.git.ref(branch)
}

// serveGit lets git itself answer; the token is the password.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	who, err := s.authenticate(r)
	may := err == nil && who != "app" && s.role(who) != "none"
	if strings.HasSuffix(r.URL.Path, "git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack" {
		may = may && (s.role(who) == "write" || s.role(who) == "maintain" || s.role(who) == "admin")
	}
	s.mu.Unlock()
	if !may {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	git, err := exec.LookPath("git")
	if err != nil {
		s.t.Error(err)
		return
	}
	r.ContentLength = max(r.ContentLength, 0) // the CGI cannot take chunks of unknown length
	h := &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Root: "/",
		Env: []string{"GIT_PROJECT_ROOT=" + s.git.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + who, "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	h.ServeHTTP(w, r)
}
