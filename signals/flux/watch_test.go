package flux_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/argocd"
	"github.com/waveguide-dev/waveguide/signals/flux"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// TestTheRoleForWatchingIsTheLeast follows all that can be followed under the
// role that we hand out for it.
func TestTheRoleForWatchingIsTheLeast(t *testing.T) {
	t.Parallel()
	fake := kubernetestest.New(t)
	rules := kubernetestest.Role(t, "../../deploy/rbac/watch.yaml")
	fake.Allow(rules)
	client, err := kubernetes.Connect(kubernetes.Options{URL: fake.URL, Network: func(...string) (kubernetes.Network, error) {
		return kubernetes.Network{Dial: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	hints := make(chan string, 100)
	hint, fail := func(name string) { hints <- name }, func(err error) { t.Error(err) }
	kinds := []string{"kustomization", "helmrelease", "ocirepository", "gitrepository"}
	for _, kind := range kinds {
		wg.Go(func() { flux.New(client).Follow(ctx, kind, "apps", hint, fail) })
	}
	wg.Go(func() { kubernetes.New(client).Follow(ctx, "apps", hint, fail) })
	wg.Go(func() { argocd.Over(client).Follow(ctx, argocd.Spec{}, hint, fail) })
	for range len(kinds) + 2 {
		select {
		case <-hints:
		case <-time.After(time.Minute):
			t.Fatal("nobody hints at the beginning")
		}
	}
	var asked []kubernetestest.Request
	for end := time.Now().Add(time.Minute); len(asked) < 2*(len(kinds)+2) && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		asked = append(asked, fake.Requests()...)
	}
	stop()
	wg.Wait()
	kubernetestest.Need(t, rules, asked)
	flux.New(client).Follow(t.Context(), "deployment", "apps", hint, func(error) { asked = nil })
	if asked != nil {
		t.Error("a kind that is none of Flux is followed")
	}
}
