package main

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
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/local"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter/loop/looptest"
)

// bare is a bare repository that people change with git itself, and its
// address.
type bare struct{ dir, url string }

// needGit skips without git and its server, or fails where servers are required.
func needGit(t *testing.T) (backend string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	backend = filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if err == nil {
		_, err = os.Stat(backend)
	}
	switch {
	case err == nil:
	case os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1":
		t.Fatalf("git with git-http-backend is required: %v", err)
	default:
		t.Skipf("git with git-http-backend is needed: %v", err)
	}
	return backend
}

// git runs git in the repository and returns what it prints.
func (b bare) git(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = b.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// commit is a person's commit.
func (b bare) commit(t *testing.T, branch string, files map[string]string, message string) gitops.Commit {
	t.Helper()
	if !strings.Contains(message, "\n") {
		message += "\n"
	}
	var in strings.Builder
	fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Ann <ann@example.com> 1790000000 +0000\ndata %d\n%s\n", branch, len(message), message)
	for _, from := range []string{branch, looptest.Protected} {
		if b.git(t, "", "for-each-ref", "refs/heads/"+from) != "" {
			fmt.Fprintf(&in, "from refs/heads/%s^0\n", from)
			break
		}
	}
	for path, text := range files {
		if text == looptest.Gone {
			fmt.Fprintf(&in, "D %s\n", path)
			continue
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	b.git(t, in.String(), "fast-import", "--quiet")
	return gitops.Commit(b.git(t, "", "rev-parse", "refs/heads/"+branch))
}

func (b bare) merge(t *testing.T, branch string) gitops.Commit {
	t.Helper()
	tree := b.git(t, "", "merge-tree", "--write-tree", looptest.Protected, branch)
	c := b.git(t, "merged\n", "commit-tree", tree, "-p", looptest.Protected, "-p", branch)
	b.git(t, "", "update-ref", "refs/heads/"+looptest.Protected, c)
	return gitops.Commit(c)
}

// backed is served by Git's own server. As forges do, it gives out any commit
// that it has.
func backed(t *testing.T) bare {
	t.Helper()
	backend, root := needGit(t), t.TempDir()
	b := bare{dir: filepath.Join(root, "repo.git")}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b.git(t, "", "init", "--quiet", "--bare", "--initial-branch="+looptest.Protected)
	b.git(t, "", "config", "http.receivepack", "true")
	b.git(t, "", "config", "uploadpack.allowAnySHA1InWant", "true")
	srv := httptest.NewServer(&cgi.Handler{Path: backend, Stderr: io.Discard, Env: []string{
		"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "REMOTE_USER=bot",
	}})
	t.Cleanup(srv.Close)
	b.url = srv.URL + "/repo.git"
	return b
}

// forged is served by the embedded forge.
func forged(t *testing.T) bare {
	t.Helper()
	needGit(t)
	root := t.TempDir()
	forge, err := local.New(local.Options{Dir: root, Users: []local.User{{Name: "bot", Token: botToken, Permission: gitops.PermissionWrite, Bot: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forge.Close() })
	if err := forge.Create("repo"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(forge)
	t.Cleanup(srv.Close)
	return bare{dir: filepath.Join(root, "repo.git"), url: srv.URL + "/repo.git"}
}

// asked is the repository as the program sees it, with its mirror in a folder.
func (b bare) asked(t *testing.T, dir string) looptest.Git {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	m, err := mirror.Open(t.Context(), mirror.Options{
		Dir: dir, URL: b.url, Branch: looptest.Protected, HTTP: &http.Client{Transport: tr, Timeout: time.Minute},
		Identity:    mirror.Identity{Name: "Waveguide", Email: "bot@example.com"},
		Credentials: func(context.Context) (user, pass string, err error) { return "bot", botToken, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	r := newRepo(m)
	return looptest.Git{
		Repo: r, Branches: r, History: r, Person: "ann@example.com", Bot: "bot@example.com",
		Again: func(t *testing.T) looptest.Git {
			t.Helper()
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			return b.asked(t, dir)
		},
		Twin:   func(t *testing.T) looptest.Git { t.Helper(); return b.asked(t, t.TempDir()) },
		Commit: b.commit, Merge: b.merge,
		Rewind: func(t *testing.T) {
			t.Helper()
			b.git(t, "", "update-ref", "refs/heads/"+looptest.Protected, looptest.Protected+"^")
		},
		Delete: func(t *testing.T, branch string) { t.Helper(); b.git(t, "", "update-ref", "-d", "refs/heads/"+branch) },
	}
}

// TestRepoKeepsTheContract holds what the program reads and writes Git with to
// what the model of the simulation is held to.
func TestRepoKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(*testing.T) bare{"Git's own server": backed, "the embedded forge": forged} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looptest.RepoContract(t, func(t *testing.T) looptest.Git { t.Helper(); return serve(t).asked(t, t.TempDir()) })
		})
	}
}
