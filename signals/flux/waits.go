package flux

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

const (
	// maxChain bounds how many objects that wait for each other are named,
	// maxDependencies how many are read to find them.
	maxChain        = 5
	maxDependencies = 20
)

// Behind says why a newer version may not have arrived at an object that is
// well: its source cannot be fetched, or nobody fetches it. It is empty where
// the source is well too.
func (s *Source) Behind(ctx context.Context, q Spec) string {
	kind, name, _ := strings.Cut(q.Object, "/")
	var o object
	if _, err := s.read(ctx, kind, q.Namespace, name, &o); err != nil {
		return ""
	}
	return s.unfetched(ctx, &o)
}

// waits is what an object waits for that its controller does not blame it for:
// what it depends on, or its source. Empty if it waits for neither.
func (s *Source) waits(ctx context.Context, kind string, o *object) string {
	r := o.condition("Ready")
	switch {
	case r == nil || r.Status == metav1.ConditionTrue:
		return ""
	case o.blocked():
		return s.chain(ctx, kind, o)
	case r.Reason == "ArtifactFailed", r.Reason == "SourceNotReady":
		return s.unfetched(ctx, o)
	}
	return ""
}

// chain follows what waits for what to its end, and names it on the way.
func (s *Source) chain(ctx context.Context, kind string, o *object) string {
	w := walk{source: s, kind: kind, left: maxDependencies}
	path := []string{key(o)}
	text := func(end string) string {
		return "it waits for " + kind + " " + strings.Join(path[1:], ", which waits for "+kind+" ") + end
	}
	for range maxChain {
		next, found := w.unready(ctx, o)
		switch {
		case !found && len(path) == 1:
			return ""
		case !found:
			return text("")
		}
		again := slices.Contains(path, next.at)
		path = append(path, next.at)
		switch {
		case again:
			return text(": they wait for each other")
		case !next.object.blocked():
			return text(": " + next.why)
		}
		o = next.object
	}
	return text(", and so on")
}

// walk reads what objects of a kind depend on, so many and no more.
type walk struct {
	source *Source
	kind   string
	left   int
}

// obstacle is what is not ready: where it is, why, and the object if it can be
// read.
type obstacle struct {
	at, why string
	object  *object
}

// unready is the first that an object depends on and that is not ready.
func (w *walk) unready(ctx context.Context, o *object) (obstacle, bool) {
	for _, d := range o.Spec.DependsOn {
		namespace := cmp.Or(d.Namespace, o.Metadata.Namespace)
		at := named(d.Name, namespace)
		if w.left--; w.left < 0 {
			return obstacle{at: at, why: "it depends on more than are read"}, true
		}
		var one object
		switch _, err := w.source.read(ctx, w.kind, namespace, d.Name, &one); {
		case errors.Is(err, kubernetes.ErrNotFound):
			return obstacle{at: at, why: "it is not there"}, true
		case err != nil:
			return obstacle{at: at, why: err.Error()}, true
		}
		if r := one.ready(w.kind); r.state != signals.StateHealthy {
			return obstacle{at, r.reason, &one}, true
		}
	}
	return obstacle{}, false
}

// blocked says that an object waits for others.
func (o *object) blocked() bool {
	if o == nil {
		return false
	}
	r := o.condition("Ready")
	return r != nil && r.Reason == "DependencyNotReady"
}

func key(o *object) string { return named(o.Metadata.Name, o.Metadata.Namespace) }

func named(name, namespace string) string {
	return kubernetes.Plain(name) + " in " + kubernetes.Plain(namespace)
}

// unfetched says why the source of an object has nothing newer. Sources of
// other kinds than we may read are left to the controller's own words.
func (s *Source) unfetched(ctx context.Context, o *object) string {
	from := cmp.Or(o.Spec.SourceRef, o.Spec.ChartRef, o.Spec.Chart.Spec.SourceRef)
	if from == nil || from.Kind != "GitRepository" && from.Kind != "OCIRepository" {
		return ""
	}
	kind := strings.ToLower(from.Kind)
	at := named(from.Name, cmp.Or(from.Namespace, o.Metadata.Namespace))
	var source object
	if _, err := s.read(ctx, kind, cmp.Or(from.Namespace, o.Metadata.Namespace), from.Name, &source); err != nil {
		return fmt.Sprintf("its source %s %s cannot be read: %s", kind, at, kubernetes.Plain(err.Error()))
	}
	if r := source.ready(kind); r.state != signals.StateHealthy {
		return fmt.Sprintf("its source %s %s: %s", kind, at, r.reason)
	}
	return ""
}
