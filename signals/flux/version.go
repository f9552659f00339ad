package flux

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// maxDepth bounds the walk through a HelmRelease's values.
const maxDepth = 32

// bound is the version that an answer is about.
type bound struct {
	digest   signals.Digest
	revision string
	rung     signals.Rung
}

// version is what was applied last, and what was tried last.
type version struct{ ran, tried bound }

// version finds out which version an object is about.
func (s *Source) version(ctx context.Context, kind string, q Spec, o *object) (version, error) {
	switch kind {
	case "kustomization":
		return s.ofKustomization(ctx, q, o)
	case "helmrelease":
		return s.ofHelmRelease(ctx, q, o)
	}
	// A source was fetched; whether anybody applied it is another question.
	if o.Status.Artifact == nil {
		return version{}, nil
	}
	return version{ran: bound{revision: kubernetes.Plain(o.Status.Artifact.Revision)}}, nil
}

// ofKustomization reads the digest where the artifact is the bundle that is
// applied, and else the commit.
func (s *Source) ofKustomization(ctx context.Context, q Spec, o *object) (version, error) {
	from, st := o.Spec.SourceRef, o.Status
	if from == nil || from.Kind != "OCIRepository" {
		return version{ran: commit(st.Applied), tried: commit(st.Attempted)}, nil
	}
	own, err := s.serves(ctx, q, from, o.Metadata.Namespace)
	if err != nil {
		return version{}, err
	}
	if own {
		return version{ran: digest(st.Applied), tried: digest(st.Attempted)}, nil
	}
	// The commit that a bundle was made from is known of what was applied only.
	return version{ran: commit(st.AppliedOrigin)}, nil
}

// ofHelmRelease reads the digest where the artifact is the chart, and else the
// one that the values of the applied spec name.
func (s *Source) ofHelmRelease(ctx context.Context, q Spec, o *object) (version, error) {
	if from := o.Spec.ChartRef; from != nil && from.Kind == "OCIRepository" {
		own, err := s.serves(ctx, q, from, o.Metadata.Namespace)
		if err != nil {
			return version{}, err
		}
		if own {
			v := version{tried: digest("@" + o.Status.AttemptedDigest)}
			if len(o.Status.History) > 0 {
				v.ran = digest("@" + o.Status.History[0].Digest)
			}
			return v, nil
		}
	}
	named := slices.Compact(slices.Sorted(slices.Values(digestsIn(o.Spec.Values, kubernetes.Repository(q.Image), 0))))
	if len(named) != 1 {
		return version{}, nil
	}
	b := bound{digest: named[0], rung: signals.RungApplied}
	return version{ran: b, tried: b}, nil
}

// serves says whether an OCI source is the artifact itself.
func (s *Source) serves(ctx context.Context, q Spec, from *reference, namespace string) (bool, error) {
	if from.Namespace != "" {
		namespace = from.Namespace
	}
	var o object
	if _, err := s.read(ctx, "ocirepository", namespace, from.Name, &o); err != nil {
		return false, err
	}
	at := strings.TrimPrefix(o.Spec.URL, "oci://")
	return q.Image != "" && kubernetes.Repository(at) == kubernetes.Repository(q.Image), nil
}

// commit reads a revision of Git: branch@sha1:commit.
func commit(revision string) bound {
	_, after, ok := strings.Cut(revision, "@")
	_, id, named := strings.Cut(after, ":")
	if _, err := hex.DecodeString(id); !ok || !named || err != nil || len(id) != 40 && len(id) != 64 {
		return bound{}
	}
	return bound{revision: id, rung: signals.RungApplied}
}

// digest reads a revision of an OCI source: tag@sha256:digest.
func digest(revision string) bound {
	d := kubernetes.Digest(revision)
	if d == "" {
		return bound{}
	}
	return bound{digest: d, rung: signals.RungApplied}
}

// digestsIn are the digests that values name for an image, as one reference or
// as a repository beside its digest or tag.
func digestsIn(values any, image string, depth int) []signals.Digest {
	if depth > maxDepth {
		return nil
	}
	var out []signals.Digest
	switch v := values.(type) {
	case string:
		if d := kubernetes.Digest(v); d != "" && kubernetes.Repository(v) == image {
			out = append(out, d)
		}
	case []any:
		for _, item := range v {
			out = append(out, digestsIn(item, image, depth+1)...)
		}
	case map[string]any:
		out = append(out, beside(v, image)...)
		for _, item := range v {
			out = append(out, digestsIn(item, image, depth+1)...)
		}
	}
	return out
}

func beside(values map[string]any, image string) []signals.Digest {
	text := func(key string) string { s, _ := values[key].(string); return s }
	repository := text("repository")
	if registry := text("registry"); registry != "" {
		repository = registry + "/" + repository
	}
	if repository == "" || kubernetes.Repository(repository) != image {
		return nil
	}
	if d, err := signals.ParseDigest(text("digest")); err == nil {
		return []signals.Digest{d}
	}
	if d := kubernetes.Digest(text("tag")); d != "" {
		return []signals.Digest{d}
	}
	return nil
}
