package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/local"
)

// TestResume holds that only pauses are ended by their number: neither the same
// number elsewhere nor any other issue.
func TestResume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := local.New(local.Options{Dir: dir, Protected: "main", Users: []local.User{{Name: "bot", Token: botToken, Permission: "write", Bot: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	var repositories strings.Builder
	clients := map[string]*local.Client{}
	for _, name := range []string{"one", "two"} {
		if err := server.Create(name); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&repositories, "  - {name: %[1]s, url: \"%[2]s/%[1]s.git\", forge: {kind: local, url: \"%[2]s\", tokenFile: %[3]s/bot.token}}\n", name, front.URL, dir)
		clients[name] = local.NewClient(local.ClientOptions{
			BaseURL: front.URL, Repository: name, HTTP: &http.Client{Timeout: 10 * time.Second},
			Token: func(context.Context) (string, error) { return botToken, nil },
		})
	}
	daemon := filepath.Join(dir, "waveguide.yaml")
	for name, text := range map[string]string{daemon: "apiVersion: waveguide.dev/v1alpha1\nkind: Daemon\nrepositories:\n" + repositories.String(), filepath.Join(dir, "bot.token"): botToken} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clients["two"].OpenIssue(t.Context(), "a bug", "", nil); err != nil { // two#1
		t.Fatal(err)
	}
	waveguide := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), append(args, "-c", daemon), streams{out: &out, err: &out}, hooks{}); code != want {
			t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, out.String())
		}
		return out.String()
	}
	inForce := func(want ...string) {
		t.Helper()
		var have []string
		for line := range strings.Lines(waveguide(exitDone, "resume")) {
			have = append(have, strings.Join(strings.Fields(line)[:2], " "))
		}
		if !slices.Equal(have, want) {
			t.Errorf("in force: %q, want %q", have, want)
		}
	}
	if out := waveguide(exitDone, "pause", "--all"); !strings.Contains(out, "one: paused by issue 1; `waveguide resume one#1`") || !strings.Contains(out, "two#2") { // one#1, two#2
		t.Errorf("pause: %s", out)
	}
	waveguide(exitDone, "pause", "--artifact", "shop", "--wave", "shop/prod", "--env", "dev") // one#2, two#3
	if out := waveguide(exitDone, "resume"); strings.Count(out, `"pause env:dev wave:shop/prod artifact:shop"`) != 2 {
		t.Errorf("the words of a pause are %s", out)
	}
	inForce("one: 1", "one: 2", "two: 2", "two: 3")
	if out := waveguide(exitUsage, "resume", "3", "2"); !strings.Contains(out, "issue 2 is a pause in 2 repositories: write which, of one#2, two#2") {
		t.Errorf("resume 2: %s", out)
	}
	if out := waveguide(exitUsage, "resume", "two#1"); !strings.Contains(out, `issue "two#1" is no pause in force`) {
		t.Errorf("resume of a bug: %s", out)
	}
	inForce("one: 1", "one: 2", "two: 2", "two: 3") // all or none
	waveguide(exitDone, "resume", "#1", "two#2", "3")
	inForce("one: 2")
}
