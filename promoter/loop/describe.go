package loop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// outdated are the texts of the lane's proposal that say something else than
// the plan does, where no other write brings them up to date.
func (l *Loop) outdated(d deed) (gitops.Change, bool) {
	title, body, differs := l.text(d)
	if !differs {
		return gitops.Change{}, false
	}
	sum := sha256.Sum256([]byte(title + "\n" + body))
	return gitops.Change{
		Kind: gitops.DescribeProposal, Lane: d.lane.Lane, Class: string(d.lane.Class), Proposal: d.lane.Proposal,
		// A text that differs is another wish, however often the last one failed.
		Why: fmt.Sprintf("text sha256:%x", sum[:6]),
	}, true
}

// describe brings a proposal's text up to date, if it differs.
func (l *Loop) describe(ctx context.Context, d deed) error {
	title, body, differs := l.text(d)
	if !differs {
		return nil
	}
	return l.Proposer.Update(ctx, d.lane.Proposal, title, body)
}

// text is what a lane's proposal should say, and whether it says anything else.
func (l *Loop) text(d deed) (title, body string, differs bool) {
	k := l.lanes[d.lane.Lane]
	if k == nil || d.lane.Proposal == "" || d.route.Artifact == "" {
		return "", "", false
	}
	for _, p := range k.proposals {
		if p.ID == d.lane.Proposal {
			title, body = l.Writer.Title(d.lane), l.body(d)
			return title, body, p.Title != title || plain(p.Body) != plain(body)
		}
	}
	return "", "", false
}

// plain is a text as forges keep it: they choose the line ends, and may drop
// what is blank at the end.
func plain(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n")
}

// body is the text of a proposal.
func (l *Loop) body(d deed) string {
	k, v := l.lanes[d.lane.Lane], l.versions[d.route.Artifact]
	letter := promoter.Letter{Plan: d.lane, Route: d.route, Stop: d.stop, Desired: k.desired, Proofs: k.proofs}
	if v != nil {
		letter.From, letter.To = v.Origins[d.lane.Current.Digest], v.Origins[d.lane.Candidate.Digest]
	}
	for _, w := range d.route.Waves {
		for _, s := range w.Stops {
			o := l.lanes[s.Lane]
			if s.Lane != d.lane.Lane && o != nil && o.desired.Presence == gitops.At && o.desired.Version.Digest == string(d.lane.Candidate.Digest) {
				letter.Running = append(letter.Running, s.Lane.Environment)
			}
		}
	}
	return l.Writer.Body(letter)
}
