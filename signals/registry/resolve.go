package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	annotationCreated  = "org.opencontainers.image.created"
	annotationRevision = "org.opencontainers.image.revision"
	annotationSource   = "org.opencontainers.image.source"

	longestAnnotation = 512
	mostDetails       = 10_000
	mostConfig        = 1 << 20
)

// Resolve reads which version a tag names now. A digest whose bytes hash to
// something else is an error. A tag that was read before costs one
// conditional request while it names the same digest.
func (r *Registry) Resolve(ctx context.Context, repository, tag string) (signals.Version, error) {
	repo, err := r.repository(repository)
	if err != nil {
		return signals.Version{}, err
	}
	if !tagName.MatchString(tag) {
		return signals.Version{}, fmt.Errorf("tag %.100q of %s is not a tag", tag, repo.Name())
	}
	ctx, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	version, err := r.resolve(ctx, repo, tag)
	if err != nil {
		return signals.Version{}, fmt.Errorf("resolve %s:%s: %w", repo.Name(), tag, err)
	}
	return version, nil
}

func (r *Registry) resolve(ctx context.Context, repo name.Repository, tag string) (signals.Version, error) {
	head, err := r.puller.Head(ctx, repo.Tag(tag))
	if err != nil {
		return signals.Version{}, r.explain(err)
	}
	digest, err := signals.ParseDigest(head.Digest.String())
	if err != nil {
		return signals.Version{}, err
	}
	version, err := r.known(ctx, repo.Digest(head.Digest.String()), digest)
	version.Tag = tag
	return version, err
}

// Describe reads what a digest says of itself, without a tag.
func (r *Registry) Describe(ctx context.Context, repository string, d signals.Digest) (signals.Version, error) {
	ref, err := r.Reference(repository, d)
	if err != nil {
		return signals.Version{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	version, err := r.known(ctx, ref, d)
	if err != nil {
		return signals.Version{}, fmt.Errorf("read %s: %w", ref.Name(), err)
	}
	return version, nil
}

// known reads a manifest unless it is remembered.
func (r *Registry) known(ctx context.Context, ref name.Digest, d signals.Digest) (signals.Version, error) {
	version, ok := r.recall(ref)
	if !ok {
		var err error
		if version, err = r.read(ctx, ref); err != nil {
			return signals.Version{}, err
		}
		version.Digest = d
		r.remember(ref, version)
	}
	version.Platforms = slices.Clone(version.Platforms)
	return version, nil
}

// read gets a manifest by digest and reads what it says of itself.
func (r *Registry) read(ctx context.Context, ref name.Digest) (signals.Version, error) {
	desc, err := r.puller.Get(ctx, ref) // compares the digest with the bytes
	if err != nil {
		err = r.explain(err)
		if errors.Is(err, ErrNotFound) {
			return signals.Version{}, fmt.Errorf("the registry does not have %s; push it again: %w", ref.DigestStr(), err)
		}
		return signals.Version{}, err
	}
	switch {
	case desc.MediaType.IsIndex():
		return r.readIndex(ctx, ref, desc.Manifest)
	case desc.MediaType.IsImage():
		return r.readImage(ctx, ref, desc.Manifest)
	}
	return signals.Version{}, fmt.Errorf("media type %.100q is neither an image nor an index", string(desc.MediaType))
}

func (r *Registry) readIndex(ctx context.Context, ref name.Digest, raw []byte) (signals.Version, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return signals.Version{}, fmt.Errorf("read index %s: %w", ref.DigestStr(), err)
	}
	if len(index.Manifests) > r.limits.Children {
		return signals.Version{}, fmt.Errorf("%w: index with %d manifests, more than %d (limit children)", ErrLimit, len(index.Manifests), r.limits.Children)
	}
	version := annotated(index.Annotations)
	for _, child := range index.Manifests {
		_, err := r.puller.Head(ctx, ref.Context().Digest(child.Digest.String()))
		err = r.explain(err)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return signals.Version{}, fmt.Errorf("look for %s of the index: %w", child.Digest, err)
		}
		version.Incomplete = version.Incomplete || err != nil
		version.Platforms = addPlatform(version.Platforms, child.Platform)
	}
	return version, nil
}

// readImage takes the platform from the image's configuration; artifacts that
// are no container images have none.
func (r *Registry) readImage(ctx context.Context, ref name.Digest, raw []byte) (signals.Version, error) {
	var image v1.Manifest
	if err := json.Unmarshal(raw, &image); err != nil {
		return signals.Version{}, fmt.Errorf("read manifest %s: %w", ref.DigestStr(), err)
	}
	version := annotated(image.Annotations)
	if image.Config.MediaType != types.OCIConfigJSON && image.Config.MediaType != types.DockerConfigJSON {
		return version, nil
	}
	config, err := r.config(ctx, ref.Context().Digest(image.Config.Digest.String()))
	if errors.Is(err, ErrNotFound) {
		version.Incomplete = true
		return version, nil
	}
	if err != nil {
		return signals.Version{}, fmt.Errorf("read the configuration of %s: %w", ref.DigestStr(), err)
	}
	version.Platforms = addPlatform(nil, config.Platform())
	labelled := annotated(config.Config.Labels)
	if version.Created.IsZero() {
		version.Created = labelled.Created
	}
	if version.Created.IsZero() && config.Created.Unix() > 0 {
		version.Created = config.Created.UTC()
	}
	if version.Revision == "" {
		version.Revision = labelled.Revision
	}
	if version.Source == "" {
		version.Source = labelled.Source
	}
	return version, nil
}

func (r *Registry) config(ctx context.Context, ref name.Digest) (*v1.ConfigFile, error) {
	layer, err := r.puller.Layer(ctx, ref)
	if err != nil {
		return nil, r.explain(err)
	}
	blob, err := layer.Compressed()
	if err != nil {
		return nil, r.explain(err)
	}
	raw, err := io.ReadAll(io.LimitReader(blob, mostConfig+1))
	if err = errors.Join(err, blob.Close()); err != nil {
		return nil, err
	}
	if len(raw) > mostConfig {
		return nil, fmt.Errorf("%w: configuration of more than %d bytes", ErrLimit, mostConfig)
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, err
	}
	return &config, nil
}

// annotated reads the annotations that are shown to people. What is too long
// to be one is left out.
func annotated(annotations map[string]string) signals.Version {
	short := func(key string) string {
		if text := annotations[key]; len(text) <= longestAnnotation {
			return text
		}
		return ""
	}
	version := signals.Version{Revision: short(annotationRevision), Source: short(annotationSource)}
	if at, err := time.Parse(time.RFC3339, short(annotationCreated)); err == nil {
		version.Created = at.UTC()
	}
	return version
}

// addPlatform adds a platform to a sorted list. Attestations that a build put
// into an index name the platform unknown and are none.
func addPlatform(platforms []string, p *v1.Platform) []string {
	if p == nil || p.OS == "" || p.OS == "unknown" {
		return platforms
	}
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	if len(text) > longestAnnotation {
		return platforms
	}
	at, found := slices.BinarySearch(platforms, text)
	if found {
		return platforms
	}
	return slices.Insert(platforms, at, text)
}

func (r *Registry) recall(ref name.Digest) (signals.Version, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	version, ok := r.details[ref.Name()]
	return version, ok
}

// remember keeps what a digest says, which cannot change; what is incomplete
// is read again.
func (r *Registry) remember(ref name.Digest, version signals.Version) {
	if version.Incomplete {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.details) >= mostDetails {
		clear(r.details)
	}
	r.details[ref.Name()] = version
}
