package loop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// words are what a proposal should say.
type words struct {
	title, body string
	// label is the wave's; stale are those of waves it is in no more.
	label string
	stale []string
}

// waveLabel begins the label that says which wave a proposal is in: the only one
// that may change while it is open. The others say what it never ceases to be.
const waveLabel = "wave/"

// outdated is the change that brings the text and the labels of a lane's
// proposal up to date, where they say something else than the plan does and no
// other write does it.
func (l *Loop) outdated(d deed) (gitops.Change, bool) {
	p, w := l.wording(d)
	if !w.differs(p) {
		return gitops.Change{}, false
	}
	sum := sha256.Sum256(fmt.Append(nil, w))
	return gitops.Change{
		Kind: gitops.DescribeProposal, Lane: d.lane.Lane, Class: string(d.lane.Class), Proposal: p.ID,
		// A text that differs is another wish, however often the last one failed.
		Why: fmt.Sprintf("text sha256:%x", sum[:6]),
	}, true
}

// describe brings a proposal's text and labels up to date, if they differ.
func (l *Loop) describe(ctx context.Context, d deed) error {
	p, w := l.wording(d)
	if !w.differs(p) {
		return nil
	}
	var mends []gitops.Mend
	if _, there := p.Label(w.label); !there && len(w.stale) > 0 {
		mends = append(mends, gitops.Mend{ID: p.ID, Kind: gitops.PutLabel, Value: w.label})
	}
	for _, label := range w.stale {
		mends = append(mends, gitops.Mend{ID: p.ID, Kind: gitops.TakeLabel, Value: label})
	}
	for _, m := range mends {
		if err := l.Talker.Mend(ctx, m); err != nil {
			return err
		}
	}
	return l.Proposer.Update(ctx, p.ID, w.title, w.body)
}

// wording is the open proposal of a lane's plan and what it should say; none where
// there is nothing to say.
func (l *Loop) wording(d deed) (p gitops.Proposal, w words) {
	k := l.lanes[d.lane.Lane]
	if k == nil || d.lane.Proposal == "" || d.route.Artifact == "" {
		return p, w
	}
	i := slices.IndexFunc(k.proposals, func(p gitops.Proposal) bool { return p.ID == d.lane.Proposal })
	if i < 0 {
		return p, w
	}
	p, w = k.proposals[i], words{title: l.Writer.Title(d.lane), body: l.body(d), label: waveLabel + d.lane.Wave}
	for _, label := range p.Labels {
		if strings.HasPrefix(label.Name, waveLabel) && label.Name != w.label {
			w.stale = append(w.stale, label.Name)
		}
	}
	return p, w
}

// differs says that a proposal says something else.
func (w words) differs(p gitops.Proposal) bool {
	return w.title != "" && (p.Title != w.title || plain(p.Body) != plain(w.body) || len(w.stale) > 0)
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
