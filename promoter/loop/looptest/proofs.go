package looptest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// Proofs are a prover as a loop sees it, and signatures as those see them who
// sign.
type Proofs struct {
	Prover loop.Prover
	// Stop asks for a signature by the key of the name Key, and for nothing
	// else, of digests of Image. Other is another image of the registry.
	Stop              promoter.Stop
	Key, Image, Other string
	// Now is the clock that proofs are dated by.
	Now func() time.Time

	// Push puts a new build without a signature into Image.
	Push func(t *testing.T) signals.Digest
	// Sign has the key sign a digest of Image for an image.
	Sign func(t *testing.T, d signals.Digest, image string)
	// Forge has a key that nobody trusts sign a digest for Image.
	Forge func(t *testing.T, d signals.Digest)
	// Erase deletes a digest from Image. Revoke takes every proof of a digest
	// back, as whoever runs the daemon does.
	Erase, Revoke func(t *testing.T, d signals.Digest)
}

// ProofsContract is what holds of every prover.
func ProofsContract(t *testing.T, newProofs func(t *testing.T) Proofs) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Proofs){
		"what nobody signed has no signature":                      unsigned,
		"what the key signed for the image is verified":            signed,
		"what the key signed for another image is refused":         signedForAnother,
		"what a foreign key signed is refused":                     signedByAnother,
		"a signature that comes later is seen":                     signedLater,
		"what is revoked is refused, verified before or not":       revoked,
		"what is revoked is refused, signed and there or not":      revokedAnyway,
		"a digest that is gone is an error and not unsigned":       gone,
		"a signature does not stand for what is gone, asked again": goneAgain,
		"a digest of another image is an error and not unsigned":   elsewhere,
		"who asks for nothing is told nothing":                     unasked,
		"a look at proofs that is cancelled says so":               cancelledProofs,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			point(t, newProofs(t))
		})
	}
}

// tells asks for the signature of a digest, with and without all cryptography
// again, and compares what it came to; it is dated, and refusals have a reason.
func (p Proofs) tells(t *testing.T, d signals.Digest, want signals.Proof) {
	t.Helper()
	want.Kind, want.Digest = signals.ProofSignature, d
	for _, again := range []bool{false, true} {
		before := p.Now()
		list, err := p.Prover.Proofs(t.Context(), p.Image, d, p.Stop, again)
		if err != nil || len(list) != 1 {
			t.Fatalf("proofs of %s, again %t: %v, %v; want one", d.Short(), again, list, err)
		}
		got := list[0]
		if got.At.Before(before) || got.At.After(p.Now()) {
			t.Errorf("again %t: the proof is of %s, but it was read after %s", again, got.At, before)
		}
		if got.Outcome != signals.OutcomeVerified && got.Reason == "" {
			t.Errorf("again %t: %q without a reason", again, got.Outcome)
		}
		same := got.Kind == want.Kind && got.Digest == want.Digest && got.Outcome == want.Outcome && got.By == want.By && got.Repository == want.Repository
		if !same {
			t.Errorf("again %t: the proof is %+v, want %+v", again, got, want)
		}
	}
}

// fails asks about a digest that nothing can be said of.
func (p Proofs) fails(t *testing.T, image string, d signals.Digest, again bool) {
	t.Helper()
	if list, err := p.Prover.Proofs(t.Context(), image, d, p.Stop, again); err == nil {
		t.Errorf("again %t: the proofs of %s are %+v, want an error", again, d.Short(), list)
	}
}

func unsigned(t *testing.T, p Proofs) {
	t.Helper()
	p.tells(t, p.Push(t), signals.Proof{Outcome: signals.OutcomeAbsent})
}

func signed(t *testing.T, p Proofs) {
	t.Helper()
	d, other := p.Push(t), p.Push(t)
	p.Sign(t, d, p.Image)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeVerified, By: p.Key, Repository: p.Image})
	p.tells(t, other, signals.Proof{Outcome: signals.OutcomeAbsent})
}

func signedForAnother(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Other)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeRefused, Repository: p.Other})
}

func signedByAnother(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Forge(t, d)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeRefused})
}

func signedLater(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeAbsent})
	p.Forge(t, d)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeRefused})
	p.Sign(t, d, p.Image)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeVerified, By: p.Key, Repository: p.Image})
}

func revoked(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Image)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeVerified, By: p.Key, Repository: p.Image})
	p.Revoke(t, d)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeRefused})
	never := p.Push(t)
	p.Sign(t, never, p.Image)
	p.Revoke(t, never)
	p.tells(t, never, signals.Proof{Outcome: signals.OutcomeRefused})
}

func revokedAnyway(t *testing.T, p Proofs) {
	t.Helper()
	unsigned, gone := p.Push(t), p.Push(t)
	p.Sign(t, gone, p.Image)
	p.Revoke(t, unsigned)
	p.Revoke(t, gone)
	p.Erase(t, gone)
	p.tells(t, unsigned, signals.Proof{Outcome: signals.OutcomeRefused})
	p.tells(t, gone, signals.Proof{Outcome: signals.OutcomeRefused})
}

func gone(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.tells(t, d, signals.Proof{Outcome: signals.OutcomeAbsent})
	p.Erase(t, d)
	for _, again := range []bool{false, true} {
		p.fails(t, p.Image, d, again)
	}
}

// goneAgain holds what is left to registries: a signature may outlive what it
// is about, but nobody merges on that.
func goneAgain(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Image)
	p.Erase(t, d)
	if list, err := p.Prover.Proofs(t.Context(), p.Image, d, p.Stop, false); err == nil && (len(list) != 1 || list[0].Outcome != signals.OutcomeVerified) {
		t.Errorf("the proofs of what is gone are %+v, want what was signed or an error", list)
	}
	p.fails(t, p.Image, d, true)
}

func elsewhere(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Image)
	for _, again := range []bool{false, true} {
		p.fails(t, p.Other, d, again)
	}
}

func unasked(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Image)
	list, err := p.Prover.Proofs(t.Context(), p.Image, d, promoter.Stop{Lane: p.Stop.Lane}, false)
	if err != nil || len(list) > 0 {
		t.Errorf("the proofs that nobody asks for are %+v, %v", list, err)
	}
}

func cancelledProofs(t *testing.T, p Proofs) {
	t.Helper()
	d := p.Push(t)
	p.Sign(t, d, p.Image)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := p.Prover.Proofs(ctx, p.Image, d, p.Stop, true); !errors.Is(err, context.Canceled) {
		t.Errorf("a look that was cancelled finds %+v, %v", list, err)
	}
}
