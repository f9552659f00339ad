package kubernetes_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// follower counts hints and keeps failures.
type follower struct {
	t     *testing.T
	hints chan string

	mu     sync.Mutex
	failed []string
}

// follow follows the pods of a namespace until the test ends.
func follow(t *testing.T, c *kubernetes.Client) *follower {
	t.Helper()
	f := &follower{t: t, hints: make(chan string, 1000)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Follow(ctx, kubernetes.Ref{Version: "v1", Resource: "pods", Namespace: "staging"}, "", func(name string) { f.hints <- name }, func(err error) {
			f.mu.Lock()
			f.failed = append(f.failed, err.Error())
			f.mu.Unlock()
		})
	}()
	t.Cleanup(func() { stop(); <-done })
	return f
}

// hinted waits for a hint about an object.
func (f *follower) hinted(name, why string) {
	f.t.Helper()
	select {
	case got := <-f.hints:
		if got != name {
			f.t.Errorf("%s: hint about %q, want %q", why, got, name)
		}
	case <-time.After(time.Minute):
		f.mu.Lock()
		defer f.mu.Unlock()
		f.t.Fatalf("no hint: %s; failures: %q", why, f.failed)
	}
}

// fails waits for a failure with a text.
func (f *follower) fails(want string) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		all := strings.Join(f.failed, "\n")
		f.mu.Unlock()
		if strings.Contains(all, want) {
			return
		}
		if time.Now().After(end) {
			f.t.Fatalf("failures %q, want %q", all, want)
		}
	}
}

// watched waits until a watch is open, and returns the requests until then.
func watched(t *testing.T, fake *kubernetestest.Server) (asked []string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, r := range fake.Requests() {
			asked = append(asked, r.Verb)
		}
		if len(asked) > 0 && asked[len(asked)-1] == "watch" {
			return asked
		}
	}
	t.Fatalf("no watch was opened, only %q", asked)
	return nil
}

func TestFollow(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	f := follow(t, client)
	f.hinted("", "it begins")
	if got := strings.Join(watched(t, fake), " "); got != "list watch" {
		t.Errorf("it began with %q, want list watch", got)
	}
	fake.Put(replica(1, one))
	f.hinted(replica(1, one).Name, "a pod was added")
	fake.Put(crash(replica(1, one)))
	f.hinted(replica(1, one).Name, "a pod changed")
	fake.Delete(path(replica(1, one)))
	f.hinted(replica(1, one).Name, "a pod was removed")
	fake.Put(deployment(pinned(one)))

	// The connection breaks: it goes on from where it was, without a list.
	fake.Fault(kubernetestest.Faults{Cut: 1 << 20})
	fake.Put(replica(2, one))
	f.hinted(replica(2, one).Name, "a pod was added as the connection broke")
	fake.Fault(kubernetestest.Faults{})
	if got := watched(t, fake); strings.Contains(strings.Join(got, " "), "list") {
		t.Errorf("after a cut it asked for %q, want no list", got)
	}

	// A bookmark moves it on although nothing that it watches changed, so that
	// forgetting what was before does not matter.
	fake.Bookmark()
	fake.Put(replica(3, one))
	f.hinted(replica(3, one).Name, "a pod was added after a bookmark")

	// What it would go on from is forgotten: it begins anew and hints, because
	// something may have happened.
	fake.Fault(kubernetestest.Faults{Cut: 1 << 20})
	fake.Put(replica(4, one))
	f.hinted(replica(4, one).Name, "a pod was added as the connection broke again")
	fake.Forget()
	fake.Fault(kubernetestest.Faults{})
	f.hinted("", "it began anew")
	fake.Put(replica(5, one))
	f.hinted(replica(5, one).Name, "a pod was added after it began anew")
}

func TestFollowIsRefused(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	fake.Allow(nil)
	f := follow(t, client)
	f.fails("the role in deploy/rbac allows what is needed")
}

func TestFollowReadsBoundedEvents(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ events, want string }{
		"an endless event":      {strings.Repeat("x", 5<<20), "the answer is longer than"},
		"no event":              {"<html>\n", "an event is not what it should be"},
		"an event of no object": {`{"type":"ADDED","object":{}}` + "\n", "an event has no version"},
		"another error":         {`{"type":"ERROR","object":{"code":500,"message":"etcd is\nill"}}` + "\n", "the cluster ends the watch with 500: etcd isill"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("watch") == "" {
					_, _ = w.Write([]byte(`{"metadata":{"resourceVersion":"7"},"items":[]}`))
					return
				}
				if got := r.URL.Query().Get("resourceVersion"); got != "7" {
					t.Errorf("it watches from %q, want 7", got)
				}
				_, _ = w.Write([]byte(c.events))
			})
			f := follow(t, client)
			f.hinted("", "it begins")
			f.fails(c.want)
		})
	}
}
