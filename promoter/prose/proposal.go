package prose

import (
	"fmt"
	"net/url"
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
// when something happened and not with the clock. What matters most comes
// first, for readers on a phone and for forges that cut.
func (Proposal) Body(l promoter.Letter) string {
	var b strings.Builder
	p := l.Plan
	fmt.Fprintf(&b, "Moves **%s** in **%s** from %s to %s (wave %s of %s).\n\n",
		p.Lane.Artifact, p.Lane.Environment, Code(tag(p.Current)), Code(tag(p.Candidate)), p.Wave, l.Route.Promotion)
	orders(&b, p)
	blockers(&b, p.Verdicts)
	facts(&b, l)
	risk(&b, l)
	evidence(&b, p, l.Proofs)
	fmt.Fprintf(&b, "\n### What you can do\n\n- **Hold**: add the label %s, or comment `/hold` and why. **Release**: remove it.\n- **Rebuild the branch**: add the label %s.\n- **Reject**: close this proposal; this digest is not proposed to %s again, until somebody who may write comments `/waveguide retry`.\n- **Why is it waiting?** `waveguide explain %s %s`\n",
		"`"+gitops.LabelHold+"`", "`"+gitops.LabelRebase+"`", p.Lane.Environment, p.Lane.Artifact, p.Lane.Environment)
	b.WriteString("\n<!-- waveguide:v1 a hint for people and programs, never trusted -->\n")
	return b.String()
}

// facts is the table of what changes, and where.
func facts(b *strings.Builder, l promoter.Letter) {
	p := l.Plan
	b.WriteString("| | |\n|---|---|\n")
	row := func(k, v string) { fmt.Fprintf(b, "| %s | %s |\n", k, v) }
	row("Artifact", Code(l.Route.Image))
	row("Current", Code(p.Current.Tag)+" "+Code(string(p.Current.Digest)))
	row("Proposed", Code(p.Candidate.Tag)+" "+Code(string(p.Candidate.Digest)))
	for _, at := range l.Desired.Places {
		row("Place", Code(fmt.Sprintf("%s:%d", at.File, at.Line)))
	}
	switch {
	case compareLink(l.From, l.To) != "":
		row("Source", fmt.Sprintf("[%s…%s](%s)", short(l.From.Revision), short(l.To.Revision), compareLink(l.From, l.To)))
	case l.To.Revision != "":
		row("Source", Code(l.To.Source)+" at "+Code(l.To.Revision))
	case p.Candidate.Revision != "":
		row("Source (claimed)", Code(p.Candidate.Source)+" at "+Code(p.Candidate.Revision))
	}
	if len(p.Candidate.Platforms) > 0 {
		row("Platforms", Code(strings.Join(p.Candidate.Platforms, ", ")))
	}
	if len(p.Skipped) > 0 {
		row("Skipped", Code(strings.Join(p.Skipped, ", ")))
	}
	if p.Behind != "" {
		row("Waits behind it", Code(p.Behind))
	}
	b.WriteString("\n")
}

// risk says what a merge may touch, who has to agree, and the way back.
func risk(b *strings.Builder, l promoter.Letter) {
	if l.Stop.Risk != "" {
		fmt.Fprintf(b, "- **Risk**: %s\n", l.Stop.Risk)
	}
	var where []string
	for _, k := range []string{"stage", "region", "cluster", "tenant-tier", "data-class"} {
		if v := l.Stop.Labels[k]; v != "" {
			where = append(where, k+" "+v)
		}
	}
	if len(where) > 0 {
		fmt.Fprintf(b, "- **Touches**: %s\n", Markdown(strings.Join(where, ", ")))
	}
	if len(l.Running) > 0 {
		fmt.Fprintf(b, "- **Runs already in**: %s\n", Markdown(strings.Join(l.Running, ", ")))
	}
	for _, a := range l.Stop.Gates.Approval.Required {
		who := a.From
		if who == "" {
			who = "people who may write"
		}
		fmt.Fprintf(b, "- **Needs**: %d approval(s) from %s\n", max(a.Count, 1), Markdown(who))
	}
	switch {
	case l.Plan.Class == gate.Rollback:
	case l.Route.Rollback.Forward:
		b.WriteString("- **If it fails**: going back is not possible for this artifact; a roll-forward is asked for\n")
	case l.Route.Rollback.Propose:
		fmt.Fprintf(b, "- **If it fails**: going back to %s is proposed by itself\n", Code(tag(l.Plan.Current)))
	default:
		fmt.Fprintf(b, "- **If it fails**: revert the merge; it names %s again\n", Code(tag(l.Plan.Current)))
	}
	b.WriteString("\n")
}

// compareLink leads to what changed in the source between two commits that
// verified evidence names; empty where the host is of no known kind.
func compareLink(from, to promoter.Origin) string {
	u, err := url.Parse(to.Source)
	if err != nil || from.Source != to.Source || from.Revision == to.Revision || !isCommit(from.Revision) || !isCommit(to.Revision) {
		return ""
	}
	if u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(to.Source, "()[]<>|`\\\"' \n") {
		return ""
	}
	base := strings.TrimSuffix(strings.TrimSuffix(to.Source, "/"), ".git")
	switch host := u.Hostname(); {
	case host == "gitlab.com" || strings.HasPrefix(host, "gitlab."):
		return base + "/-/compare/" + from.Revision + "..." + to.Revision
	case host == "github.com" || host == "codeberg.org" || strings.HasPrefix(host, "github.") || strings.HasPrefix(host, "gitea."):
		return base + "/compare/" + from.Revision + "..." + to.Revision
	}
	return ""
}

func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

func short(revision string) string { return revision[:min(len(revision), 10)] }

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
