package argocd_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/argocd"
)

// follow follows until the test ends.
func follow(t *testing.T, s *argocd.Source, q argocd.Spec) (hints chan string, failed chan error) {
	t.Helper()
	hints, failed = make(chan string, 1000), make(chan error, 1000)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Follow(ctx, q, func(name string) { hints <- name }, func(err error) { failed <- err })
	}()
	t.Cleanup(func() { stop(); <-done })
	return hints, failed
}

func next[T any](t *testing.T, what string, from chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	fake.put(application(after, pinned(two)))
	hints, failed := follow(t, source(t, fake), argocd.Spec{Project: "payments"})
	if got := next(t, "hint at the beginning", hints); got != "prod-order-api" {
		t.Errorf("hint about %q", got)
	}
	fake.put(application(before, pinned(one)))
	next(t, "hint after a change", hints)
	fake.set(func(a *argo) { a.cut = true; close(a.changed); a.changed = make(chan struct{}) })
	if err := next(t, "failure", failed); err.Error() != "argocd ends its stream: the watch isover" {
		t.Errorf("failure %v", err)
	}
	fake.set(func(a *argo) { a.cut = false })
	next(t, "hint after it began again", hints)
}

func TestFollowObjects(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	hints, _ := follow(t, argocd.Over(client), argocd.Spec{})
	if got := next(t, "hint at the beginning", hints); got != "" {
		t.Errorf("hint about %q, want about any", got)
	}
	fake.Put(application(after, pinned(two)))
	if got := next(t, "hint after a change", hints); got != "prod-order-api" {
		t.Errorf("hint about %q", got)
	}
}

func TestFollowRecordedStream(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/stream-applications.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(data)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	s, err := argocd.New(argocd.Options{URL: server.URL, HTTP: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	hints, _ := follow(t, s, argocd.Spec{})
	for range strings.Count(strings.TrimSpace(string(data)), "\n") + 1 {
		if got := next(t, "hint", hints); got != "web" {
			t.Errorf("hint about %q, want web", got)
		}
	}
}
