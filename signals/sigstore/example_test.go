package sigstore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// The evidence of a recording; [sigstore.Fetcher] reads it from a registry.
func ExampleVerifier_Verify() {
	key, err := os.ReadFile("testdata/cosign/cosign.pub")
	if err != nil {
		panic(err)
	}
	bundle, err := os.ReadFile("testdata/cosign/bundle-v0.3-key.json")
	if err != nil {
		panic(err)
	}
	subject := name.MustParseReference("127.0.0.1:25000/team/app@sha256:3df9120c778956851c50042d958407a6f109ac9f8177018bd91d1170019c447e").(name.Digest)
	verifier, err := sigstore.New(sigstore.Options{Keys: []sigstore.Key{{Name: "ci", PEM: key}}})
	if err != nil {
		panic(err)
	}
	proofs, err := verifier.Verify(context.Background(), sigstore.Evidence{
		Subject: subject,
		Items:   []sigstore.Item{{Kind: sigstore.Bundle, Blob: v1.Hash{Algorithm: "sha256", Hex: "1d9b638b3b29ec6d591632ad369b1c7da878ccb68433a645eecb5edcde912b72"}, Raw: bundle}},
	})
	fmt.Println(proofs[0].Outcome, proofs[0].Reason, err)
	// Output: verified signed by ci <nil>
}
