package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry"
)

func TestTags(t *testing.T) {
	t.Parallel()
	_, address := serve(t)
	digest := push(t, address+"/team/app:1.0.0", image(t))
	for _, tag := range []string{"1.1.0", "latest", "sha256-" + digest.Hex, "sha256-" + digest.Hex + ".sig", "sha256-" + digest.Hex + ".att", "x.sbom"} {
		push(t, address+"/team/app:"+tag, empty.Image)
	}
	got, err := open(t, address, nil).Tags(t.Context(), "team/app")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1.0.0", "1.1.0", "latest"}, got); diff != "" {
		t.Errorf("Tags (-want +got):\n%s", diff)
	}
}

func tagsJSON(w http.ResponseWriter, next string, tags ...string) {
	if next != "" {
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	_, _ = fmt.Fprintf(w, `{"name":"team/app","tags":["%s"]}`, strings.Join(tags, `","`))
}

func numbered(from, to int) []string {
	var tags []string
	for i := from; i < to; i++ {
		tags = append(tags, fmt.Sprintf("1.0.%d", i))
	}
	return tags
}

func TestTagsOfABadRegistry(t *testing.T) {
	t.Parallel()
	page := 0
	cases := map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
		is     error
	}{
		"more tags than the limit": {
			answer: func(w http.ResponseWriter, _ *http.Request) { tagsJSON(w, "", numbered(0, 10_001)...) },
			want:   "more than 10000 tags (limit tags)", is: registry.ErrLimit,
		},
		"endless pages": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				page++
				tagsJSON(w, fmt.Sprintf("/v2/team/app/tags/list?last=%d", page), fmt.Sprintf("1.0.%d", page))
			},
			want: "more than 1000 pages", is: registry.ErrLimit,
		},
		"the same page for ever": {
			answer: func(w http.ResponseWriter, _ *http.Request) { tagsJSON(w, "/v2/team/app/tags/list?last=1", "1.0.0") },
			want:   "the same page of tags twice",
		},
		"a page elsewhere": {
			answer: func(w http.ResponseWriter, _ *http.Request) { tagsJSON(w, "http://example.org/more", "1.0.0") },
			want:   "host does not match",
		},
		"a login page": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<html>sign in</html>")
			},
			want: "not JSON; is a login page",
		},
		"a huge answer": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(bytes.Repeat([]byte(" "), 5<<20))
			},
			want: "more than 4194304 bytes", is: registry.ErrLimit,
		},
		"no such repository": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, http.StatusNotFound)
			},
			want: "not found", is: registry.ErrNotFound,
		},
		"forbidden": {
			answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
			want:   "read permission",
		},
		"down": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "\x1b[31moops", http.StatusInternalServerError)
			},
			want: "the registry answered 500 Internal Server Error",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, address := serve(t)
			h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/tags/list") {
					return false
				}
				c.answer(w, r)
				return true
			})
			_, err := open(t, address, nil).Tags(t.Context(), "team/app")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "oops") {
				t.Errorf("Tags = %v, want an error with %q and without the registry's text", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Tags = %v, want %v", err, c.is)
			}
		})
	}
}

func TestResolveImage(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	digest := push(t, address+"/team/app:1.0.0", image(t))
	r := open(t, address, nil)
	want := signals.Version{
		Digest: signals.Digest(digest.String()), Tag: "1.0.0", Platforms: []string{"linux/arm64/v8"},
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Revision: "4f2a", Source: "https://example.org/app",
	}
	h.Answer(nil)
	for _, requests := range []int{4, 1} { // ping, HEAD, manifest, configuration; then HEAD
		got, err := r.Resolve(t.Context(), "team/app", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Resolve (-want +got):\n%s", diff)
		}
		if got := len(h.Requests()); got != requests {
			t.Errorf("Resolve took %d requests, want %d: %q", got, requests, h.Requests())
		}
		h.Answer(nil)
	}
	if _, err := r.Resolve(t.Context(), "team/app", "2.0.0"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Resolve of a missing tag = %v, want ErrNotFound", err)
	}
}

func TestResolveIndex(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	one, two := image(t), image(t)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: two, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}},
	)
	ref, err := name.ParseReference(address + "/team/app:1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	missing, err := two.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, address, nil)
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, missing.String()) {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	got, err := r.Resolve(t.Context(), "team/app", "1.0.0")
	if err != nil || !got.Incomplete {
		t.Errorf("Resolve with a missing child = %+v, %v, want it incomplete", got, err)
	}
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, missing.String()) {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	if got, err := r.Resolve(t.Context(), "team/app", "1.0.0"); err == nil {
		t.Errorf("Resolve with an unreadable child = %+v, want an error", got)
	}
	h.Answer(nil)
	got, err = r.Resolve(t.Context(), "team/app", "1.0.0")
	if err != nil || got.Incomplete {
		t.Errorf("Resolve when the child came = %+v, %v, want it complete", got, err)
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, got.Platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	got.Tag = ""
	described, err := open(t, address, nil).Describe(t.Context(), "team/app", got.Digest)
	if diff := cmp.Diff(got, described); err != nil || diff != "" {
		t.Errorf("Describe = %v (-by its tag +by its digest):\n%s", err, diff)
	}
	if got, err := r.Describe(t.Context(), "team/app", signals.Digest("sha256:"+strings.Repeat("0", 64))); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Describe of nothing = %+v, %v, want ErrNotFound", got, err)
	}
}

func TestResolveALie(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	push(t, address+"/team/app:1.0.0", image(t))
	other := push(t, address+"/team/app:2.0.0", image(t))
	h.Answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, other.String()) {
			r.URL.Path = "/v2/team/app/manifests/1.0.0"
		}
		return false
	})
	got, err := open(t, address, nil).Resolve(t.Context(), "team/app", "2.0.0")
	if err == nil || !strings.Contains(err.Error(), "does not match requested digest") {
		t.Errorf("Resolve = %+v, %v, want the lie found", got, err)
	}
}

func TestResolveAHugeManifest(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "1000")
			return true
		}
		for range 1 << 10 { // a gigabyte, if anybody reads on
			if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
				return true
			}
		}
		t.Error("the whole manifest was read")
		return true
	})
	_, err := open(t, address, nil).Resolve(t.Context(), "team/app", "1.0.0")
	if !errors.Is(err, registry.ErrLimit) {
		t.Errorf("Resolve = %v, want ErrLimit", err)
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	h.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	r := open(t, address, nil)
	before := time.Now()
	_, err := r.Tags(t.Context(), "team/app")
	var throttled *registry.Throttled
	if !errors.As(err, &throttled) {
		t.Fatalf("Tags = %v, want Throttled", err)
	}
	if wait := throttled.Until.Sub(before); wait < 2*time.Minute || wait > 3*time.Minute {
		t.Errorf("Until is %s away, want the 120 s of Retry-After", wait)
	}
	requests := len(h.Requests())
	if _, err := r.Resolve(t.Context(), "team/app", "1.0.0"); !errors.As(err, &throttled) {
		t.Errorf("Resolve = %v, want Throttled", err)
	}
	if got := len(h.Requests()); got != requests {
		t.Errorf("%d requests were sent to a registry that asked for a pause", got-requests)
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	digest := push(t, address+"/team/app:1.0.0", image(t))
	unchanged := 0
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/manifests/1.0.0") {
			return false
		}
		if r.Header.Get("If-None-Match") == `"one"` {
			unchanged++
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		w.Header().Set("Etag", `"one"`)
		return false
	})
	r := open(t, address, nil)
	for range 3 {
		got, err := r.Resolve(t.Context(), "team/app", "1.0.0")
		if err != nil || got.Digest != signals.Digest(digest.String()) {
			t.Fatalf("Resolve = %+v, %v", got, err)
		}
	}
	if unchanged != 2 {
		t.Errorf("%d answers were 304, want 2", unchanged)
	}
	h.Answer(nil)
	moved := push(t, address+"/team/app:1.0.0", image(t))
	if got, err := r.Resolve(t.Context(), "team/app", "1.0.0"); err != nil || got.Digest != signals.Digest(moved.String()) {
		t.Errorf("Resolve of the moved tag = %+v, %v, want %s", got, err, moved)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	_, address := serve(t)
	push(t, address+"/team/app:1.0.0", image(t))
	r := open(t, address, func(o *registry.Options) { o.RequestsPerSecond = 0.001 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Tags(ctx, "team/app"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Tags beyond the budget = %v, want to wait until the deadline", err)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	r, digest := open(t, "127.0.0.1:5000", nil), signals.Digest("sha256:"+strings.Repeat("0", 64))
	if ref, err := r.Reference("team/app", digest); err != nil || ref.Name() != "127.0.0.1:5000/team/app@"+string(digest) {
		t.Errorf("Reference = %s, %v", ref.Name(), err)
	}
	for _, path := range []string{"../../.waveguide", "", "Team/app", "a//b", "a b", "team/app:1"} {
		if _, err := r.Reference(path, digest); err == nil || !strings.Contains(err.Error(), "is not a path") {
			t.Errorf("Reference(%q) = %v, want the path refused", path, err)
		}
	}
}

// TestAGoneDigestIsNotUnchanged holds that a digest is asked for without a
// condition: docker-registry says of every digest that it has not changed, also
// of one that was deleted.
func TestAGoneDigestIsNotUnchanged(t *testing.T) {
	t.Parallel()
	h, address := serve(t)
	digest := signals.Digest(push(t, address+"/team/app:1.0.0", image(t)).String())
	gone := false
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/manifests/"+string(digest)):
		case r.Header.Get("If-None-Match") != "":
			w.WriteHeader(http.StatusNotModified)
			return true
		case gone:
			w.WriteHeader(http.StatusNotFound)
			return true
		default:
			w.Header().Set("Etag", `"`+string(digest)+`"`)
		}
		return false
	})
	r := open(t, address, nil)
	ref, err := r.Reference("team/app", digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone = range []bool{false, true} {
		if _, err := r.Puller().Head(t.Context(), ref); (err != nil) != gone {
			t.Errorf("Head = %v, gone %t", err, gone)
		}
	}
}
