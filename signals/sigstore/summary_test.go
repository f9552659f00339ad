package sigstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

const (
	summaryType = "https://slsa.dev/verification_summary/v1"
	verifierID  = "https://verify.acme.example"
	policyHex   = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// summary is what the verifier says, with something changed.
func summary(change func(p map[string]any)) map[string]any {
	p := map[string]any{
		"verifier": map[string]any{"id": verifierID, "version": map[string]any{"checker": "1.2"}}, "timeVerified": "2026-11-20T10:00:00.5+01:00",
		"resourceUri": "oci://" + here, "policy": map[string]any{"uri": "https://acme.example/policy", "digest": map[string]any{"sha256": policyHex}},
		"verificationResult": "PASSED", "verifiedLevels": []any{"SLSA_BUILD_LEVEL_3"}, "slsaVersion": "1.1", "https://acme.example/more": 1,
	}
	if change != nil {
		change(p)
	}
	return p
}

// put sets one field, or takes it away.
func put(key string, value any) func(p map[string]any) {
	return func(p map[string]any) {
		if p[key] = value; value == nil {
			delete(p, key)
		}
	}
}

// doubted are the options of a verifier that is asked for summaries.
func (l *lab) doubted() sigstore.Options {
	o := l.options()
	o.Kinds = []signals.ProofKind{signals.ProofSummary}
	return o
}

func TestSummary(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	want := signals.Summary{
		Verifier: verifierID, At: time.Date(2026, 11, 20, 9, 0, 0, 5e8, time.UTC), Resource: "oci://" + here, Repository: here,
		Policy: "sha256:" + policyHex, PolicyURI: "https://acme.example/policy", Passed: true, Levels: []string{"SLSA_BUILD_LEVEL_3"},
	}
	digest := "@" + subject
	for resource, repository := range map[string]string{
		"oci://" + here: here, "oci://" + here + digest: here, here: here, here + ":1.2.3": here, "docker://" + here + ":1" + digest: here, "https://" + here: here,
		"pkg:oci/app?repository_url=" + here + "&tag=1": here, "pkg:oci/app@sha256%3A" + subject[7:] + "?repository_url=" + here: here,
		"oci://REGISTRY.example.org/team/app": here, "https://acme.example/app-1.2.3.tar.gz": "acme.example/app-1.2.3.tar.gz",
		"pkg:npm/app@1.0.0": "", "pkg:oci/app": "", "pkg:oci/app?repository_url=a/b&repository_url=" + here: "", "git+https://" + here: "", "app": "",
		"oci://" + here + "?x": "",
	} {
		got := judge(t, l.doubted(), signals.ProofSummary, l.bundle(job, says(summaryType, summary(put("resourceUri", resource))), virtual.Witnesses{}))
		want.Resource, want.Repository = resource, repository
		if diff := cmp.Diff([]signals.Summary{want}, got.Summaries); diff != "" || got.Outcome != signals.OutcomeVerified {
			t.Errorf("%s: %s %q (-want +got):\n%s", resource, got.Outcome, got.Reason, diff)
		}
	}
}

// TestSummaryAttacks are summaries that never count, whatever the rules say.
func TestSummaryAttacks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	signed := func(change func(p map[string]any)) []sigstore.Item {
		return []sigstore.Item{l.bundle(job, says(summaryType, summary(change)), virtual.Witnesses{})}
	}
	ours := newSigner(t)
	public, err := ours.PublicKey()
	must(t, err)
	raw, err := ours.Bundle(signer.Statement{PredicateType: summaryType, Name: here, Digest: subject, Predicate: summary(nil)})
	must(t, err)
	keyed := sigstore.Item{Kind: sigstore.Bundle, Raw: raw}
	trusted := func(o *sigstore.Options) { o.Keys = []sigstore.Key{{Name: "verifier", PEM: public}} }
	twice := strings.Replace(string(says(summaryType, summary(nil))), `"verificationResult":`, `"verificationResult":"PASSED","verificationResult":`, 1)
	for name, a := range map[string]attack{
		"signed by a stranger":        {items: []sigstore.Item{l.bundle(as(func(i *virtual.Identity) { i.Name += "-evil" }), says(summaryType, summary(nil)), virtual.Witnesses{})}, says: "which is none of the trusted"},
		"signed by a stranger's key":  {items: []sigstore.Item{keyed}, says: "which is none of the trusted"},
		"for another digest":          {items: []sigstore.Item{l.bundle(job, about("sha256:"+strings.Repeat("b", 64), summaryType, summary(nil)), virtual.Witnesses{})}, says: "for another digest"},
		"about another digest inside": {items: signed(put("resourceUri", "oci://"+here+"@sha256:"+strings.Repeat("b", 64))), says: "which is another digest"},
		"a user before the host":      {items: signed(put("resourceUri", "https://user@"+here)), says: "which is another digest"},
		"our own name":                {items: signed(nil), says: "which is ourselves", trust: func(o *sigstore.Options) { o.Own.Verifier = verifierID }},
		"our own key": {items: []sigstore.Item{keyed}, says: "is signed with our own key", trust: func(o *sigstore.Options) {
			trusted(o)
			o.Own = sigstore.Own{Verifier: "https://waveguide.acme.example", Key: public}
		}},
		"a key that is not ours":       {items: []sigstore.Item{keyed}, want: signals.OutcomeVerified, trust: trusted},
		"no verifier":                  {items: signed(put("verifier", nil)), says: "names no verifier"},
		"no time":                      {items: signed(put("timeVerified", nil)), says: "which is no time"},
		"no such time":                 {items: signed(put("timeVerified", "yesterday")), says: `"yesterday", which is no time`},
		"no resource":                  {items: signed(put("resourceUri", nil)), says: "what it is about"},
		"no policy":                    {items: signed(put("policy", nil)), says: "names no policy"},
		"a policy digest that is none": {items: signed(put("policy", map[string]any{"uri": "x", "digest": map[string]any{"sha256": "CC"}})), says: `policy digest "CC"`},
		"no result":                    {items: signed(put("verificationResult", nil)), says: "neither PASSED nor FAILED"},
		"a result in small letters":    {items: signed(put("verificationResult", "passed")), says: "neither PASSED nor FAILED"},
		"passed and failed":            {items: signed(put("verifiedLevels", []any{"SLSA_BUILD_LEVEL_3", "FAILED"})), says: "names the level FAILED"},
		"65 levels":                    {items: signed(put("verifiedLevels", strings.Split(strings.Repeat("x ", 65), " "))), says: "more than 64"},
		"a long name":                  {items: signed(put("resourceUri", strings.Repeat("x", 501))), says: "501 bytes"},
		"no summary at all":            {items: []sigstore.Item{l.bundle(job, says(summaryType, "PASSED"), virtual.Witnesses{})}, says: "cannot be read"},
		"a result that stands twice":   {items: []sigstore.Item{l.bundle(job, []byte(twice), virtual.Witnesses{})}, says: "twice"},
		"an older kind of summary":     {items: []sigstore.Item{l.bundle(job, says("https://slsa.dev/verification_summary/v0.2", summary(nil)), virtual.Witnesses{})}, want: signals.OutcomeAbsent, says: "only other evidence"},
		"provenance passed off as one": {items: []sigstore.Item{l.bundle(job, says(buildType, summary(nil)), virtual.Witnesses{})}, want: signals.OutcomeAbsent, says: "only other evidence"},
		"tampered with": {items: []sigstore.Item{edited(signed(nil)[0], func(b map[string]any) {
			object(b, "dsseEnvelope")["payload"] = says(summaryType, summary(put("verifiedLevels", []any{"SLSA_BUILD_LEVEL_4"})))
		})}, says: "is not proven"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := l.doubted()
			if a.trust != nil {
				a.trust(&o)
			}
			if a.want == "" {
				a.want = signals.OutcomeRefused
			}
			got := judge(t, o, signals.ProofSummary, a.items...)
			if got.Outcome != a.want || !strings.Contains(got.Reason, a.says) {
				t.Errorf("%s: %q, want %s with %q", got.Outcome, got.Reason, a.want, a.says)
			}
			if got.Outcome != signals.OutcomeVerified && len(got.Summaries) > 0 {
				t.Errorf("what is not verified says %+v", got.Summaries)
			}
		})
	}
}

// TestSummariesAreInOrder holds that the newest comes first, by the verifier's
// word, and that nobody can make the list long.
func TestSummariesAreInOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var items []sigstore.Item
	for i := range 20 {
		at := l.now.Add(time.Duration(i*7%20) * time.Minute).UTC().Format(time.RFC3339)
		items = append(items, l.bundle(job, says(summaryType, summary(put("timeVerified", at))), virtual.Witnesses{}))
	}
	got := judge(t, l.doubted(), signals.ProofSummary, items...)
	if len(got.Summaries) != 16 || !got.Summaries[0].At.Equal(l.now.Add(19*time.Minute)) || !got.Summaries[15].At.Equal(l.now.Add(4*time.Minute)) {
		t.Errorf("%d summaries: %+v", len(got.Summaries), got.Summaries)
	}
}
