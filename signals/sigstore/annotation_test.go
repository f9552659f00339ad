package sigstore_test

import (
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// TestAnnotations holds that annotations count when they are signed, all of
// them and as text, in both forms; beside the signature they are nothing.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	release := newSigner(t)
	pem, err := release.PublicKey()
	must(t, err)
	v, err := sigstore.New(sigstore.Options{
		Keys: []sigstore.Key{{Name: "release", PEM: pem}}, Annotations: map[string]string{"stage": "release", "team": "shop"},
	})
	must(t, err)
	for label, c := range map[string]struct {
		signed map[string]string
		want   signals.Outcome
	}{
		"none":             {nil, signals.OutcomeRefused},
		"one of two":       {map[string]string{"stage": "release"}, signals.OutcomeRefused},
		"another value":    {map[string]string{"stage": "test", "team": "shop"}, signals.OutcomeRefused},
		"both":             {map[string]string{"stage": "release", "team": "shop"}, signals.OutcomeVerified},
		"both, and others": {map[string]string{"stage": "release", "team": "shop", "run": "7"}, signals.OutcomeVerified},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			h := serve(t, true)
			older, bundle := h.Image(t, "team/app"), h.Image(t, "team/app")
			payload, sig, err := release.Payload(older.DigestStr(), older.Context().Name(), c.signed)
			must(t, err)
			// What stands beside a signature anybody may have written.
			must(t, attach(t.Context(), older, payload, map[string]string{"dev.cosignproject.cosign/signature": sig, "stage": "release", "team": "shop"}))
			must(t, release.Attest(t.Context(), bundle, signer.Statement{PredicateType: signer.SignPredicate, Annotations: c.signed}))
			for form, got := range map[string]signals.Proof{"older": prove(t, fetcher(t), v, older), "bundle": prove(t, fetcher(t), v, bundle)} {
				if got.Outcome != c.want {
					t.Errorf("%s: %+v, want %s", form, got, c.want)
				}
				if c.want == signals.OutcomeRefused && !strings.Contains(got.Reason, `without the signed annotations "stage=release, team=shop"`) {
					t.Errorf("%s: %q", form, got.Reason)
				}
			}
		})
	}
}
