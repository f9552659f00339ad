package prose

import (
	"fmt"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Proposal writes the texts of proposals.
type Proposal struct{}

// maxTitle keeps titles below every forge's limit.
const maxTitle = 200

// Title is one line: what moves where.
func (Proposal) Title(l promoter.LanePlan) string {
	word := "promote"
	switch {
	case l.Class == gate.Rollback:
		word = "rollback"
	case l.Class != gate.Promotion:
		word = string(l.Class)
	}
	t := fmt.Sprintf("%s(%s): %s %s", word, l.Lane.Environment, l.Lane.Artifact, Plain(l.Candidate.String()))
	if len(t) > maxTitle {
		t = strings.ToValidUTF8(t[:maxTitle], "") + "…"
	}
	return t
}

// Body is the whole description. It names instants only, so that it changes
// when something happened and not with the clock.
func (Proposal) Body(l promoter.LanePlan, r promoter.Route, d gitops.Desired, proofs []signals.Proof) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Moves **%s** in **%s** from %s to %s (wave %s of %s).\n\n",
		l.Lane.Artifact, l.Lane.Environment, Code(tag(l.Current)), Code(tag(l.Candidate)), l.Wave, r.Promotion)
	blockers(&b, l.Verdicts)
	b.WriteString("| | |\n|---|---|\n")
	row := func(k, v string) { fmt.Fprintf(&b, "| %s | %s |\n", k, v) }
	row("Artifact", Code(r.Image))
	row("Current", Code(l.Current.Tag)+" "+Code(string(l.Current.Digest)))
	row("Proposed", Code(l.Candidate.Tag)+" "+Code(string(l.Candidate.Digest)))
	for _, p := range d.Places {
		row("Place", Code(fmt.Sprintf("%s:%d", p.File, p.Line)))
	}
	if len(l.Candidate.Platforms) > 0 {
		row("Platforms", Code(strings.Join(l.Candidate.Platforms, ", ")))
	}
	if l.Candidate.Revision != "" {
		row("Source (claimed)", Code(l.Candidate.Source)+" at "+Code(l.Candidate.Revision))
	}
	if len(l.Skipped) > 0 {
		row("Skipped", Code(strings.Join(l.Skipped, ", ")))
	}
	if l.Behind != "" {
		row("Waits behind it", Code(l.Behind))
	}
	b.WriteString("\n")
	evidence(&b, l, proofs)
	fmt.Fprintf(&b, "\n### What you can do\n\n- **Hold**: add the label %s. **Release**: remove it.\n- **Rebuild the branch**: add the label %s.\n- **Reject**: close this proposal; this digest is not proposed to %s again.\n- **Why is it waiting?** `waveguide explain %s %s`\n",
		"`"+gitops.LabelHold+"`", "`"+gitops.LabelRebase+"`", l.Lane.Environment, l.Lane.Artifact, l.Lane.Environment)
	b.WriteString("\n<!-- waveguide:v1 a hint for people and programs, never trusted -->\n")
	return b.String()
}

func blockers(b *strings.Builder, vs []gate.Verdict) {
	if _, ok := gate.First(vs); !ok && len(vs) > 0 {
		b.WriteString("Every gate passes.\n\n")
		return
	}
	for _, v := range vs {
		if v.Answer == gate.Pass {
			continue
		}
		fmt.Fprintf(b, "- **%s** (%s): %s", v.Gate, v.Answer, Markdown(v.Reason))
		if v.Owner != "" {
			fmt.Fprintf(b, " — next: %s", Markdown(v.Owner))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func evidence(b *strings.Builder, l promoter.LanePlan, proofs []signals.Proof) {
	b.WriteString("<details><summary>Evidence</summary>\n\n")
	for _, v := range l.Verdicts {
		fmt.Fprintf(b, "- %s **%s**: %s\n", mark(v.Answer), v.Gate, Markdown(v.Reason))
	}
	for _, p := range proofs {
		if p.Digest != l.Candidate.Digest {
			continue
		}
		outcome := string(p.Outcome)
		if outcome == "" {
			outcome = "unknown"
		}
		fmt.Fprintf(b, "- %s of %s: %s", p.Kind, Code(string(p.Digest)), outcome)
		if p.By != "" {
			fmt.Fprintf(b, ", signed by %s", Code(p.By))
		}
		if !p.Signed.IsZero() {
			fmt.Fprintf(b, " at %s", p.Signed.UTC().Format(time.RFC3339))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n</details>\n")
}

func mark(a gate.Answer) string {
	switch a {
	case gate.Pass:
		return "✓"
	case gate.Block:
		return "✗"
	case gate.Wait:
	}
	return "…"
}

func tag(v signals.Version) string {
	if v.Tag != "" {
		return v.Tag
	}
	return v.Digest.Short()
}
