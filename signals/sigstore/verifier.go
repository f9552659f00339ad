// Package sigstore proves what is said of a digest: it reads the evidence that
// a registry holds about it, in bounds, and checks who signed it, with a key or
// with a certificate under a trusted root, in cosign's older forms (the tags
// .sig and .att) and in the bundle form (referrers). What could not be read is
// an error and never "unsigned".
//
// What is read from the registry is in fetch.go, what makes each form hold in
// legacy.go and bundle.go, who counts as whom in identity.go and keys.go, how
// signed content is bound to a repository in binding.go, and how many pieces
// become one proof in fold.go. What statements mean is the package statement.
// Libraries that speak to networks on their own stay out of here. It is larger
// than a package should be because verifying is one thought: all files but
// fetch.go work on the same verdict, and nobody outside needs a part of it.
package sigstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// Cache remembers immutable blobs and the verdicts about them. What it
// forgets is read and checked again.
type Cache interface {
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	Put(ctx context.Context, key string, value []byte) error
}

// Options configure a [Verifier].
type Options struct {
	// Keys and Identities are the signers that are trusted; any of them
	// suffices. At least one.
	Keys       []Key
	Identities []Identity
	// Roots vouch for identities, and say when keys signed.
	Roots []*Root
	// Revoked are subjects that are trusted no longer, or patterns of them.
	Revoked []string
	// Kinds of evidence that are looked at; signatures if there are none.
	Kinds []signals.ProofKind
	// BundlesOnly refuses cosign's older forms.
	BundlesOnly bool
	// Annotations must stand in the signed content of a signature.
	Annotations map[string]string
	// Own is who publishes summaries in our name; those never count.
	Own Own
	// Cache may be nil.
	Cache Cache
	// Program is the version of this program; verdicts of another are not used.
	Program string
}

// Verifier checks evidence against one set of signers. It is safe for
// concurrent use.
type Verifier struct {
	keys       []trusted
	identities []identity
	roots      []*Root
	revoked    []*regexp.Regexp
	kinds      []signals.ProofKind
	bundles    bool
	annotated  map[string]string
	policy     string
	own        own
	cache      Cache
	program    string
}

// New returns a verifier that trusts the given signers.
func New(o Options) (*Verifier, error) {
	keys, err := load(o.Keys)
	if err != nil {
		return nil, err
	}
	identities, err := loadIdentities(o.Identities)
	if err != nil {
		return nil, err
	}
	switch {
	case len(keys) == 0 && len(identities) == 0:
		return nil, errors.New("no trusted key or identity was given; without one nothing can be verified")
	case len(identities) > 0 && len(o.Roots) == 0:
		return nil, errors.New("no trusted root was given, so nobody can vouch for an identity")
	}
	v := &Verifier{keys: keys, identities: identities, roots: o.Roots, kinds: o.Kinds, bundles: o.BundlesOnly, annotated: o.Annotations, cache: o.Cache, program: o.Program}
	if v.own, err = loadOwn(o.Own); err != nil {
		return nil, err
	}
	if v.cache == nil {
		v.cache = noCache{}
	}
	if len(v.kinds) == 0 {
		v.kinds = []signals.ProofKind{signals.ProofSignature}
	}
	for _, gone := range o.Revoked {
		pattern, err := Pattern(gone)
		if err != nil {
			return nil, err
		}
		v.revoked = append(v.revoked, pattern)
	}
	v.policy = v.hash(o.Revoked)
	return v, nil
}

// hash names everything that decides whom the verifier believes.
func (v *Verifier) hash(revoked []string) string {
	var lines []string
	for _, k := range v.keys {
		lines = append(lines, fmt.Sprintf("key %q %s", k.name, k.hint))
	}
	for _, i := range v.identities {
		lines = append(lines, fmt.Sprintf("identity %q %q %q", i.Name, i.Subject, i.Issuer))
	}
	for _, r := range v.roots {
		lines = append(lines, "root "+r.Hash())
	}
	for _, gone := range revoked {
		lines = append(lines, fmt.Sprintf("revoked %q", gone))
	}
	for _, k := range v.kinds {
		lines = append(lines, fmt.Sprintf("kind %q", k))
	}
	if slices.Contains(v.kinds, signals.ProofSummary) {
		lines = append(lines, fmt.Sprintf("own %q %s", v.own.verifier, v.own.hint))
	}
	if v.bundles {
		lines = append(lines, "bundles only")
	}
	for key, value := range v.annotated {
		lines = append(lines, fmt.Sprintf("annotation %q %q", key, value))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Policy is the hash of the signers that are trusted, with their names, roots
// and the kinds of evidence that they are asked for.
func (v *Verifier) Policy() string { return v.policy }

// Verify folds the evidence into one proof of each kind, in the order of
// [Options]. Verdicts about evidence that was checked before come from the
// cache.
func (v *Verifier) Verify(ctx context.Context, e Evidence) ([]signals.Proof, error) {
	verdicts := make([]verdict, len(e.Items))
	for i, item := range e.Items {
		key, err := v.verdictKey(e, item)
		if err != nil {
			return nil, err
		}
		known, found, err := v.cache.Get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("read a remembered verdict: %w", err)
		}
		if found && json.Unmarshal(known, &verdicts[i]) == nil && verdicts[i].Standing != unread {
			continue
		}
		verdicts[i] = v.judge(ctx, e, item)
		if err := v.remember(ctx, key, verdicts[i]); err != nil {
			return nil, err
		}
	}
	return v.fold(e, verdicts), ctx.Err()
}

// Reverify is Verify with all cryptography done again, as before a merge.
func (v *Verifier) Reverify(ctx context.Context, e Evidence) ([]signals.Proof, error) {
	verdicts := make([]verdict, len(e.Items))
	for i, item := range e.Items {
		verdicts[i] = v.judge(ctx, e, item)
	}
	return v.fold(e, verdicts), ctx.Err()
}

// judge checks one piece of evidence. A crash of a library on hostile input
// refuses that piece.
func (v *Verifier) judge(ctx context.Context, e Evidence, item Item) (result verdict) {
	defer func() {
		if crash := recover(); crash != nil {
			result = refuse(malformed, "%s %s makes the verifier crash: %.200q", item.Kind, item.Blob, fmt.Sprint(crash))
		}
	}()
	switch {
	case item.Problem != "":
		return refuse(malformed, "%s", item.Problem)
	case item.Kind == Bundle:
		return v.judgeBundle(e, item, item.Raw)
	case v.bundles:
		return refuse(malformed, "%s %s is of cosign's older form, and only bundles are accepted", item.Kind, item.Blob)
	case item.Kind == Attestation:
		return v.judgeAttestation(e, item)
	}
	return v.judgeLegacy(ctx, e, item)
}

// verdictKey covers everything that a verdict depends on.
func (v *Verifier) verdictKey(e Evidence, item Item) (string, error) {
	raw, err := json.Marshal([]any{v.program, v.policy, e.Subject.Name(), item.Kind, item.Blob, item.Annotations, item.Problem})
	if err != nil {
		return "", fmt.Errorf("name the verdict about %s: %w", item.Blob, err)
	}
	sum := sha256.Sum256(raw)
	return "sigstore/verdict/" + hex.EncodeToString(sum[:]), nil
}

func (v *Verifier) remember(ctx context.Context, key string, found verdict) error {
	if ctx.Err() != nil { // the check may have been cut short
		return ctx.Err()
	}
	raw, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("remember a verdict: %w", err)
	}
	if err := v.cache.Put(ctx, key, raw); err != nil {
		return fmt.Errorf("remember a verdict: %w", err)
	}
	return nil
}

// names lists whom we trust, for people.
func (v *Verifier) names() string {
	var names []string
	for _, k := range v.keys {
		names = append(names, k.name)
	}
	for _, i := range v.identities {
		names = append(names, cmp.Or(i.Name, i.Subject))
	}
	return strings.Join(names, ", ")
}

// whom says what kind of signers we trust.
func (v *Verifier) whom() string {
	switch {
	case len(v.identities) == 0:
		return "keys"
	case len(v.keys) == 0:
		return "identities"
	}
	return "signers"
}

type noCache struct{}

// Get implements [Cache].
func (noCache) Get(context.Context, string) ([]byte, bool, error) { return nil, false, nil }

// Put implements [Cache].
func (noCache) Put(context.Context, string, []byte) error { return nil }
