package sigstore_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

// attack is evidence that a thief may put beside an image.
type attack struct {
	kind  signals.ProofKind // signature if empty
	items []sigstore.Item
	trust func(o *sigstore.Options)
	want  signals.Outcome // refused if empty
	says  string
}

// as is the job with something changed.
func as(change func(i *virtual.Identity)) virtual.Identity {
	i := job
	change(&i)
	return i
}

// edited is evidence whose JSON was changed after it was signed.
func edited(item sigstore.Item, change func(bundle map[string]any)) sigstore.Item {
	var b map[string]any
	if err := json.Unmarshal(item.Raw, &b); err != nil {
		panic(err)
	}
	change(b)
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	item.Raw = raw
	return item
}

func annotated(item sigstore.Item, key, value string) sigstore.Item {
	item.Annotations = maps.Clone(item.Annotations)
	item.Annotations[key] = value
	return item
}

func object(b map[string]any, path ...string) map[string]any {
	for _, key := range path {
		b = b[key].(map[string]any)
	}
	return b
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	table := map[string]attack{}
	for _, rows := range []map[string]attack{l.strangers(), l.unwitnessed(), l.malformed(), l.statements(), l.liars()} {
		for name, a := range rows {
			if _, twice := table[name]; twice {
				t.Fatalf("%q stands twice", name)
			}
			table[name] = a
		}
	}
	if len(table) < 40 {
		t.Errorf("%d attacks, want at least 40", len(table))
	}
	for name, a := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a.kind == "" {
				a.kind = signals.ProofSignature
			}
			if a.want == "" {
				a.want = signals.OutcomeRefused
			}
			o := l.options()
			if a.trust != nil {
				a.trust(&o)
			}
			got := judge(t, o, a.kind, a.items...)
			if got.Outcome != a.want || !strings.Contains(got.Reason, a.says) {
				t.Errorf("%s: %q, want %s with %q", got.Outcome, got.Reason, a.want, a.says)
			}
			if a.want != signals.OutcomeVerified && (len(got.Evidence) > 0 || got.By != "") {
				t.Errorf("what is not verified names evidence or a signer: %+v", got)
			}
		})
	}
}

// strangers sign properly, and are not whom the rules name.
func (l *lab) strangers() map[string]attack {
	l.t.Helper()
	signed := func(who virtual.Identity) []sigstore.Item {
		return []sigstore.Item{l.bundle(who, says(signType, nil), virtual.Witnesses{})}
	}
	named := func(name string) []sigstore.Item {
		return signed(as(func(i *virtual.Identity) { i.Name = name }))
	}
	const foreign = "which is none of the trusted identities"
	other := newLab(l.t)
	key := newSigner(l.t)
	public, err := key.PublicKey()
	must(l.t, err)
	payload, sig, err := key.Payload(subject, here, nil)
	must(l.t, err)
	return map[string]attack{
		"a sibling repository":         {items: named("https://github.com/acme/other/.github/workflows/release.yaml@refs/heads/main"), says: foreign},
		"a sibling branch":             {items: named(source + "/.github/workflows/release.yaml@refs/heads/dev"), says: foreign},
		"a tag instead of a branch":    {items: named(source + "/.github/workflows/release.yaml@refs/tags/main"), says: foreign},
		"a sibling workflow":           {items: named(source + "/.github/workflows/test.yaml@refs/heads/main"), says: foreign},
		"a name that goes on":          {items: named(workflow + "-evil"), says: foreign},
		"a name that begins elsewhere": {items: named("https://evil.example/" + workflow), says: foreign},
		"a name in another case":       {items: named(strings.ToUpper(workflow[:8]) + workflow[8:]), want: signals.OutcomeVerified}, // the scheme has no case
		"an owner in another case":     {items: named(strings.Replace(workflow, "acme", "Acme", 1)), says: foreign},
		"another issuer": {
			items: signed(as(func(i *virtual.Identity) { i.Issuer = "https://evil.example" })), says: "which is not the issuer that the rules name",
		},
		"no issuer":               {items: signed(as(func(i *virtual.Identity) { i.Issuer = "" })), says: "which is not the issuer that the rules name"},
		"two subjects in one":     {items: signed(as(func(i *virtual.Identity) { i.Also = "evil.example" })), says: "names 2 subjects"},
		"another Sigstore":        {items: []sigstore.Item{other.bundle(job, says(signType, nil), virtual.Witnesses{})}, says: "is not proven"},
		"a dot is not any letter": {items: named(strings.Replace(workflow, "release.yaml", "releaseXyaml", 1)), says: foreign},
		"a pattern does not cross a slash": {
			items: named(source + "/.github/workflows/a/b.yaml@refs/heads/main"), says: foreign,
			trust: func(o *sigstore.Options) {
				o.Identities[0].Subject = source + "/.github/workflows/*.yaml@refs/heads/main"
			},
		},
		"a pattern does not cross an at": {
			items: named(source + "/.github/workflows/a@refs.yaml@refs/heads/main"), says: foreign,
			trust: func(o *sigstore.Options) {
				o.Identities[0].Subject = source + "/.github/workflows/*.yaml@refs/heads/main"
			},
		},
		"an identity that is revoked": {
			items: signed(job), says: "which is revoked", trust: func(o *sigstore.Options) { o.Revoked = []string{workflow} },
		},
		"identities that are revoked": {
			items: signed(job), says: "which is revoked", trust: func(o *sigstore.Options) { o.Revoked = []string{source + "/**"} },
		},
		"a key instead of an identity": {
			items: []sigstore.Item{{Kind: sigstore.Legacy, Raw: payload, Annotations: map[string]string{"dev.cosignproject.cosign/signature": sig}}},
			says:  "signed by an unknown key, which is none of the trusted identities",
		},
		"an identity instead of a key": {
			items: signed(job), says: "which is none of the trusted keys (release)",
			trust: func(o *sigstore.Options) {
				o.Identities, o.Keys = nil, []sigstore.Key{{Name: "release", PEM: public}}
			},
		},
		"somebody else's tests": {
			kind:  signals.ProofTests,
			items: []sigstore.Item{l.bundle(as(func(i *virtual.Identity) { i.Name = source + "/x@y" }), says(testType, map[string]any{"result": "PASSED"}), virtual.Witnesses{})},
			says:  foreign,
		},
		"somebody else's scan": {
			kind:  signals.ProofVulnerabilities,
			items: []sigstore.Item{l.attestation(as(func(i *virtual.Identity) { i.Name = source + "/x@y" }), says(vulnType, clean), virtual.Witnesses{})},
			says:  foreign,
		},
	}
}

// unwitnessed are signatures of the right signer that nobody trusted saw.
func (l *lab) unwitnessed() map[string]attack {
	l.t.Helper()
	other, err := virtual.New(l.now)
	must(l.t, err)
	sign := func(i *virtual.Instance, w virtual.Witnesses) []sigstore.Item {
		return []sigstore.Item{(&lab{l.t, l.now, i}).bundle(job, says(signType, nil), w)}
	}
	legacy := func(i *virtual.Instance, w virtual.Witnesses) []sigstore.Item {
		return []sigstore.Item{(&lab{l.t, l.now, i}).legacy(job, simple(subject, here), w)}
	}
	mine := l.Instance
	expired, err := virtual.NewBetween(l.now.Add(-time.Hour), l.now.Add(-30*time.Minute))
	must(l.t, err)
	under := func(i *virtual.Instance, p virtual.Parts, w ...sigstore.Witness) func(o *sigstore.Options) {
		root := (&lab{l.t, l.now, i}).root(p, w...)
		return func(o *sigstore.Options) { o.Roots = []*sigstore.Root{root} }
	}
	private := under(mine, virtual.Parts{WithoutLogs: true})
	first, second := sign(mine, virtual.Witnesses{})[0], sign(mine, virtual.Witnesses{})[0]
	borrowed := edited(first, func(b map[string]any) {
		var from map[string]any
		must(l.t, json.Unmarshal(second.Raw, &from))
		object(b, "verificationMaterial")["tlogEntries"] = object(from, "verificationMaterial")["tlogEntries"]
	})
	stamped := sign(mine, virtual.Witnesses{Stamp: true, NoLog: true})[0]
	restamped := edited(sign(mine, virtual.Witnesses{NoLog: true})[0], func(b map[string]any) {
		var from map[string]any
		must(l.t, json.Unmarshal(stamped.Raw, &from))
		object(b, "verificationMaterial")["timestampVerificationData"] = object(from, "verificationMaterial")["timestampVerificationData"]
	})
	const noLog, noStamp, noReceipt, late = "no trusted log has an entry", "no trusted authority stamped", "no receipt of a trusted certificate log", "outside of the time"
	return map[string]attack{
		"no entry in a log":                    {items: sign(mine, virtual.Witnesses{NoLog: true}), says: noLog},
		"no entry in a log, legacy":            {items: legacy(mine, virtual.Witnesses{NoLog: true}), says: noLog},
		"an entry of another log":              {items: sign(virtual.Mixed(mine, mine, other, mine), virtual.Witnesses{}), says: noLog},
		"an entry of another log, legacy":      {items: legacy(virtual.Mixed(mine, mine, other, mine), virtual.Witnesses{}), says: noLog},
		"an entry of another second log":       {items: sign(virtual.Mixed(mine, mine, other, mine), virtual.Witnesses{Second: true, Stamp: true}), says: noLog},
		"an entry of another signature":        {items: []sigstore.Item{borrowed}, says: "its log entry does not hold"},
		"the second log without a timestamp":   {items: sign(mine, virtual.Witnesses{Second: true}), says: "nobody trusted saw when"},
		"no receipt":                           {items: sign(mine, virtual.Witnesses{NoReceipt: true}), says: noReceipt},
		"no receipt, legacy":                   {items: legacy(mine, virtual.Witnesses{NoReceipt: true}), says: noReceipt},
		"a receipt of another log":             {items: sign(virtual.Mixed(mine, other, mine, mine), virtual.Witnesses{}), says: noReceipt},
		"no timestamp where one is demanded":   {items: sign(mine, virtual.Witnesses{NoLog: true}), trust: private, says: noStamp},
		"a timestamp of another authority":     {items: sign(virtual.Mixed(mine, mine, mine, other), virtual.Witnesses{NoLog: true, Stamp: true}), trust: private, says: noStamp},
		"a timestamp of another signature":     {items: []sigstore.Item{restamped}, trust: private, says: noStamp},
		"log and timestamp, and no timestamp":  {items: sign(mine, virtual.Witnesses{}), trust: under(mine, virtual.Parts{}, sigstore.WitnessLog, sigstore.WitnessStamp), says: noStamp},
		"signed after its certificate ended":   {items: sign(mine, virtual.Witnesses{Issued: l.now.Add(-30 * time.Minute)}), says: late},
		"signed before its certificate began":  {items: sign(mine, virtual.Witnesses{Issued: l.now}), says: late},
		"legacy after its certificate ended":   {items: legacy(mine, virtual.Witnesses{Issued: l.now.Add(-30 * time.Minute)}), says: late},
		"stamped after its certificate ended":  {items: sign(mine, virtual.Witnesses{Issued: l.now.Add(-30 * time.Minute), NoLog: true, Stamp: true}), trust: private, says: "not of a trusted authority that was valid"},
		"signed after the authority ended":     {items: sign(expired, virtual.Witnesses{}), trust: under(expired, virtual.Parts{}), says: "not of a trusted authority that was valid"},
		"legacy after the authority ended":     {items: legacy(expired, virtual.Witnesses{}), trust: under(expired, virtual.Parts{}), says: "not of a trusted authority that was valid"},
		"a certificate of another authority":   {items: sign(virtual.Mixed(other, mine, mine, mine), virtual.Witnesses{}), says: "not of a trusted authority"},
		"an attestation with only a timestamp": {items: []sigstore.Item{l.attestation(job, says(signType, nil), virtual.Witnesses{NoLog: true, Stamp: true})}, says: "which its older form cannot prove"},
	}
}

// malformed is what is not what it should be.
func (l *lab) malformed() map[string]attack {
	l.t.Helper()
	good := l.bundle(job, says(signType, nil), virtual.Witnesses{})
	legacy := l.legacy(job, simple(subject, here), virtual.Witnesses{})
	raw := func(text string) []sigstore.Item { return []sigstore.Item{{Kind: sigstore.Bundle, Raw: []byte(text)}} }
	change := func(f func(b map[string]any)) []sigstore.Item { return []sigstore.Item{edited(good, f)} }
	envelope := func(f func(e map[string]any)) []sigstore.Item {
		return change(func(b map[string]any) { f(object(b, "dsseEnvelope")) })
	}
	entry := func(text string) []sigstore.Item {
		return []sigstore.Item{annotated(legacy, "dev.sigstore.cosign/bundle", text)}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 16<<20))
	must(l.t, errorsJoin(err, z.Close()))
	double := strings.Replace(simple(subject, here), `"type":`, `"image":{"docker-manifest-digest":"sha256:other"},"type":`, 1)
	swapped := strings.Replace(simple(subject, here), `"optional":`, fmt.Sprintf(`"critical":{"identity":{},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":`, subject), 1)
	return map[string]attack{
		"no JSON":                        {items: raw("hello"), says: "cannot be read"},
		"nothing":                        {items: raw(""), says: "cannot be read"},
		"an empty object":                {items: raw("{}"), says: "cannot be read"},
		"a bomb":                         {items: raw(bomb.String()), says: "cannot be read"},
		"a bomb, legacy":                 {items: []sigstore.Item{{Kind: sigstore.Legacy, Raw: bomb.Bytes()}}, says: "is not of the form"},
		"a tower of brackets":            {items: raw(strings.Repeat("[", 1<<20)), says: "cannot be read"},
		"two signatures in one envelope": {items: envelope(func(e map[string]any) { e["signatures"] = append(e["signatures"].([]any), e["signatures"].([]any)[0]) }), says: "envelope"},
		"no signature in the envelope":   {items: envelope(func(e map[string]any) { e["signatures"] = []any{} }), says: "envelope"},
		"an envelope of something else":  {items: envelope(func(e map[string]any) { e["payloadType"] = "text/plain" }), says: "which is no statement"},
		"a payload that is not base64":   {items: envelope(func(e map[string]any) { e["payload"] = "%%%" }), says: "cannot be read"},
		"a payload that was exchanged":   {items: envelope(func(e map[string]any) { e["payload"] = base64.StdEncoding.EncodeToString(says(signType, "x")) }), says: "is not proven"},
		"a signature that was exchanged": {items: envelope(func(e map[string]any) { e["signatures"] = []any{map[string]any{"sig": "MEUCIQ=="}} }), says: "is not proven"},
		"no envelope": {items: change(func(b map[string]any) {
			delete(b, "dsseEnvelope")
			b["messageSignature"] = map[string]any{"signature": "MEUCIQ=="}
		}), says: "has no envelope"},
		"no key and no certificate": {items: change(func(b map[string]any) { delete(object(b, "verificationMaterial"), "certificate") }), says: "cannot be read"},
		"a certificate that is none": {items: change(func(b map[string]any) {
			object(b, "verificationMaterial")["certificate"] = map[string]any{"rawBytes": "aGVsbG8="}
		}), says: "says nothing of who signed"},
		"a log entry whose body is 42":    {items: entry(`{"Payload":{"body":42}}`), says: "body is not a string"},
		"a log entry whose body is a map": {items: entry(`{"Payload":{"body":{}}}`), says: "body is not a string"},
		"a log entry that is no JSON":     {items: entry(`{`), says: "log entry cannot be read"},
		"a log entry of a nameless log":   {items: entry(`{"Payload":{"body":"e30=","logID":"zz"}}`), says: "a log without a name"},
		"a log entry of nothing":          {items: entry(`{"Payload":{"body":"aGVsbG8="}}`), says: "body cannot be read"},
		"an attestation whose body is 42": {
			items: []sigstore.Item{annotated(l.attestation(job, says(signType, nil), virtual.Witnesses{}), "dev.sigstore.cosign/bundle", `{"Payload":{"body":42}}`)},
			says:  "body is not a string",
		},
		"an attestation that is no envelope":    {items: []sigstore.Item{{Kind: sigstore.Attestation, Raw: []byte("x")}}, says: "is no envelope"},
		"a signature that is not base64":        {items: []sigstore.Item{annotated(legacy, "dev.cosignproject.cosign/signature", "%")}, says: "is not base64"},
		"a timestamp that is no JSON":           {items: []sigstore.Item{annotated(legacy, "dev.sigstore.cosign/rfc3161timestamp", "%")}, says: "timestamp cannot be read"},
		"a certificate annotation that is none": {items: []sigstore.Item{annotated(legacy, "dev.sigstore.cosign/certificate", "hello")}, says: "signed by an unknown key"},
		"a claim with two digests":              {items: []sigstore.Item{l.legacy(job, double, virtual.Witnesses{})}, says: "twice"},
		"a claim with two parts":                {items: []sigstore.Item{l.legacy(job, swapped, virtual.Witnesses{})}, says: "twice"},
		"a claim of something else":             {items: []sigstore.Item{l.legacy(job, `{"critical":{"type":"blob"}}`, virtual.Witnesses{})}, says: "is not of the form"},
	}
}

func errorsJoin(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	testType  = "https://in-toto.io/attestation/test-result/v0.1"
	vulnType  = "https://in-toto.io/attestation/vulns/v0.2"
	buildType = "https://slsa.dev/provenance/v1"
)

// clean is a scan that found nothing.
var clean = map[string]any{"scanner": map[string]any{"uri": "https://trivy.dev", "result": []any{}}}

// statements are properly signed, and say something else.
func (l *lab) statements() map[string]attack {
	l.t.Helper()
	signed := func(statement []byte) []sigstore.Item {
		return []sigstore.Item{l.bundle(job, statement, virtual.Witnesses{})}
	}
	plain := string(says(signType, nil))
	replace := func(from, to string) []sigstore.Item {
		if !strings.Contains(plain, from) {
			panic(from)
		}
		return signed([]byte(strings.Replace(plain, from, to, 1)))
	}
	hex := strings.TrimPrefix(subject, "sha256:")
	zeros := "sha256:" + strings.Repeat("0", 64)
	return map[string]attack{
		"nobody signed":                        {want: signals.OutcomeAbsent, says: "no signature"},
		"a bundle for another digest":          {items: signed(about(zeros, signType, nil)), says: "is for another digest"},
		"legacy for another digest":            {items: []sigstore.Item{l.legacy(job, simple(zeros, here), virtual.Witnesses{})}, says: "is for the digest"},
		"the digest of another algorithm":      {items: replace(`"sha256":`, `"sha512":`), says: "is for another digest"},
		"the digest cut short":                 {items: replace(hex, hex[:40]), says: "is for another digest"},
		"a statement about nothing":            {items: replace(`"subject":[`, `"subject":[],"other":[`), says: "about nothing"},
		"a statement that is none":             {items: replace("https://in-toto.io/Statement/v1", "https://evil.example/v1"), says: "is no statement of in-toto"},
		"a key twice":                          {items: replace(`"predicateType":`, `"predicateType":"x","predicateType":`), says: "twice"},
		"a key twice in another case":          {items: replace(`"predicateType":`, `"PredicateType":"x","predicateType":`), says: "twice"},
		"a digest twice":                       {items: replace(`"sha256":`, `"sha256":"0","sha256":`), says: "twice"},
		"a field that nobody knows":            {items: replace(`"predicateType":`, `"novel":{"a":1},"predicateType":`), want: signals.OutcomeVerified},
		"a test result as a signature":         {items: signed(says(testType, map[string]any{"result": "FAILED"})), want: signals.OutcomeAbsent, says: "only other evidence"},
		"provenance as a signature":            {items: signed(says(buildType, map[string]any{})), want: signals.OutcomeAbsent, says: "only other evidence"},
		"a signature as provenance":            {kind: signals.ProofProvenance, items: signed(says(signType, nil)), want: signals.OutcomeAbsent, says: "only other evidence"},
		"a predicate that nobody knows":        {kind: signals.ProofSBOM, items: signed(says("https://evil.example/sbom", nil)), want: signals.OutcomeAbsent, says: "only other evidence"},
		"a predicate type that goes on":        {kind: signals.ProofProvenance, items: signed(says(buildType+"evil", nil)), want: signals.OutcomeAbsent},
		"signed for another repository":        {items: []sigstore.Item{l.legacy(job, simple(subject, "registry.example.org/team/other"), virtual.Witnesses{})}, says: "not for"},
		"signed for a registry of that prefix": {items: []sigstore.Item{l.legacy(job, simple(subject, "registry.example.org.evil.example/team/app"), virtual.Witnesses{})}, says: "not for"},
	}
}

// liars are the right signers with content that must not count.
func (l *lab) liars() map[string]attack {
	l.t.Helper()
	signed := func(predicateType string, predicate any) []sigstore.Item {
		return []sigstore.Item{l.bundle(job, says(predicateType, predicate), virtual.Witnesses{})}
	}
	built := func(change func(p map[string]any)) []sigstore.Item {
		p := provenance()
		change(p)
		return signed(buildType, p)
	}
	const disagrees = "where the certificate says"
	vex := map[string]any{"statements": []any{map[string]any{"vulnerability": "CVE-1", "status": "not_affected"}}}
	return map[string]attack{
		"provenance of another source": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "buildDefinition", "externalParameters", "workflow")["repository"] = source + "-fork"
		}), says: disagrees},
		"provenance of another revision": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "buildDefinition")["resolvedDependencies"] = []any{map[string]any{"uri": "git+" + source, "digest": map[string]any{"gitCommit": strings.Repeat("f", 40)}}}
		}), says: disagrees},
		"provenance of another ref": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "buildDefinition", "externalParameters", "workflow")["ref"] = "refs/heads/release"
		}), says: disagrees},
		"provenance of another runner": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "runDetails")["builder"] = map[string]any{"id": "https://github.com/actions/runner/self-hosted"}
		}), says: disagrees},
		"provenance of another workflow": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "runDetails")["builder"] = map[string]any{"id": source + "/.github/workflows/other.yaml@refs/heads/main"}
		}), says: disagrees},
		"provenance of another trigger": {kind: signals.ProofProvenance, items: built(func(p map[string]any) {
			object(p, "buildDefinition")["internalParameters"] = map[string]any{"github": map[string]any{"event_name": "pull_request_target"}}
		}), says: disagrees},
		"good provenance beside one that lies": {kind: signals.ProofProvenance, items: append(built(func(map[string]any) {}), built(func(p map[string]any) {
			object(p, "buildDefinition", "externalParameters", "workflow")["repository"] = source + "-fork"
		})...), says: disagrees},
		"provenance that is no object":       {kind: signals.ProofProvenance, items: signed(buildType, "x"), says: "cannot be read"},
		"a bill of nothing":                  {kind: signals.ProofSBOM, items: signed("https://spdx.dev/Document", map[string]any{}), says: "neither SPDX nor CycloneDX"},
		"a bill that is any text":            {kind: signals.ProofSBOM, items: signed("https://spdx.dev/Document", "hello"), says: "is a text that is not SPDX"},
		"a scan without a result":            {kind: signals.ProofVulnerabilities, items: signed(vulnType, map[string]any{"scanner": map[string]any{}}), says: "has no result"},
		"a scan whose result is null":        {kind: signals.ProofVulnerabilities, items: signed(vulnType, map[string]any{"scanner": map[string]any{"result": nil}}), says: "has no result"},
		"a report that nobody knows":         {kind: signals.ProofVulnerabilities, items: signed("https://cosign.sigstore.dev/attestation/vuln/v1", map[string]any{"scanner": map[string]any{"result": map[string]any{"ok": true}}}), says: "not of a known form"},
		"an OpenVEX document without a scan": {kind: signals.ProofVulnerabilities, items: signed("https://openvex.dev/ns", vex), want: signals.OutcomeAbsent, says: "but no scan"},
		"a test result that nobody knows":    {kind: signals.ProofTests, items: signed(testType, map[string]any{"result": "passed"}), says: "none of PASSED, WARNED and FAILED"},
		"a test result of nothing":           {kind: signals.ProofTests, items: signed(testType, map[string]any{}), says: "none of PASSED, WARNED and FAILED"},
	}
}

// provenance is GitHub's, of the job.
func provenance() map[string]any {
	return map[string]any{
		"buildDefinition": map[string]any{
			"buildType":            "https://actions.github.io/buildtypes/workflow/v1",
			"externalParameters":   map[string]any{"workflow": map[string]any{"repository": source, "ref": "refs/heads/main", "path": ".github/workflows/release.yaml"}},
			"internalParameters":   map[string]any{"github": map[string]any{"event_name": "push", "runner_environment": "github-hosted"}},
			"resolvedDependencies": []any{map[string]any{"uri": "git+" + source + "@refs/heads/main", "digest": map[string]any{"gitCommit": revision}}},
		},
		"runDetails": map[string]any{"builder": map[string]any{"id": workflow}, "metadata": map[string]any{"invocationId": job.Run}},
	}
}

// TestOrderOfEvidence holds that a registry that reorders what it lists changes
// nothing.
func TestOrderOfEvidence(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	stranger := as(func(i *virtual.Identity) { i.Name = source + "/other" })
	items := []sigstore.Item{
		l.bundle(stranger, says(signType, nil), virtual.Witnesses{}), l.bundle(job, says(signType, nil), virtual.Witnesses{}),
		l.bundle(job, says(buildType, provenance()), virtual.Witnesses{}), l.legacy(job, simple(subject, here), virtual.Witnesses{}),
		{Kind: sigstore.Bundle, Raw: []byte("x")},
	}
	want := judge(t, l.options(), signals.ProofSignature, items...)
	for range len(items) {
		items = slices.Concat(items[1:], items[:1])
		got := judge(t, l.options(), signals.ProofSignature, items...)
		if got.Outcome != signals.OutcomeVerified || got.By != want.By || !slices.Equal(got.Evidence, want.Evidence) || !slices.Equal(got.Builds, want.Builds) {
			t.Errorf("another order gives %+v, want %+v", got, want)
		}
	}
}
