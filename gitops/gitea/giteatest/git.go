package giteatest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cgi" //nolint:gosec // a test's server on loopback
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// git is the bare repository and the binary that serves it.
type git struct{ dir, root string }

func newGit(root string, files map[string]string) (*git, error) {
	g := &git{dir: filepath.Join(root, "repository.git"), root: root}
	if err := os.MkdirAll(g.dir, 0o750); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "-q", "--bare", "-b", "main", "."},
		{"config", "http.receivepack", "true"},
		{"config", "uploadpack.allowFilter", "true"},
		{"config", "uploadpack.allowAnySHA1InWant", "true"},
	} {
		if _, err := g.run(args...); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		files = map[string]string{"README.md": "environments\n"}
	}
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter root <root@example.invalid> 1700000000 +0000\ndata 5\nfirst\n")
	for name, text := range files {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	if _, err := g.feed(in.String(), "fast-import", "--quiet"); err != nil {
		return nil, err
	}
	// Nobody pushes to the protected branch.
	hook := "#!/bin/sh\nif [ \"$1\" = refs/heads/main ]; then echo 'branch main is protected' >&2; exit 1; fi\n"
	return g, os.WriteFile(filepath.Join(g.dir, "hooks", "update"), []byte(hook), 0o700) //nolint:gosec // a hook has to be executable
}

func (g *git) run(args ...string) (string, error) { return g.feed("", args...) }

func (g *git) feed(in string, args ...string) (string, error) {
	cmd := exec.Command("git", args...) //nolint:gosec,noctx // a test's own arguments; it ends by itself
	cmd.Dir = g.dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C",
		"GIT_AUTHOR_NAME=gitea", "GIT_AUTHOR_EMAIL=gitea@example.invalid", "GIT_COMMITTER_NAME=gitea", "GIT_COMMITTER_EMAIL=gitea@example.invalid")
	cmd.Stdin = strings.NewReader(in)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(out.String()), fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// refs are the branches.
func (g *git) refs() (map[string]string, error) {
	out, err := g.run("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for l := range strings.Lines(out) {
		name, id, _ := strings.Cut(strings.TrimSpace(l), " ")
		refs[name] = id
	}
	return refs, nil
}

// merge puts the merge of a commit on main and says what it made; a conflict
// makes nothing.
func (g *git) merge(main, head, message string) (string, bool, error) {
	tree, err := g.run("merge-tree", "--write-tree", main, head)
	if err != nil {
		return "", false, nil //nolint:nilerr // a conflict
	}
	commit, err := g.run("commit-tree", tree, "-p", main, "-p", head, "-m", message)
	if err != nil {
		return "", false, err
	}
	_, err = g.run("update-ref", "refs/heads/main", commit, main)
	return commit, err == nil, err
}

// serveGit is Git's smart HTTP, for people with a token.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	_, token, _ := r.BasicAuth()
	s.mu.Lock()
	u := s.known(token)
	write := u != nil && u.Level >= Write
	s.mu.Unlock()
	push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	switch {
	case u == nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="Gitea"`)
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	case push && !write:
		http.Error(w, "User permission denied", http.StatusForbidden)
		return
	}
	backend, err := exec.LookPath("git")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, tail, _ := strings.Cut(r.URL.Path, ".git")
	r.URL.Path = "/repository.git" + tail
	h := &cgi.Handler{
		Path: backend, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + s.git.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + u.Login, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_PROTOCOL=" + r.Header.Get("Git-Protocol")},
	}
	h.ServeHTTP(w, r)
	if push && r.Method == http.MethodPost {
		s.Pushed(u.Login)
	}
}

// Pushed reads the branches again and tells of heads that moved.
func (s *Server) Pushed(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := s.git.refs()
	if err != nil {
		return
	}
	s.refs = refs
	for _, i := range s.items {
		if head := refs[i.head]; i.pull && !i.closed && head != "" && head != i.sha {
			i.sha = head
			s.add(&line{item: i.number, kind: "pull_push", user: login, body: `{"is_force_push":true,"commit_ids":["` + head + `"]}`})
		}
	}
}

// Branches makes branches with a commit each that changes a file of its name.
func (s *Server) Branches(names ...string) error {
	var in strings.Builder
	for _, name := range names {
		fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter bot <bot@example.invalid> 1700000100 +0000\ndata 7\npromote\nfrom refs/heads/main^0\nM 100644 inline %s.yaml\ndata 2\n2\n\n", name, strings.ReplaceAll(name, "/", "-"))
	}
	if _, err := s.git.feed(in.String(), "fast-import", "--quiet"); err != nil {
		return err
	}
	s.Pushed("bot")
	return nil
}

// base is where a head left main.
func (s *Server) base(head string) string {
	key := s.refs["main"] + head
	if _, ok := s.bases[key]; !ok {
		s.bases[key], _ = s.git.run("merge-base", s.refs["main"], head)
	}
	return s.bases[key]
}
