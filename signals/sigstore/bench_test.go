package sigstore_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

// BenchmarkVerify is one piece of evidence of each form, checked anew each
// time; "remembered" is the same with a cache.
func BenchmarkVerify(b *testing.B) {
	now := time.Now().Truncate(time.Second)
	instance, err := virtual.New(now)
	if err != nil {
		b.Fatal(err)
	}
	data, err := instance.Root(virtual.Parts{})
	if err != nil {
		b.Fatal(err)
	}
	root, err := sigstore.NewRoot(data)
	if err != nil {
		b.Fatal(err)
	}
	release, err := signer.Generate()
	if err != nil {
		b.Fatal(err)
	}
	public, err := release.PublicKey()
	if err != nil {
		b.Fatal(err)
	}
	w := virtual.Witnesses{At: now.Add(-time.Minute)}
	stamped, second := w, w
	stamped.Stamp = true
	second.Second, second.Stamp = true, true
	bundle := func(statement []byte, w virtual.Witnesses) sigstore.Item {
		raw, err := instance.Bundle(job, statement, w)
		if err != nil {
			b.Fatal(err)
		}
		return sigstore.Item{Kind: sigstore.Bundle, Raw: raw}
	}
	keyed, err := release.Bundle(signer.Statement{PredicateType: signType, Digest: subject})
	if err != nil {
		b.Fatal(err)
	}
	payload, sig, err := release.Payload(subject, here, nil)
	if err != nil {
		b.Fatal(err)
	}
	annotations, err := instance.Signature(job, []byte(simple(subject, here)), w)
	if err != nil {
		b.Fatal(err)
	}
	packages := make([]any, 5000)
	for i := range packages {
		packages[i] = map[string]any{"SPDXID": fmt.Sprintf("SPDXRef-%d", i), "name": fmt.Sprintf("package-%d", i), "versionInfo": "1.2.3", "downloadLocation": "https://example.com/a/rather/long/location/of/a/package/that/is/listed/here", "licenseConcluded": "Apache-2.0", "supplier": "Organization: somebody who makes packages", "comment": "a comment as tools write them into every package"}
	}
	for _, c := range []struct {
		name string
		kind signals.ProofKind
		item sigstore.Item
	}{
		{"key/legacy", signals.ProofSignature, sigstore.Item{Kind: sigstore.Legacy, Raw: payload, Annotations: map[string]string{"dev.cosignproject.cosign/signature": sig}}},
		{"key/bundle", signals.ProofSignature, sigstore.Item{Kind: sigstore.Bundle, Raw: keyed}},
		{"keyless/legacy", signals.ProofSignature, sigstore.Item{Kind: sigstore.Legacy, Raw: []byte(simple(subject, here)), Annotations: annotations}},
		{"keyless/bundle", signals.ProofSignature, bundle(says(signType, nil), w)},
		{"keyless/bundle+timestamp", signals.ProofSignature, bundle(says(signType, nil), stamped)},
		{"keyless/bundle+second log", signals.ProofSignature, bundle(says(signType, nil), second)},
		{"keyless/provenance", signals.ProofProvenance, bundle(says(buildType, provenance()), w)},
		{"keyless/scan", signals.ProofVulnerabilities, bundle(says(vulnType, found("CVE-1")), w)},
		{"keyless/tests", signals.ProofTests, bundle(says(testType, map[string]any{"result": "PASSED"}), w)},
		{"keyless/SBOM of 5000 packages", signals.ProofSBOM, bundle(says("https://spdx.dev/Document", map[string]any{"spdxVersion": "SPDX-2.3", "packages": packages}), w)},
	} {
		o := sigstore.Options{
			Keys: []sigstore.Key{{Name: "release", PEM: public}}, Kinds: []signals.ProofKind{c.kind},
			Identities: []sigstore.Identity{{Subject: workflow, Issuer: github}}, Roots: []*sigstore.Root{root},
		}
		ref, err := name.NewDigest(here + "@" + subject)
		if err != nil {
			b.Fatal(err)
		}
		e := sigstore.Evidence{Subject: ref, Items: []sigstore.Item{c.item}}
		run := func(v *sigstore.Verifier) {
			proofs, err := v.Verify(b.Context(), e)
			if err != nil || proofs[0].Outcome != signals.OutcomeVerified {
				b.Fatalf("%+v, %v", proofs, err)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			v, err := sigstore.New(o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			before := spent(b)
			for b.Loop() {
				run(v)
			}
			b.ReportMetric(float64(spent(b)-before)/float64(b.N), "cpu-ns/op")
		})
		if c.name != "keyless/bundle" {
			continue
		}
		b.Run("remembered", func(b *testing.B) {
			o.Cache = newStore()
			v, err := sigstore.New(o)
			if err != nil {
				b.Fatal(err)
			}
			run(v)
			b.ReportAllocs()
			before := spent(b)
			for b.Loop() {
				run(v)
			}
			b.ReportMetric(float64(spent(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// spent is the processor time of this process: other work on the machine does
// not count.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkNewRoot(b *testing.B) {
	instance, err := virtual.New(time.Now())
	if err != nil {
		b.Fatal(err)
	}
	data, err := instance.Root(virtual.Parts{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := sigstore.NewRoot(data); err != nil {
			b.Fatal(err)
		}
	}
}
