package sigstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// Kind is the form of a piece of evidence.
type Kind string

// The forms that are read.
const (
	Bundle      Kind = "bundle"
	Legacy      Kind = "signature"
	Attestation Kind = "attestation"
)

// Item is one piece of evidence as the registry holds it, not yet verified.
type Item struct {
	Kind           Kind
	Manifest, Blob v1.Hash
	Annotations    map[string]string
	Raw            []byte
	// Problem says why there are no bytes to verify: too large, or missing.
	Problem string
}

// Evidence is all that a registry holds about a digest at one time.
type Evidence struct {
	Subject name.Digest
	Items   []Item
	At      time.Time
}

// Limits bound what is read about one digest. A zero field takes its default.
type Limits struct {
	// Referrers that may be evidence, 64 by default.
	Referrers int
	// Layers of a .sig or .att manifest, 64 by default.
	Layers int
	// Blob is the size of one piece in bytes, 32 MiB by default.
	Blob int64
	// Parallel requests, 4 by default and at least 2.
	Parallel int
	// Timeout of the whole look, 1 minute by default.
	Timeout time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Referrers == 0 {
		l.Referrers = 64
	}
	if l.Layers == 0 {
		l.Layers = 64
	}
	if l.Blob == 0 {
		l.Blob = 32 << 20
	}
	if l.Parallel == 0 {
		l.Parallel = 4
	}
	if l.Timeout == 0 {
		l.Timeout = time.Minute
	}
	l.Parallel = max(l.Parallel, 2)
	return l
}

var (
	// ErrSubjectMissing says that the registry does not hold the digest itself.
	ErrSubjectMissing = errors.New("the registry does not have this digest")
	// ErrLimit says that there is more evidence than is read.
	ErrLimit = errors.New("limit exceeded")
)

// Fetcher reads evidence through the shared client of one registry.
type Fetcher struct {
	// Puller is the client. It is required.
	Puller *remote.Puller
	// Cache may be nil. The list of evidence is read in any case; the pieces
	// are remembered by their digests.
	Cache  Cache
	Limits Limits
	// Attestations says that more than signatures is asked for, so that the
	// .att tag is read too.
	Attestations bool
	// BundlesOnly leaves the tags of cosign's older forms unread.
	BundlesOnly bool
	// Subject asks for the digest itself even where there is evidence about it;
	// where there is none it is asked for in any case.
	Subject bool
}

// Fetch reads everything that may be evidence about a digest. It returns an
// error if any part of the list could not be read.
func (f Fetcher) Fetch(ctx context.Context, subject name.Digest) (Evidence, error) {
	limits := f.Limits.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if f.Cache == nil {
		f.Cache = noCache{}
	}
	at := time.Now()
	l := &look{Fetcher: f, subject: subject, limits: limits}
	items, err := l.run(ctx)
	if err != nil {
		return Evidence{}, fmt.Errorf("could not look for the evidence of %s: %w", subject.Name(), err)
	}
	return Evidence{Subject: subject, Items: items, At: at}, nil
}

// look is one reading of a digest's evidence.
type look struct {
	Fetcher
	subject name.Digest
	limits  Limits

	mu    sync.Mutex
	items []Item
}

func (l *look) run(ctx context.Context) ([]Item, error) {
	if err := l.gather(ctx); err != nil {
		return nil, err
	}
	if len(l.items) == 0 || l.Subject {
		switch _, err := l.Puller.Head(ctx, l.subject); {
		case notFound(err):
			return nil, ErrSubjectMissing
		case err != nil:
			return nil, explain(err)
		}
	}
	slices.SortFunc(l.items, func(a, b Item) int {
		return strings.Compare(string(a.Kind)+a.Manifest.String()+a.Blob.String()+a.Annotations[legacySignature],
			string(b.Kind)+b.Manifest.String()+b.Blob.String()+b.Annotations[legacySignature])
	})
	return l.items, nil
}

// gather reads all places where evidence may lie.
func (l *look) gather(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(l.limits.Parallel)
	if !l.BundlesOnly {
		group.Go(func() error { return l.legacy(ctx, ".sig", Legacy) })
	}
	if !l.BundlesOnly && l.Attestations {
		group.Go(func() error { return l.legacy(ctx, ".att", Attestation) })
	}
	group.Go(func() error { return l.referrers(ctx, group) })
	return group.Wait()
}

// legacy reads one of the tags under which older evidence lies.
func (l *look) legacy(ctx context.Context, suffix string, kind Kind) error {
	tag := l.subject.Context().Tag(strings.Replace(l.subject.DigestStr(), ":", "-", 1) + suffix)
	desc, err := l.Puller.Get(ctx, tag)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return explain(err)
	}
	manifest, ok := parse(desc.Manifest)
	if !ok {
		l.add(Item{Kind: kind, Manifest: desc.Digest, Problem: fmt.Sprintf("the manifest of the %s tag cannot be read", suffix)})
		return nil
	}
	if len(manifest.Layers) > l.limits.Layers {
		return fmt.Errorf("%w: %d layers in the %s tag, more than %d", ErrLimit, len(manifest.Layers), suffix, l.limits.Layers)
	}
	for _, layer := range manifest.Layers {
		if err := l.blob(ctx, kind, desc.Digest, layer); err != nil {
			return err
		}
	}
	return nil
}

const (
	bundlePrefix = "application/vnd.dev.sigstore.bundle"
	emptyType    = "application/vnd.oci.empty.v1+json"
)

func (l *look) referrers(ctx context.Context, group *errgroup.Group) error {
	index, err := remote.Referrers(l.subject, remote.Reuse(l.Puller), remote.WithContext(ctx))
	if err != nil {
		return explain(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("the list of referrers cannot be read: %w", err)
	}
	seen := map[v1.Hash]bool{}
	for _, r := range list.Manifests {
		// Registries and older clients write the empty type, or none, for any.
		if r.ArtifactType != "" && r.ArtifactType != emptyType && !strings.HasPrefix(r.ArtifactType, bundlePrefix) || seen[r.Digest] {
			continue
		}
		seen[r.Digest] = true
		if len(seen) > l.limits.Referrers {
			return fmt.Errorf("%w: more than %d referrers that may be evidence", ErrLimit, l.limits.Referrers)
		}
		group.Go(func() error { return l.referrer(ctx, r.Digest) })
	}
	return nil
}

func (l *look) referrer(ctx context.Context, digest v1.Hash) error {
	raw, err := l.remembered(ctx, "manifest", digest, func() ([]byte, error) {
		desc, err := l.Puller.Get(ctx, l.subject.Context().Digest(digest.String()))
		if err != nil {
			return nil, err
		}
		return desc.Manifest, nil
	})
	if notFound(err) { // a list kept under a tag outlives what it lists
		return nil
	}
	if err != nil {
		return explain(err)
	}
	manifest, ok := parse(raw)
	if !ok || len(manifest.Layers) != 1 || !strings.HasPrefix(string(manifest.Layers[0].MediaType), bundlePrefix) {
		return nil
	}
	if manifest.Subject == nil || manifest.Subject.Digest.String() != l.subject.DigestStr() {
		l.add(Item{Kind: Bundle, Manifest: digest, Blob: manifest.Layers[0].Digest, Problem: fmt.Sprintf("bundle %s is listed here but is about another digest", digest)})
		return nil
	}
	return l.blob(ctx, Bundle, digest, manifest.Layers[0])
}

func parse(raw []byte) (v1.Manifest, bool) {
	var manifest v1.Manifest
	err := json.Unmarshal(raw, &manifest)
	return manifest, err == nil
}

func (l *look) blob(ctx context.Context, kind Kind, manifest v1.Hash, layer v1.Descriptor) error {
	item := Item{Kind: kind, Manifest: manifest, Blob: layer.Digest, Annotations: layer.Annotations}
	if layer.Size > l.limits.Blob {
		item.Problem = fmt.Sprintf("%s %s has %d bytes, more than %d", kind, layer.Digest, layer.Size, l.limits.Blob)
		l.add(item)
		return nil
	}
	raw, err := l.remembered(ctx, "blob", layer.Digest, func() ([]byte, error) { return l.read(ctx, layer.Digest) })
	switch {
	case notFound(err):
		item.Problem = fmt.Sprintf("the content of %s %s is missing", kind, layer.Digest)
	case errors.Is(err, errTooLarge):
		item.Problem = fmt.Sprintf("%s %s has more than %d bytes", kind, layer.Digest, l.limits.Blob)
	case err != nil:
		return explain(err)
	}
	item.Raw = raw
	l.add(item)
	return nil
}

var errTooLarge = errors.New("too large")

// read takes the bytes as they are: nothing is ever inflated.
func (l *look) read(ctx context.Context, digest v1.Hash) ([]byte, error) {
	layer, err := l.Puller.Layer(ctx, l.subject.Context().Digest(digest.String()))
	if err != nil {
		return nil, err
	}
	content, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(content, l.limits.Blob+1))
	if int64(len(raw)) > l.limits.Blob {
		return nil, errors.Join(errTooLarge, content.Close())
	}
	return raw, errors.Join(err, content.Close())
}

// remembered answers from the cache if what it holds still hashes to its name.
func (l *look) remembered(ctx context.Context, what string, digest v1.Hash, read func() ([]byte, error)) ([]byte, error) {
	key := "sigstore/" + what + "/" + digest.String()
	raw, found, err := l.Cache.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read remembered evidence: %w", err)
	}
	if sum := sha256.Sum256(raw); found && digest.Algorithm == "sha256" && hex.EncodeToString(sum[:]) == digest.Hex {
		return raw, nil
	}
	if raw, err = read(); err != nil {
		return nil, err
	}
	if err := l.Cache.Put(ctx, key, raw); err != nil {
		return nil, fmt.Errorf("remember evidence: %w", err)
	}
	return raw, nil
}

func (l *look) add(item Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, item)
}

func notFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// refusal is an answer of the registry in our words; what it wrote stays
// behind, because anybody may have written it.
type refusal struct {
	text   string
	answer error
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// Unwrap is the answer as the library gave it.
func (r *refusal) Unwrap() error { return r.answer }

func explain(err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return err
	}
	return &refusal{fmt.Sprintf("the registry answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), answer}
}
