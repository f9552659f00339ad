package attest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/waveguide-dev/waveguide/signals/signalstest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// predicateType is that of the statement in an envelope.
func predicateType(t *testing.T, envelope []byte) string {
	t.Helper()
	var e struct{ Payload []byte }
	must(t, json.Unmarshal(envelope, &e))
	var s struct{ PredicateType string }
	must(t, json.Unmarshal(e.Payload, &s))
	return s.PredicateType
}

// TestCosignReads has cosign's own code find and verify what we put, where the
// registry keeps the list of referrers and where we keep it under a tag, signed
// with a key that cosign made.
func TestCosignReads(t *testing.T) {
	t.Parallel()
	keys, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return []byte("open"), nil })
	must(t, err)
	s, err := signer.Load(keys.PrivateBytes, "open")
	must(t, err)
	for _, wrong := range []string{"", "shut"} {
		if _, err := signer.Load(keys.PrivateBytes, wrong); err == nil {
			t.Errorf("the key opens with %q", wrong)
		}
	}
	other, err := newSigner(t).PublicKey()
	must(t, err)
	verify := func(t *testing.T, d name.Digest, public []byte) ([]oci.Signature, error) {
		t.Helper()
		key, err := cryptoutils.UnmarshalPEMToPublicKey(public)
		must(t, err)
		verifier, err := signature.LoadDefaultVerifier(key)
		must(t, err)
		found, _, err := cosign.VerifyImageAttestations(t.Context(), d, &cosign.CheckOpts{TrustedMaterial: &root.BaseTrustedMaterial{}, SigVerifier: verifier, IgnoreTlog: true, NewBundleFormat: true})
		return found, err
	}
	for name, referrers := range map[string]bool{"Referrers API": true, "list under a tag": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, referrers)
			if !referrers {
				h.Answer(conditions(h, nil))
			}
			p := place(t, h)
			must(t, p.Put(t.Context(), s, both(p, "prod")))
			found, err := verify(t, p.Subject, keys.PublicBytes)
			must(t, err)
			var kinds []string
			for _, f := range found {
				envelope, err := f.Payload()
				must(t, err)
				kinds = append(kinds, predicateType(t, envelope))
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, []string{"https://slsa.dev/verification_summary/v1", attest.RecordType}) {
				t.Errorf("cosign found %q, want a summary and a record", kinds)
			}
			if found, err := verify(t, p.Subject, other); err == nil || len(found) > 0 {
				t.Errorf("with another key: %v, %d found", err, len(found))
			}
		})
	}
}

// TestCosignCommand has the command that people use verify it.
func TestCosignCommand(t *testing.T) {
	t.Parallel()
	program := signalstest.Program(t, "cosign", "go install github.com/sigstore/cosign/v3/cmd/cosign@latest")
	s, dir := newSigner(t), t.TempDir()
	for file, key := range map[string]*signer.Signer{"ours.pub": s, "other.pub": newSigner(t)} {
		public, err := key.PublicKey()
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, file), public, 0o600))
	}
	p := place(t, serve(t, true))
	must(t, p.Put(t.Context(), s, both(p, "prod")))
	for _, kind := range []string{"https://slsa.dev/verification_summary/v1", attest.RecordType} {
		for key, good := range map[string]bool{"ours.pub": true, "other.pub": false} {
			cmd := exec.CommandContext(t.Context(), program, "verify-attestation", "--new-bundle-format", "--key", key, "--type", kind,
				"--insecure-ignore-tlog=true", "--allow-http-registry", p.Subject.Name())
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir)
			var errors bytes.Buffer
			cmd.Stderr = &errors
			out, err := cmd.Output()
			if (err == nil) != good {
				t.Errorf("%s with %s: %v\n%s", kind, key, err, errors.String())
			} else if line, _, _ := bytes.Cut(out, []byte("\n")); good && predicateType(t, line) != kind {
				t.Errorf("%s with %s: cosign shows %s", kind, key, out)
			}
		}
	}
}
