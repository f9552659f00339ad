package registry_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
)

// dockerRegistry starts Debian's docker-registry, open to bot with the
// password s3cret, which notifies hooks.
func dockerRegistry(t *testing.T, hooks string) string {
	t.Helper()
	users := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(users, []byte("bot:$2b$04$yAJtZPu4NVKVTUf6nQdQhO8k508ihG9abJk8XF6kUyTdTS4aVuVNi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return registrytest.Debian(t,
		fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}", users),
		fmt.Sprintf("notifications: {endpoints: [{name: test, url: %q, timeout: 5s, threshold: 3, backoff: 1s}]}", hooks))
}

func TestDockerRegistry(t *testing.T) {
	t.Parallel()
	hints := make(chan registry.Hint, 100)
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		found, err := registry.Hints(body)
		if err != nil {
			t.Error(err)
		}
		for _, hint := range found {
			hints <- hint
		}
	}))
	t.Cleanup(hooks.Close)
	address := dockerRegistry(t, hooks.URL)
	pushed := func(tag string) signals.Digest {
		ref, err := name.ParseReference(address + "/team/app:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		image := image(t)
		if err := remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: "bot", Password: "s3cret"})); err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return signals.Digest(digest.String())
	}
	r := open(t, address, func(o *registry.Options) {
		o.Credentials.Basic = func() (string, string, error) { return "bot", "s3cret", nil }
	})
	first, second := pushed("1.0.0"), pushed("1.1.0")
	tags, err := r.Tags(t.Context(), "team/app")
	if diff := cmp.Diff([]string{"1.0.0", "1.1.0"}, tags); diff != "" || err != nil {
		t.Errorf("Tags = %v (-want +got):\n%s", err, diff)
	}
	for range 2 {
		got, err := r.Resolve(t.Context(), "team/app", "1.0.0")
		if err != nil || got.Digest != first || got.Incomplete {
			t.Errorf("Resolve = %+v, %v, want %s", got, err, first)
		}
	}
	moved := pushed("1.0.0")
	if got, err := r.Resolve(t.Context(), "team/app", "1.0.0"); err != nil || got.Digest != moved {
		t.Errorf("Resolve of the moved tag = %+v, %v, want %s", got, err, moved)
	}
	if got, err := r.Describe(t.Context(), "team/app", second); err != nil || got.Digest != second {
		t.Errorf("Describe = %+v, %v, want %s", got, err, second)
	}
	pushed("end")
	want := []registry.Hint{{"team/app", "1.0.0"}, {"team/app", "1.1.0"}, {"team/app", "1.0.0"}, {"team/app", "end"}}
	var got []registry.Hint
	for len(got) == 0 || got[len(got)-1].Tag != "end" {
		select {
		case hint := <-hints:
			got = append(got, hint)
		case <-time.After(20 * time.Second):
			t.Fatalf("hints so far: %v", got)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	wrong := open(t, address, func(o *registry.Options) {
		o.Credentials.Basic = func() (string, string, error) { return "bot", "other", nil }
	})
	if _, err := wrong.Tags(t.Context(), "team/app"); err == nil {
		t.Error("Tags with a wrong password succeeded")
	}
}
