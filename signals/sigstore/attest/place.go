package attest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	emptyType  = "application/vnd.oci.empty.v1+json"
	// mostBeside is with how much evidence beside a digest nothing is added:
	// whoever verifies reads a bounded number of referrers, and has to find those
	// of others.
	mostBeside = 40
)

var (
	// ErrUnsafe says that a registry cannot take a statement without the risk
	// that somebody else's is lost.
	ErrUnsafe = errors.New("it has no Referrers API and no conditional writes, so evidence of others could be lost")
	// ErrCrowded says that there is too much beside a digest.
	ErrCrowded = errors.New("there is so much evidence beside it that more could hide some")
)

// Place is where statements about a digest are put: beside it, in its registry.
type Place struct {
	Subject name.Digest
	// Client makes requests to the repository, with the right to push if there
	// is one.
	Client http.RoundTripper
	// Options are those of the same client for the registry's library.
	Options []remote.Option
	// Timeout bounds what is asked and put at a time, 1 minute by default.
	Timeout time.Duration
}

func (p Place) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(p.Timeout, time.Minute))
}

// Missing are those of the statements that this signer did not put here yet.
// Nothing is written.
func (p Place) Missing(ctx context.Context, f sigstore.Fetcher, s *signer.Signer, wanted []signer.Statement) ([]signer.Statement, error) {
	f.BundlesOnly = true
	beside, err := f.Fetch(ctx, p.Subject)
	if err != nil {
		return nil, err
	}
	there := marks(beside.Items, s)
	var missing []signer.Statement
	for _, w := range wanted {
		payload, err := w.Payload()
		if err != nil {
			return nil, err
		}
		m, ok := marked(payload)
		if !ok {
			return nil, fmt.Errorf("a statement of type %s names no policy that others could read", w.PredicateType)
		}
		if !slices.Contains(there, m) {
			missing = append(missing, w)
		}
	}
	if len(missing) > 0 && len(beside.Items)+len(missing) > mostBeside {
		return nil, fmt.Errorf("%w (%d)", ErrCrowded, len(beside.Items))
	}
	return missing, nil
}

// marks are those of what a signer put here.
func marks(items []sigstore.Item, s *signer.Signer) []mark {
	var all []mark
	for _, item := range items {
		if payload, mine := s.Open(item.Raw); mine {
			if m, ok := marked(payload); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

// Lists says whether the registry keeps the list of referrers itself. It reads
// and writes nothing.
func (p Place) Lists(ctx context.Context) (bool, error) {
	ctx, cancel := p.timed(ctx)
	defer cancel()
	resp, err := p.do(ctx, http.MethodGet, "referrers/"+p.Subject.DigestStr(), nil, http.Header{"Accept": {string(types.OCIImageIndex)}})
	if err != nil {
		return false, fmt.Errorf("ask %s for its referrers: %w", p.Subject.Context().Name(), err)
	}
	switch resp.status {
	case http.StatusOK:
		return true, nil
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed:
		return false, nil
	}
	return false, fmt.Errorf("ask %s for its referrers: the registry answered %d %s", p.Subject.Context().Name(), resp.status, http.StatusText(resp.status))
}

// Put signs statements and puts them beside the digest.
func (p Place) Put(ctx context.Context, s *signer.Signer, statements []signer.Statement) error {
	ctx, cancel := p.timed(ctx)
	defer cancel()
	lists, err := p.Lists(ctx)
	if err != nil {
		return err
	}
	put := p.commit
	if !lists {
		put = p.append
	}
	for _, st := range statements {
		raw, err := s.Bundle(st)
		if err != nil {
			return err
		}
		if err := p.put(ctx, raw, st.PredicateType, put); err != nil {
			return fmt.Errorf("put a statement beside %s: %w", p.Subject.Name(), explain(err))
		}
	}
	return nil
}

// put uploads a bundle and its manifest.
func (p Place) put(ctx context.Context, raw []byte, predicateType string, commit func(context.Context, v1.Descriptor, []byte) error) error {
	options := append(slices.Clip(p.Options), remote.WithContext(ctx), remote.WithReferrersTagFallback(false))
	about, err := remote.Head(p.Subject, options...)
	if err != nil {
		return err
	}
	for _, l := range []v1.Layer{static.NewLayer([]byte("{}"), emptyType), static.NewLayer(raw, bundleType)} {
		if err := remote.WriteLayer(p.Subject.Context(), l, options...); err != nil {
			return err
		}
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: bundleType,
		Config: v1.Descriptor{MediaType: emptyType, Size: 2, Digest: sum([]byte("{}"))},
		Layers: []v1.Descriptor{{MediaType: bundleType, Size: int64(len(raw)), Digest: sum(raw)}},
		Annotations: map[string]string{
			"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType,
		},
		Subject: &v1.Descriptor{MediaType: about.MediaType, Size: about.Size, Digest: about.Digest},
	})
	if err != nil {
		return err
	}
	return commit(ctx, v1.Descriptor{
		MediaType: types.OCIManifestSchema1, ArtifactType: bundleType, Size: int64(len(manifest)), Digest: sum(manifest),
		Annotations: map[string]string{"dev.sigstore.bundle.predicateType": predicateType},
	}, manifest)
}

// commit puts a manifest where the registry keeps the list.
func (p Place) commit(ctx context.Context, d v1.Descriptor, manifest []byte) error {
	return p.expect(ctx, "manifests/"+d.Digest.String(), manifest, types.OCIManifestSchema1, nil)
}

// expect makes a write that must succeed.
func (p Place) expect(ctx context.Context, path string, body []byte, media types.MediaType, header http.Header) error {
	resp, err := p.write(ctx, path, body, media, header)
	if err != nil {
		return err
	}
	if resp.status != http.StatusCreated && resp.status != http.StatusOK && resp.status != http.StatusAccepted {
		return &refusal{resp.status}
	}
	return nil
}

func sum(raw []byte) v1.Hash {
	s := sha256.Sum256(raw)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s[:])}
}

// refusal is a registry's answer in our words; what it wrote stays behind.
type refusal struct{ status int }

// Error implements error.
func (r *refusal) Error() string {
	text := fmt.Sprintf("the registry answered %d %s", r.status, http.StatusText(r.status))
	if r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
		text += "; its credentials need the right to push"
	}
	return text
}

func explain(err error) error {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		return &refusal{answer.StatusCode}
	}
	return err
}
