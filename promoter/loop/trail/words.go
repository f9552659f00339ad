package trail

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// maxListed bounds how many lanes one issue lists.
const maxListed = 50

// code is foreign text as it can stand in Markdown: nobody is notified and
// nothing is linked.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "", "|", "/").Replace(gitops.CutLine(text, maxName)) + "`"
}

// tag is a version as people call it.
func tag(v gitops.Version) string {
	switch {
	case v.Tag != "":
		return v.Tag
	case len(v.Digest) > 19:
		return v.Digest[:19]
	}
	return v.Digest
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// Report asks to put on record what one commit changed past a proposal.
func Report(entries map[gitops.Lane]*Entry) gitops.Report {
	var lanes []gitops.Lane
	for at := range entries {
		lanes = append(lanes, at)
	}
	slices.SortFunc(lanes, func(a, b gitops.Lane) int { return strings.Compare(a.String(), b.String()) })
	e := entries[lanes[0]]
	var b strings.Builder
	switch {
	case e.How == Unknown:
		fmt.Fprintf(&b, "Nobody can say how these versions came to Git: %s. Commit %s names them.\n", e.Problem, e.Commit.Short())
	case e.Proposal != "":
		fmt.Fprintf(&b, "Proposal %s was merged as commit %s though its check was not green.\n", e.Proposal, e.Commit.Short())
	case e.Program:
		fmt.Fprintf(&b, "The program %s wrote these versions to Git with commit %s at %s, not by a proposal. Let only one of them decide.\n", code(e.By), e.Commit.Short(), stamp(e.At))
	default:
		fmt.Fprintf(&b, "%s wrote these versions to Git with commit %s at %s, not by a proposal.\n", code(e.By), e.Commit.Short(), stamp(e.At))
	}
	b.WriteString("\n| where | before | now |\n|---|---|---|\n")
	for i, at := range lanes {
		if i == maxListed {
			fmt.Fprintf(&b, "\nand %d more.\n", len(lanes)-maxListed)
			break
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(at.String()), code(tag(entries[at].From)), code(tag(entries[at].Version)))
	}
	b.WriteString("\nNothing is taken back. No newer version follows there until this is on record: **write below why it was done, and close this issue.** " +
		"Whoever may end a stop may close it.\n")
	title := fmt.Sprintf("Put on record: %s came to %s past a proposal", tag(e.Version), lanes[0])
	if len(lanes) > 1 {
		title = fmt.Sprintf("Put on record: commit %s changed %d versions past a proposal", e.Commit.Short(), len(lanes))
	}
	return gitops.Report{Key: e.Key(), Title: title, Body: b.String()}
}

// Sentence is what stops the artifact, as a pause is titled.
func (s Stray) Sentence() string {
	return fmt.Sprintf("the merge of proposal %s into %s as commit %s is not what was planned: %s", s.Proposal, s.Lane.Environment, s.Commit.Short(), s.What)
}

// Pause stops the artifact everywhere.
func (s Stray) Pause(issue string) gitops.Pause {
	p := gitops.Pause{ID: "the merged tree", Artifacts: []string{s.Lane.Artifact}, Since: s.At, Title: s.Sentence()}
	if issue != "" {
		p.ID = "issue " + issue
	}
	return p
}

// Report asks people to look at it. It bears the label of pauses, so that it
// stops the artifact whatever is forgotten here.
func (s Stray) Report() gitops.Report {
	return gitops.Report{
		Key: s.Key(), Labels: []string{gitops.LabelPause},
		Title: fmt.Sprintf("artifact:%s stands still, because a merge into %s is not what was planned", s.Lane.Artifact, s.Lane.Environment),
		Body: fmt.Sprintf("Proposal %s was merged as commit %s, and the merged tree is not what was planned and approved: %s.\n\n"+
			"Look at that commit. If it is wrong, put it right with a change of your own. **Then close this issue: whoever may end a stop may do so.** "+
			"Until then %s is promoted nowhere.\n", s.Proposal, s.Commit, code(s.What), code(s.Lane.Artifact)),
	}
}

// Word is what is said on the proposal.
func (s Stray) Word() string {
	return fmt.Sprintf("Merged as %s, but **the merged tree is not what was planned**: %s. %s stands still everywhere until a person with the right has looked at it and closed the issue about it.",
		s.Commit.Short(), code(s.What), code(s.Lane.Artifact))
}
