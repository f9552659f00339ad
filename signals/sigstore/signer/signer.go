// Package signer signs images with a key and stores the signature beside them,
// in cosign's older form and in the bundle form. It serves the demo, scripts
// and tests; releases are signed by their own pipelines.
//
// The bytes it writes are those of the cosign command; see the recordings in
// the testdata of the package above before changing them.
package signer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// SignPredicate is the statement of a plain image signature.
	SignPredicate = "https://sigstore.dev/cosign/sign/v1"

	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	intotoType = "application/vnd.in-toto+json"
	emptyType  = "application/vnd.oci.empty.v1+json"
)

// Signer holds an ECDSA P-256 key.
type Signer struct{ key *ecdsa.PrivateKey }

// Generate makes a signer with a fresh key.
func Generate() (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return &Signer{key}, nil
}

// PublicKey is the public key in PEM form.
func (s *Signer) PublicKey() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Sign writes a legacy signature of a digest to its .sig tag, beside those
// that are there. It names the digest's own repository.
func (s *Signer) Sign(ctx context.Context, subject name.Digest, options ...remote.Option) error {
	return s.SignAs(ctx, subject, subject.Context().Name(), options...)
}

// SignAs is Sign with the repository that the signed content names, which may
// be another one.
func (s *Signer) SignAs(ctx context.Context, subject name.Digest, repository string, options ...remote.Option) error {
	payload, signature, err := s.Payload(subject.DigestStr(), repository, nil)
	if err != nil {
		return err
	}
	layer := static.NewLayer(payload, "application/vnd.dev.cosign.simplesigning.v1+json")
	return Attach(ctx, subject, layer, map[string]string{"dev.cosignproject.cosign/signature": signature}, options...)
}

// Payload makes the content of a legacy signature and signs it.
func (s *Signer) Payload(digest, repository string, annotations map[string]string) (payload []byte, signature string, err error) {
	type object = map[string]any
	payload, err = json.Marshal(object{
		"critical": object{
			"identity": object{"docker-reference": repository},
			"image":    object{"docker-manifest-digest": digest},
			"type":     "cosign container image signature",
		},
		"optional": annotations,
	})
	if err != nil {
		return nil, "", fmt.Errorf("write the signature's content: %w", err)
	}
	raw, err := s.sign(payload)
	if err != nil {
		return nil, "", err
	}
	return payload, base64.StdEncoding.EncodeToString(raw), nil
}

// Attach adds a layer to the .sig tag of a digest, whatever it holds.
func Attach(ctx context.Context, subject name.Digest, layer v1.Layer, annotations map[string]string, options ...remote.Option) error {
	options = append(options, remote.WithContext(ctx))
	tag := subject.Context().Tag(strings.Replace(subject.DigestStr(), ":", "-", 1) + ".sig")
	base, err := remote.Image(tag, options...)
	var answer *transport.Error
	switch {
	case errors.As(err, &answer) && answer.StatusCode == 404:
		base = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	case err != nil:
		return fmt.Errorf("read the signatures of %s: %w", subject.Name(), err)
	}
	signed, err := mutate.Append(base, mutate.Addendum{Layer: layer, Annotations: annotations})
	if err != nil {
		return fmt.Errorf("add a signature to %s: %w", subject.Name(), err)
	}
	if err := remote.Write(tag, signed, options...); err != nil {
		return fmt.Errorf("push the signature of %s: %w", subject.Name(), err)
	}
	return nil
}

// SignBundle writes a signature of a digest as a bundle that refers to it.
// Like cosign's, it names no repository.
func (s *Signer) SignBundle(ctx context.Context, subject name.Digest, options ...remote.Option) error {
	return s.Attest(ctx, subject, Statement{PredicateType: SignPredicate}, options...)
}

// Statement is what a bundle says about its subject.
type Statement struct {
	PredicateType string
	// Name of the subject; empty as cosign writes it.
	Name string
	// Digest of the subject; empty for the one that the bundle refers to.
	Digest string
	// Annotations of the subject, as `cosign sign -a` writes them.
	Annotations map[string]string
	Predicate   any
}

// Attest writes a signed statement about a digest as a bundle that refers to
// it.
func (s *Signer) Attest(ctx context.Context, subject name.Digest, statement Statement, options ...remote.Option) error {
	if statement.Digest == "" {
		statement.Digest = subject.DigestStr()
	}
	raw, err := s.Bundle(statement)
	if err != nil {
		return err
	}
	return Refer(ctx, subject, raw, statement.PredicateType, options...)
}

// Payload is the statement as it is signed.
func (s Statement) Payload() ([]byte, error) {
	type object = map[string]any
	about := object{"digest": object{"sha256": strings.TrimPrefix(s.Digest, "sha256:")}}
	if s.Name != "" {
		about["name"] = s.Name
	}
	if len(s.Annotations) > 0 {
		about["annotations"] = s.Annotations
	}
	predicate := s.Predicate
	if predicate == nil {
		predicate = object{}
	}
	payload, err := json.Marshal(object{
		"_type": "https://in-toto.io/Statement/v1", "subject": []any{about},
		"predicateType": s.PredicateType, "predicate": predicate,
	})
	if err != nil {
		return nil, fmt.Errorf("write the statement: %w", err)
	}
	return payload, nil
}

// Bundle makes a signed bundle.
func (s *Signer) Bundle(statement Statement) ([]byte, error) {
	type object = map[string]any
	payload, err := statement.Payload()
	if err != nil {
		return nil, err
	}
	signature, err := s.sign(signed(payload))
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return json.Marshal(object{
		"mediaType":            bundleType,
		"verificationMaterial": object{"publicKey": object{"hint": base64.StdEncoding.EncodeToString(sum[:])}},
		"dsseEnvelope": object{
			"payload": payload, "payloadType": intotoType,
			"signatures": []any{object{"sig": signature}},
		},
	})
}

// Refer pushes bytes as a bundle that refers to a digest, whatever they hold.
func Refer(ctx context.Context, subject name.Digest, raw []byte, predicateType string, options ...remote.Option) error {
	options = append(options, remote.WithContext(ctx))
	about, err := remote.Head(subject, options...)
	if err != nil {
		return fmt.Errorf("find %s: %w", subject.Name(), err)
	}
	config, layer := static.NewLayer([]byte("{}"), emptyType), static.NewLayer(raw, bundleType)
	for _, l := range []v1.Layer{config, layer} {
		if err := remote.WriteLayer(subject.Context(), l, options...); err != nil {
			return fmt.Errorf("push the bundle of %s: %w", subject.Name(), err)
		}
	}
	sum := sha256.Sum256(raw)
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: bundleType,
		Config: v1.Descriptor{MediaType: emptyType, Size: 2, Digest: hash(sha256.Sum256([]byte("{}")))},
		Layers: []v1.Descriptor{{MediaType: bundleType, Size: int64(len(raw)), Digest: hash(sum)}},
		Annotations: map[string]string{
			"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType,
		},
		Subject: &v1.Descriptor{MediaType: about.MediaType, Size: about.Size, Digest: about.Digest},
	})
	if err != nil {
		return fmt.Errorf("write the bundle's manifest: %w", err)
	}
	ref := subject.Context().Digest(hash(sha256.Sum256(manifest)).String())
	if err := remote.Put(ref, pushed(manifest), options...); err != nil {
		return fmt.Errorf("push the bundle of %s: %w", subject.Name(), err)
	}
	return nil
}

func (s *Signer) sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature, nil
}

func hash(sum [sha256.Size]byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sum)}
}

// pushed is a manifest that is pushed as it is.
type pushed []byte

// RawManifest implements [remote.Taggable].
func (p pushed) RawManifest() ([]byte, error) { return bytes.Clone(p), nil }

// MediaType tells the registry what it is given.
func (p pushed) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
