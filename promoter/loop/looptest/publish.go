package looptest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// Publisher is a publisher as a loop sees it, and what others find beside
// versions.
type Publisher struct {
	Publisher loop.Publisher
	// About is that a version earned an environment; nothing was said of it.
	About loop.Publication
	// Said counts what is said beside a version, of all environments.
	Said func(t *testing.T, d signals.Digest) int
	// Push puts another version beside that of About.
	Push func(t *testing.T) signals.Digest
	// Erase deletes a version.
	Erase func(t *testing.T, d signals.Digest)
	// Never is about an image beside which nothing can be said; nil where that
	// cannot be.
	Never func(t *testing.T) loop.Publication
}

// PublisherContract is what holds of every publisher.
func PublisherContract(t *testing.T, newPublisher func(t *testing.T) Publisher) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Publisher){
		"what was not said is missing and then is not":        said,
		"asking what is missing says nothing":                 saysNothing,
		"what is said again is said once":                     saidOnce,
		"what is said of one environment is said of no other": saidOfAnother,
		"what is said of one version is said of no other":     saidOfAnotherVersion,
		"what is said under other rules is missing":           otherRules,
		"beside a version that is gone nothing is said":       saidOfGone,
		"a publication that is cancelled says nothing":        cancelledPublication,
		"what never can be said is called that":               never,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			point(t, newPublisher(t))
		})
	}
}

// lacks says whether something is missing.
func (p Publisher) lacks(t *testing.T, about loop.Publication) bool {
	t.Helper()
	missing, err := p.Publisher.Missing(t.Context(), about)
	if err != nil {
		t.Fatalf("what is missing: %v", err)
	}
	return len(missing) > 0
}

// publish says what is missing and gives how much is said of the version then.
func (p Publisher) publish(t *testing.T, about loop.Publication) int {
	t.Helper()
	if err := p.Publisher.Publish(t.Context(), about); err != nil {
		t.Fatalf("publish: %v", err)
	}
	if p.lacks(t, about) {
		t.Error("what was published is missing")
	}
	return p.Said(t, signals.Digest(about.Version.Digest))
}

func said(t *testing.T, p Publisher) {
	t.Helper()
	if !p.lacks(t, p.About) {
		t.Error("nothing was said, and nothing is missing")
	}
	if n := p.publish(t, p.About); n == 0 {
		t.Error("it was published, and nothing is said")
	}
}

func saysNothing(t *testing.T, p Publisher) {
	t.Helper()
	p.lacks(t, p.About)
	if n := p.Said(t, signals.Digest(p.About.Version.Digest)); n > 0 {
		t.Errorf("%d statements by asking what is missing", n)
	}
}

func saidOnce(t *testing.T, p Publisher) {
	t.Helper()
	first := p.publish(t, p.About)
	p.About.Entry, p.About.Ledger = "another", "another" // as by a second try
	if second := p.publish(t, p.About); second != first {
		t.Errorf("%d statements, and after saying it again %d", first, second)
	}
}

func saidOfAnother(t *testing.T, p Publisher) {
	t.Helper()
	first := p.publish(t, p.About)
	p.About.Stop.Lane.Environment = "another"
	if !p.lacks(t, p.About) {
		t.Error("nothing is missing of another environment")
	}
	if second := p.publish(t, p.About); second != 2*first {
		t.Errorf("%d statements of one environment, %d of two", first, second)
	}
}

func saidOfAnotherVersion(t *testing.T, p Publisher) {
	t.Helper()
	p.publish(t, p.About)
	p.About.Version.Digest = string(p.Push(t))
	if !p.lacks(t, p.About) {
		t.Error("nothing is missing of another version")
	}
}

// otherRules holds that a statement is made under rules, which it names.
func otherRules(t *testing.T, p Publisher) {
	t.Helper()
	p.publish(t, p.About)
	p.About.Stop.Gates.Soak.For += time.Hour
	if !p.lacks(t, p.About) {
		t.Error("nothing is missing under other rules")
	}
}

func saidOfGone(t *testing.T, p Publisher) {
	t.Helper()
	p.Erase(t, signals.Digest(p.About.Version.Digest))
	if err := p.Publisher.Publish(t.Context(), p.About); err == nil || errors.Is(err, loop.ErrUnpublishable) {
		t.Errorf("publish: %v, want an error that may be over when it is there again", err)
	}
}

func cancelledPublication(t *testing.T, p Publisher) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Publisher.Publish(ctx, p.About); !errors.Is(err, context.Canceled) {
		t.Errorf("publish: %v, want that it was cancelled", err)
	}
	if missing, err := p.Publisher.Missing(ctx, p.About); !errors.Is(err, context.Canceled) {
		t.Errorf("what is missing: %v, %v; want that it was cancelled", missing, err)
	}
	if !p.lacks(t, p.About) {
		t.Error("it was cancelled, and nothing is missing")
	}
}

func never(t *testing.T, p Publisher) {
	t.Helper()
	if p.Never == nil {
		t.Skip("everything can be said there")
	}
	about := p.Never(t)
	for range 2 {
		if err := p.Publisher.Publish(t.Context(), about); !errors.Is(err, loop.ErrUnpublishable) {
			t.Errorf("publish: %v, want that it never can be", err)
		}
	}
	if missing, err := p.Publisher.Missing(t.Context(), about); !errors.Is(err, loop.ErrUnpublishable) {
		t.Errorf("what is missing: %v, %v; want that it never can be said", missing, err)
	}
	if !p.lacks(t, p.About) {
		t.Error("beside another image nothing is missing")
	}
}
