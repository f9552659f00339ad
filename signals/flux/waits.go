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
	case r.Reason == "DependencyNotReady":
		return s.chain(ctx, kind, o)
	case r.Reason == "ArtifactFailed", r.Reason == "SourceNotReady":
		return s.unfetched(ctx, o)
	}
	return ""
}

// chain follows what waits for what to its end, and names it on the way.
func (s *Source) chain(ctx context.Context, kind string, o *object) string {
	left, seen, text := maxDependencies, []string{key(o)}, ""
	for range maxChain {
		next, at, why := s.unready(ctx, kind, o, &left)
		if at == "" {
			return text
		}
		text += map[bool]string{true: "it waits for ", false: ", which waits for "}[text == ""] + kind + " " + at
		switch {
		case slices.Contains(seen, at):
			return text + ": they wait for each other"
		case next == nil || next.condition("Ready") == nil || next.condition("Ready").Reason != "DependencyNotReady":
			return text + ": " + why
		}
		seen, o = append(seen, at), next
	}
	return text + ", and so on"
}

// unready is the first that an object depends on and that is not ready, where
// it is and why.
func (s *Source) unready(ctx context.Context, kind string, o *object, left *int) (next *object, at, why string) {
	for _, d := range o.Spec.DependsOn {
		namespace := cmp.Or(d.Namespace, o.Metadata.Namespace)
		at := named(d.Name, namespace)
		if *left--; *left < 0 {
			return nil, at, "it depends on more than are read"
		}
		var one object
		switch _, err := s.read(ctx, kind, namespace, d.Name, &one); {
		case errors.Is(err, kubernetes.ErrNotFound):
			return nil, at, "it is not there"
		case err != nil:
			return nil, at, err.Error()
		}
		if r := one.ready(kind); r.state != signals.StateHealthy {
			return &one, at, r.reason
		}
	}
	return nil, "", ""
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
