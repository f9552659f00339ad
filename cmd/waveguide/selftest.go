package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

// trial is one stranger who tried a policy, or the honest signer.
type trial struct {
	Who string `json:"who"`
	// Honest says that the policy has to accept it.
	Honest   bool `json:"honest,omitempty"`
	Accepted bool `json:"accepted"`
	// Says is the verdict that refused it.
	Says string `json:"says,omitempty"`
}

// good says that the policy did what it has to.
func (t trial) good() bool { return t.Accepted == t.Honest }

// word is what became of somebody.
func (t trial) word() string {
	switch {
	case !t.Accepted:
		return "refused "
	case t.Honest:
		return "accepted"
	}
	return "ACCEPTED"
}

// test runs the self-test of a policy of a checkout.
func (o *verifyOptions) test(ctx context.Context, s streams) error {
	if o.checkout == "" {
		return usage{errors.New("--self-test needs the --checkout whose rules hold the policy")}
	}
	d, stop, route, err := o.stop(func(r promoter.Route) bool {
		return o.selfTest == r.Artifact || o.selfTest == r.Promotion+"/"+r.Artifact
	}, "the policy "+o.selfTest)
	if err != nil {
		return err
	}
	trials, err := selfTest(ctx, &trust{Trust: d.Trust}, stop.Gates, route.Image)
	if err != nil {
		return err
	}
	err = answer(s.out, o.output, trials, func(w io.Writer) {
		fmt.Fprintf(w, "the policy of %s, tried by %d strangers\n", laneName(stop.Lane), len(trials)-1)
		for _, t := range trials {
			fmt.Fprintf(w, "%s  %-44s %s\n", t.word(), t.Who, prose.Plain(t.Says))
		}
	})
	if err != nil {
		return err
	}
	for _, t := range trials {
		if !t.good() {
			return refused{fmt.Errorf("the policy is not what it should be: %s", t.Who)}
		}
	}
	return nil
}

// stage is a world made up to try a policy: a Sigstore and keys that take the
// place of the real ones, and an image.
type stage struct {
	*trust
	set     gate.Set
	image   string
	content v1.Image
	digest  string
	now     time.Time
	ours    *virtual.Instance
	foreign *virtual.Instance
	root    *sigstore.Root
	keys    map[string]*signer.Signer
}

// actor is somebody who signs on the stage.
type actor struct {
	identity virtual.Identity
	key      *signer.Signer
	under    *virtual.Instance
}

// selfTest lets an honest signer and strangers try a policy. Strangers are made
// from the policy itself, so that each is as near to the honest one as can be.
func selfTest(ctx context.Context, t *trust, set gate.Set, image string) ([]trial, error) {
	g, err := newStage(t, set, image)
	if err != nil {
		return nil, err
	}
	honest, err := g.cast()
	if err != nil {
		return nil, err
	}
	tries := append([]stranger{{"the honest signer", func() ([]sigstore.Item, error) { return g.play(honest, g.digest, image) }}}, g.strangers(honest)...)
	trials := make([]trial, len(tries))
	for i, s := range tries {
		items, err := s.make()
		if err != nil {
			return nil, err
		}
		if trials[i], err = g.try(ctx, s.who, items); err != nil {
			return nil, err
		}
	}
	trials[0].Honest = true
	return trials, nil
}

func newStage(t *trust, set gate.Set, image string) (*stage, error) {
	now := time.Now().UTC().Truncate(time.Second)
	g := &stage{trust: t, set: set, image: image, now: now, keys: map[string]*signer.Signer{}}
	var err error
	if g.content, err = random.Image(64, 1); err != nil {
		return nil, err
	}
	digest, err := g.content.Digest()
	if err != nil {
		return nil, err
	}
	g.digest = digest.String()
	if g.ours, err = virtual.New(now); err != nil {
		return nil, err
	}
	if g.foreign, err = virtual.New(now); err != nil {
		return nil, err
	}
	data, err := g.ours.Root(virtual.Parts{})
	if err != nil {
		return nil, err
	}
	g.root, err = sigstore.NewRoot(data)
	return g, err
}

// cast is the honest signer of each demand.
func (g *stage) cast() ([]actor, error) {
	var out []actor
	for _, d := range demands(g.set) {
		who, _, err := g.resolve(d.signer)
		if err != nil {
			return nil, err
		}
		if who.key != "" {
			if g.keys[who.key] == nil {
				if g.keys[who.key], err = signer.Generate(); err != nil {
					return nil, err
				}
			}
			out = append(out, actor{key: g.keys[who.key]})
			continue
		}
		out = append(out, actor{under: g.ours, identity: g.identity(who)})
	}
	return out, nil
}

// identity is one that a policy means, with the source that it names.
func (g *stage) identity(who named) virtual.Identity {
	subject := who.identity
	if rest, ok := strings.CutSuffix(subject, "**"); ok && strings.HasPrefix(subject, "https://github.com/") && !strings.Contains(subject, "/.github/") {
		subject = rest + "any/.github/workflows/any.yaml@refs/heads/any"
	}
	i := virtual.Identity{Name: strings.NewReplacer("**", "any", "*", "any").Replace(subject), Issuer: who.issuer, Trigger: "push"}
	if source, _, ok := strings.Cut(i.Name, "/.github/"); ok {
		i.Source, i.Builder = source, i.Name
	} else if source, _, ok := strings.Cut(i.Name, "//.gitlab"); ok {
		i.Source = source
	}
	if s := g.set.Signature; s != nil && s.Source != "" {
		i.Source = s.Source
	}
	if g.set.Provenance != nil {
		built(&i, *g.set.Provenance)
	}
	if i.Source != "" {
		i.Revision = strings.Repeat("5e1f", 10)
	}
	return i
}

// built is an identity of the build that rules about provenance name.
func built(i *virtual.Identity, p gate.Provenance) {
	if p.Source != "" && i.Source != "" {
		i.Source = p.Source
	}
	i.Ref = "refs/heads/" + p.Branch
	if p.Branch == "" && p.Tag != "" {
		i.Ref = "refs/tags/" + strings.ReplaceAll(p.Tag, "*", "any")
	}
	builder := strings.ReplaceAll(p.Builder, "*", "any")
	if runner, ok := strings.CutPrefix(builder, "https://github.com/actions/runner/"); ok {
		i.Runner = runner
	} else if strings.Contains(builder, "/.github/workflows/") {
		i.Builder = builder
	}
}

// play is all evidence that the policy asks for, signed by a cast.
func (g *stage) play(cast []actor, digest, image string) ([]sigstore.Item, error) {
	var items []sigstore.Item
	for i, d := range demands(g.set) {
		for _, kind := range d.kinds {
			item, err := g.item(kind, cast[i], digest, image)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

// item is one piece of evidence, signed by somebody.
func (g *stage) item(kind signals.ProofKind, who actor, digest, image string) (sigstore.Item, error) {
	raw, err := who.sign(g.statement(kind, who.identity, digest, image), g.now)
	return sigstore.Item{Kind: sigstore.Bundle, Raw: raw}, err
}

func (a actor) sign(s signer.Statement, now time.Time) ([]byte, error) {
	if a.key != nil {
		return a.key.Bundle(s)
	}
	payload, err := s.Payload()
	if err != nil {
		return nil, err
	}
	return a.under.Bundle(a.identity, payload, virtual.Witnesses{At: now.Add(-time.Minute), Stamp: true})
}

// statement is what an honest build would say.
func (g *stage) statement(kind signals.ProofKind, who virtual.Identity, digest, image string) signer.Statement {
	type object = map[string]any
	s := signer.Statement{PredicateType: signer.SignPredicate, Name: image, Digest: digest}
	switch kind {
	case signals.ProofSignature:
		s.Annotations = g.set.Signature.Annotations
	case signals.ProofProvenance:
		p := g.set.Provenance
		source, builder := who.Source, strings.ReplaceAll(p.Builder, "*", "any")
		if source == "" {
			source = p.Source
		}
		ref := who.Ref
		if ref == "" {
			ref = "refs/heads/" + p.Branch
		}
		s.PredicateType = "https://slsa.dev/provenance/v1"
		s.Predicate = object{
			"buildDefinition": object{"externalParameters": object{"workflow": object{"repository": source, "ref": ref}}},
			"runDetails":      object{"builder": object{"id": builder}},
		}
	case signals.ProofSBOM:
		s.PredicateType, s.Predicate = "https://spdx.dev/Document", object{"spdxVersion": "SPDX-2.3", "packages": []any{}}
	case signals.ProofVulnerabilities:
		s.PredicateType = "https://in-toto.io/attestation/vulns/v0.2"
		s.Predicate = object{
			"scanner":  object{"uri": "https://scanner.example", "result": []any{}},
			"metadata": object{"scanFinishedOn": g.now.Add(-time.Minute).Format(time.RFC3339)},
		}
	case signals.ProofTests:
		suites := []any{}
		for _, name := range g.set.Tests.Suites {
			suites = append(suites, object{"name": name})
		}
		s.PredicateType, s.Predicate = "https://in-toto.io/attestation/test-result/v0.1", object{"result": "PASSED", "configuration": suites}
	case signals.ProofSummary:
		r := g.set.Summary
		return attest.Summary{
			Verifier: r.Verifier, At: g.now.Add(-time.Minute), Image: image, Digest: signals.Digest(digest), Levels: r.Levels,
			Policy: attest.Policy{URI: "https://self-test.example", Digest: signals.Digest(r.Policy)},
		}.Statement()
	}
	return s
}

// pushed is evidence as it is read from a registry that holds the image and
// nothing else.
func (g *stage) pushed(ctx context.Context, items []sigstore.Item) (sigstore.Evidence, error) {
	subject, err := name.NewDigest(g.image+"@"+g.digest, name.WeakValidation)
	if err != nil {
		return sigstore.Evidence{}, err
	}
	there := newEmbedded()
	if err := remote.Write(subject, g.content, there, remote.WithContext(ctx)); err != nil {
		return sigstore.Evidence{}, err
	}
	for _, i := range items {
		if err := signer.Refer(ctx, subject, i.Raw, "", there); err != nil {
			return sigstore.Evidence{}, err
		}
	}
	puller, err := remote.NewPuller(there)
	if err != nil {
		return sigstore.Evidence{}, err
	}
	return sigstore.Fetcher{Puller: puller, Attestations: true}.Fetch(ctx, subject)
}

// try asks the whole policy about evidence.
func (g *stage) try(ctx context.Context, who string, items []sigstore.Item) (trial, error) {
	evidence, err := g.pushed(ctx, items)
	if err != nil {
		return trial{}, err
	}
	var proofs []signals.Proof
	for _, d := range demands(g.set) {
		v, err := g.verifier(d)
		if err != nil {
			return trial{}, err
		}
		got, err := v.Verify(ctx, evidence)
		if err != nil {
			return trial{}, err
		}
		proofs = append(proofs, got...)
	}
	verdicts := g.set.Evidence(gate.Case{
		Now: g.now, Image: g.image, Candidate: signals.Version{Digest: signals.Digest(g.digest), Tag: "self-test"}, Facts: signals.Facts{Proofs: proofs},
	})
	out := trial{Who: who, Accepted: gate.Fold(verdicts) == gate.Pass}
	if v, ok := gate.First(verdicts); ok {
		out.Says = v.Gate + ": " + v.Reason
	}
	return out, nil
}

// verifier is the real one, with the keys and the root of the stage.
func (g *stage) verifier(d demand) (*sigstore.Verifier, error) {
	n, _, err := g.resolve(d.signer)
	if err != nil {
		return nil, err
	}
	options := sigstore.Options{Roots: []*sigstore.Root{g.root}, Kinds: d.kinds, Revoked: g.Revoked.Identities, Annotations: d.signer.annotations()}
	if n.key == "" {
		options.Identities = []sigstore.Identity{{Name: n.by, Subject: n.identity, Issuer: n.issuer}}
		return sigstore.New(options)
	}
	pem, err := g.keys[n.key].PublicKey()
	if err != nil {
		return nil, err
	}
	options.Keys = []sigstore.Key{{Name: n.key, PEM: pem}}
	return sigstore.New(options)
}
