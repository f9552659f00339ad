package virtual

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// update says that what cosign signs is kept as the recordings of package
// sigstore, see testdata/keyless/README.md there.
var update = flag.Bool("update", false, "record what cosign signs")

// TestCosignSigns has the cosign command sign without a key, in both forms, with
// an instance in the place of public Sigstore, and verifies what it wrote.
func TestCosignSigns(t *testing.T) {
	t.Parallel()
	cosign := signalstest.Program(t, "cosign", "go install github.com/sigstore/cosign/v3/cmd/cosign@latest")
	instance, err := New(time.Now())
	must(t, err)
	const source = "https://github.com/acme/app"
	f := &face{Instance: instance, who: Identity{
		Name: source + "/.github/workflows/release.yaml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com",
		Source: source, Revision: strings.Repeat("1", 40), Ref: "refs/heads/main", Trigger: "push", Runner: "github-hosted",
	}}
	sigs := httptest.NewServer(f)
	t.Cleanup(sigs.Close)
	r := recorder{t, cosign, t.TempDir(), sigs.URL, registrytest.New(t, registry.WithReferrersSupport(true))}
	root, err := instance.Root(Parts{})
	must(t, err)
	r.write("trusted_root.json", root)
	r.write("signing.json", r.signing())
	r.write("root.pem", slices.Concat(certificate{Certificate: instance.ca.root}.pem(), certificate{Certificate: instance.ca.issuer}.pem()))
	for file, l := range map[string]logKey{"ct.pub": instance.certLog, "rekor.pub": instance.logs} {
		public, err := publicPEM(&l.key.PublicKey)
		must(t, err)
		r.write(file, public)
	}
	bundle, older := r.images.Image(t, "team/app"), r.images.Image(t, "team/app")
	r.run("sign", "--signing-config", r.path("signing.json"), "--trusted-root", r.path("trusted_root.json"), bundle.String())
	r.write("predicate.json", []byte(`{"result":"PASSED","configuration":[{"name":"unit"}]}`))
	r.run("attest", "--signing-config", r.path("signing.json"), "--trusted-root", r.path("trusted_root.json"),
		"--type", "https://in-toto.io/attestation/test-result/v0.1", "--predicate", r.path("predicate.json"), bundle.String())
	old := []string{
		"--new-bundle-format=false", "--use-signing-config=false", "--fulcio-url", sigs.URL, "--rekor-url", sigs.URL,
		"--timestamp-server-url", sigs.URL + "/api/v1/timestamp",
	}
	r.run("sign", append(old, older.String())...)
	r.run("attest", append(old, "--type", "https://in-toto.io/attestation/test-result/v0.1", "--predicate", r.path("predicate.json"), older.String())...)
	if *update {
		must(t, os.WriteFile("../testdata/keyless/trusted_root.json", root, 0o600))
	}
	for subject, file := range map[name.Digest]string{bundle: "bundle.json", older: "older.json"} {
		evidence := r.fetch(subject)
		for _, kind := range []signals.ProofKind{signals.ProofSignature, signals.ProofTests} {
			if got := r.prove(evidence, root, f.who, kind); got.Outcome != signals.OutcomeVerified || len(got.Evidence) != 1 {
				t.Errorf("%s: %+v, want it verified; cosign asked %q", file, got, f.asked)
			}
		}
		if *update {
			r.record(evidence, file)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorder runs the cosign command against servers of its own.
type recorder struct {
	t                 *testing.T
	cosign, dir, sigs string
	images            *registrytest.Registry
}

func (r recorder) path(file string) string { return filepath.Join(r.dir, file) }

func (r recorder) write(file string, data []byte) { must(r.t, os.WriteFile(r.path(file), data, 0o600)) }

// signing tells the command where the parties are.
func (r recorder) signing() []byte {
	at := func(path string) []any {
		return []any{object{
			"url": r.sigs + path, "majorApiVersion": 1, "operator": "virtual",
			"validFor": object{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
		}}
	}
	data, err := json.Marshal(object{
		"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":    at(""), "rekorTlogUrls": at(""), "tsaUrls": at("/api/v1/timestamp"), "oidcUrls": at(""),
		"rekorTlogConfig": object{"selector": "ANY"}, "tsaConfig": object{"selector": "ANY"},
	})
	must(r.t, err)
	return data
}

// run runs the command with a token that nobody checks.
func (r recorder) run(what string, args ...string) {
	r.t.Helper()
	claims, err := json.Marshal(object{
		"iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme/app:ref:refs/heads/main", "aud": "sigstore",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	must(r.t, err)
	enc := base64.RawURLEncoding.EncodeToString
	token := enc([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc(claims) + "." + enc([]byte("nobody checks this"))
	c := exec.CommandContext(r.t.Context(), r.cosign, append([]string{what, "-y", "--allow-http-registry", "--identity-token", token}, args...)...)
	c.Env = append(os.Environ(), "HOME="+r.dir, "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE="+r.path("ct.pub"),
		"SIGSTORE_ROOT_FILE="+r.path("root.pem"), "SIGSTORE_REKOR_PUBLIC_KEY="+r.path("rekor.pub"))
	out, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("cosign %s: %v\n%s", what, err, out)
	}
}

func (r recorder) fetch(subject name.Digest) sigstore.Evidence {
	r.t.Helper()
	puller, err := remote.NewPuller()
	must(r.t, err)
	evidence, err := sigstore.Fetcher{Puller: puller, Attestations: true}.Fetch(r.t.Context(), subject)
	must(r.t, err)
	return evidence
}

// prove verifies one kind of evidence as a policy does that names the identity.
func (r recorder) prove(e sigstore.Evidence, root []byte, who Identity, kind signals.ProofKind) signals.Proof {
	r.t.Helper()
	trusted, err := sigstore.NewRoot(root)
	must(r.t, err)
	v, err := sigstore.New(sigstore.Options{
		Identities: []sigstore.Identity{{Subject: who.Name, Issuer: who.Issuer}}, Roots: []*sigstore.Root{trusted}, Kinds: []signals.ProofKind{kind},
	})
	must(r.t, err)
	proofs, err := v.Verify(r.t.Context(), e)
	must(r.t, err)
	return proofs[0]
}

// record writes a digest with its evidence as the fetcher reads it.
func (r recorder) record(e sigstore.Evidence, file string) {
	r.t.Helper()
	var items []any
	for _, i := range e.Items {
		items = append(items, object{"Kind": i.Kind, "Blob": i.Blob.String(), "Annotations": i.Annotations, "Raw": i.Raw})
	}
	data, err := json.MarshalIndent(object{"Subject": e.Subject.String(), "Items": items}, "", " ")
	must(r.t, err)
	must(r.t, os.WriteFile(filepath.Join("../testdata/keyless", file), fmt.Appendln(data), 0o600))
}
