// Package sigstore proves who signed a digest: it reads the evidence that a
// registry holds about it, in bounds, and checks signatures made with keys, in
// cosign's older form (a .sig tag) and in the bundle form (a referrer). What
// could not be read is an error and never "unsigned".
//
// What is read from the registry is in fetch.go, what makes each form hold in
// legacy.go and bundle.go, and how signed content is bound to a repository in
// binding.go. Libraries that speak to networks on their own stay out of here.
package sigstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	// Keys that are trusted; any of them suffices. At least one.
	Keys []Key
	// Cache may be nil.
	Cache Cache
	// Program is the version of this program; verdicts of another are not used.
	Program string
}

// Verifier checks evidence against one set of keys. It is safe for concurrent
// use.
type Verifier struct {
	keys    []trusted
	policy  string
	cache   Cache
	program string
}

// New returns a verifier that trusts the given keys.
func New(o Options) (*Verifier, error) {
	keys, err := load(o.Keys)
	if err != nil {
		return nil, err
	}
	cache := o.Cache
	if cache == nil {
		cache = noCache{}
	}
	return &Verifier{keys: keys, policy: hashOf(keys), cache: cache, program: o.Program}, nil
}

// Policy is the hash of the trusted keys and their names.
func (v *Verifier) Policy() string { return v.policy }

// Verify folds the evidence into one proof of kind signature. Verdicts about
// evidence that was checked before come from the cache.
func (v *Verifier) Verify(ctx context.Context, e Evidence) (signals.Proof, error) {
	verdicts := make([]verdict, len(e.Items))
	for i, item := range e.Items {
		key, err := v.verdictKey(e, item)
		if err != nil {
			return signals.Proof{}, err
		}
		known, found, err := v.cache.Get(ctx, key)
		if err != nil {
			return signals.Proof{}, fmt.Errorf("read a remembered verdict: %w", err)
		}
		if found && json.Unmarshal(known, &verdicts[i]) == nil && verdicts[i].Standing != unread {
			continue
		}
		verdicts[i] = v.judge(ctx, e, item)
		if err := v.remember(ctx, key, verdicts[i]); err != nil {
			return signals.Proof{}, err
		}
	}
	return v.fold(e, verdicts), ctx.Err()
}

// Reverify is Verify with all cryptography done again, as before a merge.
func (v *Verifier) Reverify(ctx context.Context, e Evidence) (signals.Proof, error) {
	verdicts := make([]verdict, len(e.Items))
	for i, item := range e.Items {
		verdicts[i] = v.judge(ctx, e, item)
	}
	return v.fold(e, verdicts), ctx.Err()
}

// standing orders what a piece of evidence came to; of several refusals the
// highest is told.
type standing uint8

const (
	unread standing = iota
	unrelated
	malformed
	strange
	misplaced
	unbound // it holds, and names no repository
	foreign // it holds, for another repository
	verified
)

// holds tells signatures that speak for the digest. One that names no
// repository does, unless the same keys signed it for somewhere else only.
func (s standing) holds() bool { return s == verified || s == unbound }

// verdict is what one piece of evidence came to.
type verdict struct {
	Standing   standing `json:"standing"`
	By         string   `json:"by,omitempty"`
	Repository string   `json:"repository,omitempty"`
	Tag        string   `json:"tag,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

func refuse(s standing, format string, args ...any) verdict {
	return verdict{Standing: s, Reason: fmt.Sprintf(format, args...)}
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
		return v.judgeBundle(e, item)
	}
	return v.judgeLegacy(ctx, e, item)
}

func (v *Verifier) fold(e Evidence, verdicts []verdict) signals.Proof {
	proof := signals.Proof{
		Kind: signals.ProofSignature, Digest: signals.Digest(e.Subject.DigestStr()),
		Outcome: signals.OutcomeAbsent, Reason: "no signature", At: e.At, Policy: v.policy,
	}
	var best verdict
	unrelatedItems := 0
	for i, found := range verdicts {
		if found.Standing.holds() {
			proof.Evidence = append(proof.Evidence, signals.Digest(e.Items[i].Blob.String()))
		}
		if found.Standing == unrelated {
			unrelatedItems++
		}
		if better(found, best) {
			best = found
		}
	}
	slices.Sort(proof.Evidence)
	proof.Evidence = slices.Compact(proof.Evidence)
	switch {
	case best.Standing.holds():
		proof.Outcome = signals.OutcomeVerified
		proof.By, proof.Repository, proof.Tag = best.By, best.Repository, best.Tag
		proof.Reason = "signed by " + best.By
	case best.Standing > unrelated:
		proof.Outcome, proof.Evidence = signals.OutcomeRefused, nil
		proof.Repository, proof.Reason = best.Repository, best.Reason
	case unrelatedItems > 0:
		proof.Reason = fmt.Sprintf("no signature, only other evidence (%d)", unrelatedItems)
	}
	return proof
}

// better prefers what stands higher, and among equals what names a version.
func better(a, b verdict) bool {
	return cmp.Or(
		cmp.Compare(a.Standing, b.Standing),
		cmp.Compare(min(len(a.Tag), 1), min(len(b.Tag), 1)),
	) > 0
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

// names lists the trusted keys for people.
func (v *Verifier) names() string {
	names := make([]string, len(v.keys))
	for i, k := range v.keys {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}

type noCache struct{}

// Get implements [Cache].
func (noCache) Get(context.Context, string) ([]byte, bool, error) { return nil, false, nil }

// Put implements [Cache].
func (noCache) Put(context.Context, string, []byte) error { return nil }
