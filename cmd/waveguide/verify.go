package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	config, output                  string
	key, by, identity, issuer       string
	checkout, artifact, environment string
	selfTest                        string
}

// verification is the answer of verify.
type verification struct {
	Image   string          `json:"image"`
	Version signals.Version `json:"version"`
	// Lane says whose rules were asked; empty without --checkout.
	Lane     string          `json:"lane,omitempty"`
	Proofs   []signals.Proof `json:"proofs"`
	Verdicts []gate.Verdict  `json:"verdicts"`
	// Source and Revision are those that verified evidence names.
	Source   string `json:"source,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Policy is the digest of the rules that were asked, which a rule elsewhere
	// names to accept our summaries; empty without --checkout.
	Policy signals.Digest `json:"policy,omitempty"`
	// Told are the summaries and promotion records beside the image.
	Told []told `json:"told,omitempty"`
}

// refused says that evidence was read and does not suffice.
type refused struct{ error }

func verifyCommand(s streams) *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use: "verify REFERENCE", Short: "Verify what is signed about one image, by one signer or by the rules of a checkout",
		Long: `Verify reads the evidence about one image and asks the gates that the rules
name: who signed it, how it was built, what it is made of, what a scan found and
which tests passed. Without --checkout it asks for a signature by the key that
--key names, the signer of trust.signers that --by names, or an --identity with
its --issuer. With --self-test POLICY it shows instead that a policy of the
checkout, ARTIFACT or PROMOTION/ARTIFACT, refuses strangers.

It exits with 0 if all is verified, with 3 if something is refused, with 1 if
it could not look, and with 2 for mistakes in the command or the configuration.`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.selfTest != "" && len(args) == 0 || o.selfTest == "" && len(args) == 1 {
				return nil
			}
			return usage{errors.New("verify takes one REFERENCE, or --self-test POLICY and none")}
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.selfTest != "" {
				return o.test(cmd.Context(), s)
			}
			v, err := o.verify(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := answer(s.out, o.output, v, func(w io.Writer) { v.print(w) }); err != nil {
				return err
			}
			return v.outcome(args[0])
		},
	}
	configFlag(c, &o.config)
	c.Flags().StringVar(&o.key, "key", "", "the name of the key; needed if the daemon's file has several")
	c.Flags().StringVar(&o.by, "by", "", "the name of the signer")
	c.Flags().StringVar(&o.identity, "identity", "", "the identity that must have signed")
	c.Flags().StringVar(&o.issuer, "issuer", "", "with --identity: who vouched for it")
	c.Flags().StringVar(&o.checkout, "checkout", "", "ask what the rules of this checkout of the GitOps repository ask")
	c.Flags().StringVar(&o.artifact, "artifact", "", "with --checkout: the artifact, if several have the image")
	c.Flags().StringVar(&o.environment, "environment", "", "with --checkout: the environment; the last one if it is not named")
	c.Flags().StringVar(&o.selfTest, "self-test", "", "with --checkout: show that this policy refuses strangers")
	outputFlag(c, &o.output)
	return c
}

// outcome is the error that a verification ends with.
func (v verification) outcome(reference string) error {
	switch gate.Fold(v.Verdicts) {
	case gate.Pass:
		return nil
	case gate.Block:
		return refused{fmt.Errorf("%s is not verified", reference)}
	case gate.Wait:
	}
	return fmt.Errorf("could not find out whether %s is verified", reference)
}

// print writes what each gate says and the evidence it rests on.
func (v verification) print(w io.Writer) {
	fmt.Fprintf(w, "%s %s\n", v.Image, prose.Plain(v.Version.String()))
	if line := coverage(v.Version); line != "" {
		fmt.Fprintln(w, prose.Plain(line))
	}
	if v.Lane != "" {
		fmt.Fprintf(w, "by the rules of %s, policy %s\n", v.Lane, v.Policy)
	}
	if v.Revision != "" {
		fmt.Fprintf(w, "built from %s at %s\n", prose.Plain(v.Source), prose.Plain(v.Revision))
	}
	for _, verdict := range v.Verdicts {
		fmt.Fprintln(w, prose.Plain(verdict.String()))
		for _, p := range v.Proofs {
			if string(p.Kind) == verdict.Gate {
				for _, line := range evidenceOf(p) {
					fmt.Fprintf(w, "      %s\n", prose.Plain(line))
				}
			}
		}
	}
	for _, t := range v.Told {
		fmt.Fprintln(w, prose.Plain(t.String()))
	}
}

// coverage says which platforms evidence about a version covers.
func coverage(v signals.Version) string {
	switch {
	case v.Incomplete:
		return "platforms " + strings.Join(v.Platforms, ", ") + ", of which the registry does not have all"
	case len(v.Platforms) > 0:
		return "platforms " + strings.Join(v.Platforms, ", ")
	}
	return ""
}

// evidenceOf says what a proof rests on, for people.
func evidenceOf(p signals.Proof) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if p.Identity != "" {
		say("signer %s, vouched for by %s", p.Identity, p.Issuer)
	}
	if !p.Signed.IsZero() {
		say("signed %s", p.Signed.UTC().Format(time.RFC3339))
	}
	for _, b := range p.Builds {
		by := "in its own words"
		if b.Certified {
			by = "by its certificate"
		}
		say("built from %s at %s of %s, by %s (%s)", cmp.Or(b.Source, "?"), cmp.Or(b.Revision, "?"), cmp.Or(b.Ref, "?"), cmp.Or(b.Builder, "?"), by)
	}
	lines = append(lines, contentOf(p)...)
	for _, d := range p.Evidence {
		say("evidence %s", d)
	}
	return lines
}

// contentOf says what a bill, a scan or tests say.
func contentOf(p signals.Proof) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if p.Bill != nil {
		say("%s with %d components", p.Bill.Format, p.Bill.Components)
	}
	if p.Scan != nil {
		say("scanned by %s: %s", cmp.Or(p.Scan.Scanner, "?"), counts(p.Scan.Counts))
		for _, f := range p.Scan.Findings {
			if f.Unaffected != "" {
				say("%s (%s): %s", f.ID, cmp.Or(f.Severity, "unknown"), f.Unaffected)
			}
		}
	}
	for _, s := range p.Suites {
		result := "failed"
		if s.Passed {
			result = "passed"
		}
		say("tests %s: %s", cmp.Or(s.Name, "(all)"), result)
	}
	for _, s := range p.Summaries {
		say("%s says %s of %s at %s", s.Verifier, cmp.Or(strings.Join(s.Levels, " "), "nothing"), s.Resource, s.At.Format(time.RFC3339))
	}
	return lines
}

func counts(c map[string]int) string {
	var parts []string
	for _, severity := range []string{"critical", "high", "medium", "low", "unknown"} {
		if c[severity] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c[severity], severity))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing found")
}

// verify asks the gates about one image, as the daemon would.
func (o *verifyOptions) verify(ctx context.Context, reference string) (verification, error) {
	image, digest, _ := strings.Cut(reference, "@")
	tag := ""
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image, tag = image[:i], image[i+1:]
	}
	if tag == "" && digest == "" {
		return verification{}, usage{fmt.Errorf("%s names no version: write %s:TAG or %s@DIGEST", reference, image, image)}
	}
	v := verification{Image: image, Version: signals.Version{Tag: tag, Digest: signals.Digest(digest)}}
	d, set, lane, err := o.gates(image)
	if err != nil {
		return v, err
	}
	if v.Lane = lane; lane != "" {
		v.Policy = policyOf("", gitops.Lane{}, set).Digest
	}
	reader := newOCI(d, nil)
	r, repository, err := reader.open(image)
	if err != nil {
		return v, err
	}
	if digest == "" {
		v.Version, err = r.Resolve(ctx, repository, tag)
	} else if _, err := signals.ParseDigest(digest); err != nil {
		return v, usage{err}
	} else if v.Version, err = r.Describe(ctx, repository, signals.Digest(digest)); err == nil {
		v.Version.Tag = tag
	}
	if err != nil {
		return v, err
	}
	if v.Proofs, err = reader.Proofs(ctx, image, v.Version.Digest, promoter.Stop{Gates: set}, true); err != nil {
		return v, err
	}
	facts := signals.Facts{Proofs: v.Proofs}
	v.Source, v.Revision = facts.Revision(v.Version.Digest)
	v.Verdicts = set.Evidence(gate.Case{Now: time.Now().UTC(), Candidate: v.Version, Image: image, Facts: facts})
	v.Told, err = reader.beside(ctx, image, v.Version.Digest, v.Proofs)
	return v, err
}

// gates are those that the flags or the rules of a checkout name.
func (o *verifyOptions) gates(image string) (*config.Daemon, gate.Set, string, error) {
	if o.checkout != "" {
		d, stop, _, err := o.stop(func(r promoter.Route) bool {
			return r.Image == image && (o.artifact == "" || r.Artifact == o.artifact)
		}, "the image "+image)
		return d, stop.Gates, stop.Lane.String(), err
	}
	if o.artifact != "" || o.environment != "" {
		return nil, gate.Set{}, "", usage{errors.New("--artifact and --environment go with --checkout")}
	}
	d, err := readDaemon(o.config)
	if err != nil {
		return nil, gate.Set{}, "", err
	}
	g := &gate.Signature{Key: o.key, By: o.by, Identity: o.identity, Issuer: o.issuer}
	if o.key+o.by+o.identity+o.issuer == "" && len(d.Trust.Keys) == 1 {
		g.Key = d.Trust.Keys[0].Name
	}
	ways := 0
	for _, set := range []bool{g.Key != "", g.By != "", g.Identity != ""} {
		if set {
			ways++
		}
	}
	if ways != 1 || (g.Identity == "") != (g.Issuer == "") {
		return nil, gate.Set{}, "", usage{fmt.Errorf("say with --key which of the %d keys of the daemon's file must have signed, with --by which signer, or give an --identity and its --issuer", len(d.Trust.Keys))}
	}
	return d, gate.Set{Signature: g}, "", nil
}

// stop finds the lane whose gates are asked.
func (o *verifyOptions) stop(wanted func(promoter.Route) bool, what string) (*config.Daemon, promoter.Stop, promoter.Route, error) {
	var none promoter.Stop
	d, rules, err := readRules(o.config, o.checkout, time.Now())
	var problems config.Problems
	if err != nil && (rules == nil || !errors.As(err, &problems)) {
		return nil, none, promoter.Route{}, err
	}
	routes := slices.DeleteFunc(slices.Clone(rules.Routes), func(r promoter.Route) bool { return !wanted(r) })
	switch {
	case len(routes) == 0 && err != nil:
		return nil, none, promoter.Route{}, err
	case len(routes) == 0:
		return nil, none, promoter.Route{}, usage{fmt.Errorf("no promotion of the checkout takes %s", what)}
	case len(routes) > 1:
		return nil, none, promoter.Route{}, usage{fmt.Errorf("%d artifacts of the checkout have %s: say which with --artifact", len(routes), what)}
	}
	stops := lanes(routes)
	if o.environment != "" {
		stops = slices.DeleteFunc(stops, func(s promoter.Stop) bool { return s.Lane.Environment != o.environment })
	}
	if len(stops) == 0 {
		return nil, none, promoter.Route{}, usage{fmt.Errorf("%s does not enter an environment %s", routes[0].Artifact, o.environment)}
	}
	stop := stops[len(stops)-1]
	if stop.Held != "" {
		return nil, none, promoter.Route{}, fmt.Errorf("the rules of %s hold everything: %s", laneName(stop.Lane), stop.Held)
	}
	return d, stop, routes[0], nil
}

func laneName(l gitops.Lane) string { return l.Artifact + " in " + l.Environment }
