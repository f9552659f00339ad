package gitlabtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// repo is a bare repository that is worked on by git itself.
type repo struct{ dir string }

func initRepo(dir, branch string) (repo, error) {
	r := repo{dir}
	if _, err := r.run(nil, "init", "-q", "--bare", "--initial-branch="+branch, dir); err != nil {
		return r, err
	}
	// A push to a protected branch is refused below the level of a maintainer.
	hook := fmt.Sprintf("#!/bin/sh\n[ \"$1\" != refs/heads/%s ] || [ \"${GL_LEVEL:-0}\" -ge 40 ] || { echo 'You are not allowed to push code to protected branches on this project.' >&2; exit 1; }\n", branch)
	return r, os.WriteFile(filepath.Join(dir, "hooks", "update"), []byte(hook), 0o700) //nolint:gosec // a hook has to be executable
}

func environment(more ...string) []string {
	return append([]string{
		"HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=GitLab", "GIT_AUTHOR_EMAIL=gitlab@example.com", "GIT_COMMITTER_NAME=GitLab", "GIT_COMMITTER_EMAIL=gitlab@example.com",
	}, more...)
}

// run runs git in the repository.
func (r repo) run(stdin []byte, args ...string) (string, error) {
	cmd := exec.Command("git", args...) //nolint:gosec,noctx // a test's own arguments; each ends at once
	cmd.Env, cmd.Stdin = environment("GIT_DIR="+r.dir), bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(out.String()), fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// heads are the branches and their commits.
func (r repo) heads() (map[string]string, error) {
	out, err := r.run(nil, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
	heads := map[string]string{}
	for line := range strings.Lines(out) {
		name, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		heads[name] = id
	}
	return heads, err
}

// commit puts files on top of a commit, which may be none, and moves a branch.
func (r repo) commit(branch, parent, author string, files map[string]string) (string, error) {
	var in strings.Builder
	fmt.Fprintf(&in, "commit refs/heads/%s\nauthor %s <%s@example.com> 1790000000 +0000\ncommitter %s <%s@example.com> 1790000000 +0000\ndata 6\nchange\n", branch, author, author, author, author)
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for path, text := range files {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	if _, err := r.run([]byte(in.String()), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	return r.run(nil, "rev-parse", "refs/heads/"+branch)
}

// errConflict says that two branches change the same lines.
var errConflict = errors.New("merge conflict")

// result makes the commit that merges head onto another.
func (r repo) result(onto, head, message string) (string, error) {
	tree, err := r.run(nil, "merge-tree", "--write-tree", onto, head)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errConflict, err)
	}
	return r.run([]byte(message), "commit-tree", tree, "-p", onto, "-p", head)
}

// merge makes the commit that merges head into the branch, and moves it.
func (r repo) merge(branch, head, message string) (string, error) {
	main, err := r.run(nil, "rev-parse", "refs/heads/"+branch)
	if err != nil {
		return "", err
	}
	id, err := r.result(main, head, message)
	if err != nil {
		return "", err
	}
	_, err = r.run(nil, "update-ref", "refs/heads/"+branch, id, main)
	return id, err
}

// serve is Git's smart HTTP protocol.
func (r repo) serve(w http.ResponseWriter, req *http.Request, level int) {
	service := strings.TrimPrefix(req.URL.Query().Get("service"), "git-")
	args := []string{"--stateless-rpc"}
	advertise := strings.HasSuffix(req.URL.Path, "/info/refs")
	if advertise {
		args = append(args, "--advertise-refs")
	} else {
		service = strings.TrimPrefix(req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:], "git-")
	}
	if service != "upload-pack" && service != "receive-pack" {
		http.Error(w, "no such service", http.StatusForbidden)
		return
	}
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	kind := "result"
	if advertise {
		kind = "advertisement"
	}
	w.Header().Set("Content-Type", "application/x-git-"+service+"-"+kind)
	w.Header().Set("Cache-Control", "no-cache")
	if advertise {
		line := "# service=git-" + service + "\n"
		fmt.Fprintf(w, "%04x%s0000", len(line)+4, line) //nolint:gosec // one of two services
	}
	r.pipe(req.Context(), w, body, pack{service, args, req.Header.Get("Git-Protocol"), level})
}

// pack is one run of git's server side.
type pack struct {
	service  string
	args     []string
	protocol string
	level    int
}

func (r repo) pipe(ctx context.Context, w io.Writer, body io.Reader, p pack) {
	cmd := exec.CommandContext(ctx, "git", append(append([]string{p.service}, p.args...), r.dir)...) //nolint:gosec // one of two services
	cmd.Env = environment("GIT_PROTOCOL="+p.protocol, "GL_LEVEL="+strconv.Itoa(p.level))
	cmd.Stdin, cmd.Stdout = body, w
	_ = cmd.Run() // git has told the client what is wrong
}
