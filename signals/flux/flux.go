// Package flux knows what Flux applied and how that went: it reads
// Kustomizations, HelmReleases and their sources over the Kubernetes API, and
// binds each answer to the revision or digest that the controller says it
// applied.
//
// When an object counts as ready is in ready.go, which version an answer is
// about in version.go, and the two come together in [Source.Check]. What it
// waits for is in waits.go.
package flux

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// Spec is one question about one object of Flux.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name string
	// Object is kind/name, as in kustomization/apps; the kinds are kustomization,
	// helmrelease, ocirepository and gitrepository.
	Object    string
	Namespace string
	// Image is the repository of the artifact: a container image that a
	// HelmRelease's values name, or the chart or bundle itself.
	Image string
}

// Source answers questions about the Flux objects of one cluster.
type Source struct{ client *kubernetes.Client }

// New makes the source of a cluster.
func New(c *kubernetes.Client) *Source { return &Source{client: c} }

// object is what is read of the four kinds.
type object struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Suspend      bool       `json:"suspend"`
		Wait         bool       `json:"wait"`
		HealthChecks []any      `json:"healthChecks"`
		SourceRef    *reference `json:"sourceRef"`
		ChartRef     *reference `json:"chartRef"`
		Chart        struct {
			Spec struct {
				SourceRef *reference `json:"sourceRef"`
			} `json:"spec"`
		} `json:"chart"`
		DependsOn []reference    `json:"dependsOn"`
		Values    map[string]any `json:"values"`
		URL       string         `json:"url"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64              `json:"observedGeneration"`
		Conditions         []metav1.Condition `json:"conditions"`
		Applied            string             `json:"lastAppliedRevision"`
		AppliedOrigin      string             `json:"lastAppliedOriginRevision"`
		Attempted          string             `json:"lastAttemptedRevision"`
		AttemptedDigest    string             `json:"lastAttemptedRevisionDigest"`
		Artifact           *struct {
			Revision string `json:"revision"`
		} `json:"artifact"`
		// History is that of a HelmRelease, the newest release first.
		History []release `json:"history"`
	} `json:"status"`
}

type reference struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type release struct {
	Chart   string `json:"chartName"`
	Version string `json:"chartVersion"`
	Digest  string `json:"ociDigest"`
	Status  string `json:"status"`
}

// Check reads an object and says what it applied and how that went. Whatever
// keeps it from knowing is the reason of an unknown state; the error says that
// the cluster could not be asked.
// It costs one request, a second where the artifact may be the object's own OCI
// source, and some more while it waits for its source or for other objects, to
// name them.
func (s *Source) Check(ctx context.Context, q Spec) (signals.Health, error) {
	h := signals.Health{
		Name:   q.Name,
		Source: fmt.Sprintf("%s in %s at %s", kubernetes.Plain(q.Object), kubernetes.Plain(q.Namespace), s.client.Host()),
	}
	kind, name, _ := strings.Cut(q.Object, "/")
	var o object
	behind, err := s.read(ctx, kind, q.Namespace, name, &o)
	var v version
	if err == nil {
		v, err = s.version(ctx, kind, q, &o)
	}
	h.At = time.Now().UTC()
	if err != nil {
		h.Reason = kubernetes.Plain(err.Error())
	} else {
		judge(&h, kind, &o, v)
	}
	if h.State == signals.StateProgressing {
		h.Reason = kubernetes.Plain(cmp.Or(s.waits(ctx, kind, &o), h.Reason))
	}
	kubernetes.Settle(&h, behind)
	return h, kubernetes.Failure(err)
}

// Follow calls hint with the name of an object of a kind that changed in a
// namespace, and with none where any may have, until the context ends: see
// [kubernetes.Client.Follow].
func (s *Source) Follow(ctx context.Context, kind, namespace string, hint func(name string), fail func(error)) {
	ref, err := refOf(kind, namespace, "")
	if err != nil {
		fail(err)
		return
	}
	s.client.Follow(ctx, ref, "", hint, fail)
}

// refOf is where objects of a kind are.
func refOf(kind, namespace, name string) (kubernetes.Ref, error) {
	ref := kubernetes.Ref{Version: "v1", Namespace: namespace, Name: name}
	switch kind {
	case "kustomization":
		ref.Group, ref.Resource = "kustomize.toolkit.fluxcd.io", "kustomizations"
	case "helmrelease":
		ref.Group, ref.Version, ref.Resource = "helm.toolkit.fluxcd.io", "v2", "helmreleases"
	case "ocirepository":
		ref.Group, ref.Resource = "source.toolkit.fluxcd.io", "ocirepositories"
	case "gitrepository":
		ref.Group, ref.Resource = "source.toolkit.fluxcd.io", "gitrepositories"
	default:
		return ref, fmt.Errorf("%.40q is no kind that is read of Flux: use kustomization, helmrelease, ocirepository or gitrepository", kind)
	}
	return ref, nil
}

// read reads one object of a kind.
func (s *Source) read(ctx context.Context, kind, namespace, name string, into *object) (time.Duration, error) {
	ref, err := refOf(kind, namespace, name)
	if err != nil {
		return 0, err
	}
	if name == "" {
		return 0, fmt.Errorf("%.40q names no object: write kind/name", kind)
	}
	behind, err := s.client.Get(ctx, ref, into)
	if err == nil && (into.Metadata.Name != name || into.Metadata.Namespace != namespace) {
		err = fmt.Errorf("the cluster answered about %s/%s instead of %s", into.Metadata.Namespace, into.Metadata.Name, ref)
	}
	return behind, err
}

// judge brings together how it went and what it is about.
func judge(h *signals.Health, kind string, o *object, v version) {
	r := o.ready(kind)
	h.State, h.Reason, h.Since = r.state, r.reason, r.since
	switch h.State {
	case signals.StateHealthy:
		h.Digest, h.Revision, h.Rung, h.Proven = v.ran.digest, v.ran.revision, v.ran.rung, true
		if v.ran == (bound{}) {
			h.State, h.Reason = signals.StateUnknown, "it is ready, but nobody can say with which version: "+h.Reason
		}
	case signals.StateUnhealthy:
		h.Digest, h.Revision, h.Rung = v.tried.digest, v.tried.revision, v.tried.rung
		if v.tried == (bound{}) {
			h.State, h.Reason = signals.StateUnknown, "nobody can say about which version that is: "+h.Reason
		}
	case signals.StateProgressing, signals.StateUnknown:
	}
	if h.State != r.state {
		h.Since, h.Proven = time.Time{}, false
	}
}
