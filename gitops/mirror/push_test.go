package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

func TestEightCreatorsOneWinner(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		m := opened(t, u)
		c := compose(t, m, map[string]string{"README.md": fmt.Sprintf("%d\n", i)})
		wg.Go(func() {
			res, err := m.Push(context.Background(), []mirror.RefUpdate{{Branch: "waveguide/x", Composed: &c}})
			if err == nil {
				err = res[0].Err
			}
			errs[i] = err
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, gitops.ErrMoved):
			t.Errorf("creator %d: %v, want ErrMoved", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d creators won, want 1: %v", won, errs)
	}
}

func TestLeases(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	one, two, three := compose(t, m, map[string]string{"README.md": "1\n"}), compose(t, m, map[string]string{"README.md": "2\n"}), compose(t, m, map[string]string{"README.md": "3\n"})
	steps := []struct {
		name string
		u    mirror.RefUpdate
		want error
	}{
		{"create", mirror.RefUpdate{Branch: "b", Composed: &one}, nil},
		{"create again with the same commit", mirror.RefUpdate{Branch: "b", Composed: &one}, nil},
		{"create where something is", mirror.RefUpdate{Branch: "b", Composed: &two}, gitops.ErrMoved},
		{"replace in place", mirror.RefUpdate{Branch: "b", Old: one.ID, Composed: &two}, nil},
		{"replace with a stale lease", mirror.RefUpdate{Branch: "b", Old: one.ID, Composed: &three}, gitops.ErrMoved},
		{"delete with a stale lease", mirror.RefUpdate{Branch: "b", Old: one.ID}, gitops.ErrMoved},
		{"point at a known commit", mirror.RefUpdate{Branch: "c", New: two.ID}, nil},
		{"delete", mirror.RefUpdate{Branch: "b", Old: two.ID}, nil},
		{"delete again", mirror.RefUpdate{Branch: "b", Old: two.ID}, nil},
		{"update what is gone", mirror.RefUpdate{Branch: "b", Old: two.ID, Composed: &three}, gitops.ErrMoved},
	}
	for _, s := range steps {
		if err := push1(t, m, s.u); !errors.Is(err, s.want) {
			t.Fatalf("%s: %v, want %v", s.name, err, s.want)
		}
	}
	if got := u.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/c"); got != "c "+string(two.ID) {
		t.Errorf("branches = %q", got)
	}
	u.git("fsck", "--strict")
}

func TestHundredBranchesInOnePush(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	var updates []mirror.RefUpdate
	for i := range 100 {
		c := compose(t, m, map[string]string{fmt.Sprintf("environments/dev/svc-%02d/release.yaml", i%20): service("d") + fmt.Sprint(i)})
		updates = append(updates, mirror.RefUpdate{Branch: fmt.Sprintf("waveguide/%d", i), Composed: &c})
	}
	updates[7].Old = m.Head() // one stale lease does not hurt the others
	before := u.requests.Load()
	res, err := m.Push(context.Background(), updates)
	if err != nil {
		t.Fatal(err)
	}
	if n := u.requests.Load() - before; n != 2 {
		t.Errorf("the batch made %d requests, want 2", n)
	}
	for i, r := range res {
		if i == 7 && !errors.Is(r.Err, gitops.ErrMoved) || i != 7 && r.Err != nil {
			t.Errorf("branch %s: %v", r.Branch, r.Err)
		}
	}
	if got := strings.Count(u.git("for-each-ref", "refs/heads/waveguide"), "\n") + 1; got != 99 {
		t.Errorf("the remote has %d branches, want 99", got)
	}
	u.git("fsck", "--strict")
}

func TestPromotionIsSmallOnTheWire(t *testing.T) {
	t.Parallel()
	files := tree()
	for i := range 3000 {
		files[fmt.Sprintf("environments/prod/many-%04d/release.yaml", i)] = service("a")
	}
	u := newUpstream(t, files)
	m := opened(t, u)
	c := compose(t, m, map[string]string{"environments/prod/many-1234/release.yaml": service("e")})
	in := u.bytesIn.Load()
	if err := push1(t, m, mirror.RefUpdate{Branch: "waveguide/x", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	if n := u.bytesIn.Load() - in; n >= 1024 {
		t.Errorf("the promotion sent %d bytes, want less than 1024", n)
	} else {
		t.Logf("the promotion sent %d bytes", n)
	}
	u.git("fsck", "--strict")
}

func TestHookRefusal(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	hook := "#!/bin/sh\nprintf 'policy: no promotions \\033[31mon friday\\n' >&2\nyes spam | head -c 100000 >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(u.dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	m := opened(t, u)
	c := compose(t, m, map[string]string{"README.md": "x\n"})
	err := push1(t, m, mirror.RefUpdate{Branch: "b", Composed: &c})
	if !errors.Is(err, gitops.ErrDenied) || !strings.Contains(err.Error(), "policy: no promotions [31mon friday") {
		t.Errorf("Push = %v, want ErrDenied with the words of the hook", err)
	}
	if len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("the refusal is %d bytes or holds control characters: %q", len(err.Error()), err)
	}
}

// answers stands before a server and may answer for it.
type answers struct {
	next   http.Handler
	handle func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handle(w, r, a.next) }

func TestPushFallsBackToWholeObjects(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	u.git("config", "receive.unpackLimit", "1") // index-pack instead of unpack-objects
	m := opened(t, u)
	var sizes []int
	u.intercept(func(next http.Handler) http.Handler {
		return answers{next, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			sizes = append(sizes, len(body))
			if len(sizes) == 1 {
				w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
				inner := pkt("unpack unresolved deltas\n") + pkt("ng refs/heads/b unpacker error\n") + "0000"
				_, _ = io.WriteString(w, pkt("\x01"+inner)+"0000")
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		}}
	})
	c := compose(t, m, map[string]string{"environments/dev/svc-01/release.yaml": service("f")})
	if err := push1(t, m, mirror.RefUpdate{Branch: "b", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 2 || sizes[1] <= sizes[0] {
		t.Errorf("packs of %v bytes, want a thin one and a larger whole one", sizes)
	}
	c2 := compose(t, m, map[string]string{"environments/dev/svc-02/release.yaml": service("f")})
	if err := push1(t, m, mirror.RefUpdate{Branch: "b2", Composed: &c2}); err != nil || len(sizes) != 3 {
		t.Errorf("the second push: %v in %d requests, want it to remember", err, len(sizes)-2)
	}
	u.git("fsck", "--strict")
}

func pkt(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }

func TestCredentials(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	var mu sync.Mutex
	valid := "bot:first"
	u.intercept(func(next http.Handler) http.Handler {
		return answers{next, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, pass, _ := r.BasicAuth()
			mu.Lock()
			ok := user+":"+pass == valid || "Bearer "+valid == r.Header.Get("Authorization")
			mu.Unlock()
			if !ok {
				http.Error(w, "go away\x1b[2J "+strings.Repeat("x", 100000), http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		}}
	})
	o := options(t, u.url)
	secret := "first"
	user := "bot"
	o.Credentials = func(context.Context) (string, string, error) { return user, secret, nil }
	m := open(t, o)
	fetch(t, m)
	mu.Lock()
	valid = "bot:second"
	mu.Unlock()
	_, err := m.Fetch(context.Background())
	if !errors.Is(err, gitops.ErrDenied) || strings.Contains(err.Error(), "first") || len(err.Error()) > 2000 || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("Fetch with an expired secret = %v, want a clean ErrDenied", err)
	}
	secret = "second"
	fetch(t, m)
	mu.Lock()
	valid = "token"
	mu.Unlock()
	user, secret = "", "token"
	fetch(t, m)
}

func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	leaked := make(chan string, 10)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked <- r.Header.Get("Authorization")
		http.NotFound(w, r)
	}))
	t.Cleanup(evil.Close)
	o := options(t, u.url)
	o.Credentials = func(context.Context) (string, string, error) { return "bot", "secret", nil }
	m := open(t, o)
	u.intercept(func(http.Handler) http.Handler {
		return http.RedirectHandler(evil.URL+"/repo.git/info/refs?service=git-upload-pack", http.StatusFound)
	})
	if _, err := m.Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("Fetch over a redirect to another host = %v, want a refusal", err)
	}
	if len(leaked) > 0 {
		t.Errorf("the other host was asked, with %q", <-leaked)
	}
}

func TestURLWithPassword(t *testing.T) {
	t.Parallel()
	o := options(t, "https://bot:hunter2@git.example.com/repo.git")
	if _, err := mirror.Open(context.Background(), o); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open = %v, want an error without the password", err)
	}
}
