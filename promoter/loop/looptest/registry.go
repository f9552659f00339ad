package looptest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// Registry is a registry as a loop sees it, and as those see it who push. No tag
// of its images begins with 2.
type Registry struct {
	Registry loop.Registry
	// Image and Other can be pushed to; nobody ever pushed to Nowhere.
	Image, Other, Nowhere string

	// Push puts a new build under a tag, whatever that named before.
	Push func(t *testing.T, image, tag string) signals.Digest
	// Tag has a tag of Image name a build that is there.
	Tag func(t *testing.T, tag string, d signals.Digest)
	// Untag deletes a tag of Image.
	Untag func(t *testing.T, tag string)
	// Erase deletes a digest of Image; nil where the registry leaves the tags of
	// a digest behind, which the specification lets it do.
	Erase func(t *testing.T, d signals.Digest)
}

// RegistryContract is what holds of every registry.
func RegistryContract(t *testing.T, newRegistry func(t *testing.T) Registry) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Registry){
		"the versions are the selected tags in the order of their names": selected,
		"a selector that takes nothing finds nothing":                    nothingSelected,
		"a tag that moves is told with the digest it names now":          moved,
		"a tag that was deleted is gone":                                 untagged,
		"an image whose last tag was deleted has no versions":            emptied,
		"a digest that was deleted takes its tags along":                 erased,
		"what is pushed later is seen":                                   pushedLater,
		"nothing is told of another image":                               another,
		"an image that nobody ever pushed is an error":                   unpushed,
		"a look that is cancelled says so":                               cancelledVersions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			point(t, newRegistry(t))
		})
	}
}

// two selects the tags that begin with 2.
func two(tag string) bool { return strings.HasPrefix(tag, "2.") }

// tells compares what an image's tags that begin with 2 name.
func (r Registry) tells(t *testing.T, image string, want ...signals.Version) {
	t.Helper()
	list, err := r.Registry.Versions(t.Context(), image, two)
	if err != nil {
		t.Fatalf("versions of %s: %v", image, err)
	}
	same := func(a, b signals.Version) bool { return a.Tag == b.Tag && a.Digest == b.Digest }
	if !slices.EqualFunc(list, want, same) {
		t.Errorf("the versions of %s are %v, want %v", image, list, want)
	}
}

func version(tag string, d signals.Digest) signals.Version {
	return signals.Version{Tag: tag, Digest: d}
}

func selected(t *testing.T, r Registry) {
	t.Helper()
	late, early := r.Push(t, r.Image, "2.9.0"), r.Push(t, r.Image, "2.10.0")
	r.Push(t, r.Image, "latest")
	r.Push(t, r.Image, "3.0.0")
	r.Tag(t, "2.9.1", late) // one build may have many names
	r.tells(t, r.Image, version("2.10.0", early), version("2.9.0", late), version("2.9.1", late))
}

func nothingSelected(t *testing.T, r Registry) {
	t.Helper()
	r.Push(t, r.Image, "latest")
	r.tells(t, r.Image)
}

func moved(t *testing.T, r Registry) {
	t.Helper()
	first := r.Push(t, r.Image, "2.0.0")
	r.tells(t, r.Image, version("2.0.0", first))
	second := r.Push(t, r.Image, "2.0.0")
	if first == second {
		t.Fatal("two builds have one digest")
	}
	r.tells(t, r.Image, version("2.0.0", second))
	r.Tag(t, "2.0.0", first)
	r.tells(t, r.Image, version("2.0.0", first))
}

func untagged(t *testing.T, r Registry) {
	t.Helper()
	d := r.Push(t, r.Image, "2.0.0")
	r.Tag(t, "2.1.0", d)
	r.tells(t, r.Image, version("2.0.0", d), version("2.1.0", d))
	r.Untag(t, "2.0.0")
	r.tells(t, r.Image, version("2.1.0", d))
}

func emptied(t *testing.T, r Registry) {
	t.Helper()
	r.Push(t, r.Image, "2.0.0")
	r.Untag(t, "2.0.0")
	r.tells(t, r.Image)
}

func erased(t *testing.T, r Registry) {
	t.Helper()
	if r.Erase == nil {
		t.Skip("this registry leaves the tags of a digest behind")
	}
	d, other := r.Push(t, r.Image, "2.0.0"), r.Push(t, r.Image, "2.1.0")
	r.Tag(t, "2.2.0", d)
	r.tells(t, r.Image, version("2.0.0", d), version("2.1.0", other), version("2.2.0", d))
	r.Erase(t, d)
	r.tells(t, r.Image, version("2.1.0", other))
}

func pushedLater(t *testing.T, r Registry) {
	t.Helper()
	first := r.Push(t, r.Image, "2.0.0")
	r.tells(t, r.Image, version("2.0.0", first))
	second := r.Push(t, r.Image, "2.1.0")
	r.tells(t, r.Image, version("2.0.0", first), version("2.1.0", second))
}

func another(t *testing.T, r Registry) {
	t.Helper()
	mine, theirs := r.Push(t, r.Image, "2.0.0"), r.Push(t, r.Other, "2.1.0")
	r.tells(t, r.Image, version("2.0.0", mine))
	r.tells(t, r.Other, version("2.1.0", theirs))
}

func unpushed(t *testing.T, r Registry) {
	t.Helper()
	r.Push(t, r.Image, "2.0.0")
	if list, err := r.Registry.Versions(t.Context(), r.Nowhere, two); err == nil {
		t.Errorf("an image that nobody pushed has the versions %v and no error", list)
	}
}

func cancelledVersions(t *testing.T, r Registry) {
	t.Helper()
	r.Push(t, r.Image, "2.0.0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := r.Registry.Versions(ctx, r.Image, two); !errors.Is(err, context.Canceled) {
		t.Errorf("a look that was cancelled finds %v, %v", list, err)
	}
}
