package loop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// Publisher says to others, in signed words beside a version, what it earned.
type Publisher interface {
	// Missing names what was not said yet; it writes nothing. It fails with
	// [ErrUnpublishable] where it never can be said.
	Missing(ctx context.Context, p Publication) ([]string, error)
	// Publish says what is missing.
	Publish(ctx context.Context, p Publication) error
}

// ErrUnpublishable says that trying again will not help.
var ErrUnpublishable = errors.New("it cannot be published there")

// Publication is that a version earned an environment.
type Publication struct {
	Merit

	Image string
	Wave  string
	Stop  promoter.Stop
	// Proofs are what was verified just now, all of it again.
	Proofs []signals.Proof
	// Entry is the ledger's key of the intent, and Ledger the checkpoint before.
	Entry, Ledger string
}

// Merit is how a version came into an environment and earned it.
type Merit struct {
	Version gitops.Version `json:"version"`
	From    gitops.Version `json:"from,omitzero"`
	Entered time.Time      `json:"entered,omitzero"`
	Earned  time.Time      `json:"earned"`
	// Proposal is the address of the proposal it came with, if it did; Merged
	// what that was merged as, and Approvals who said yes to it.
	Proposal  string        `json:"proposal,omitempty"`
	Proposed  time.Time     `json:"proposed,omitzero"`
	MergedAt  time.Time     `json:"mergedAt,omitzero"`
	Merged    gitops.Commit `json:"merged,omitempty"`
	Approvals []Approval    `json:"approvals,omitempty"`
	// Tries is how often it could not be published.
	Tries int `json:"tries,omitempty"`
}

// Approval is that a person said yes to a proposal.
type Approval struct {
	By string    `json:"by"`
	At time.Time `json:"at,omitzero"`
}

// approvals are those of the head that was merged.
func approvals(p gitops.Proposal) []Approval {
	var all []Approval
	for _, r := range p.Reviews {
		if r.State == gitops.Approved && r.Head == p.Head {
			all = append(all, Approval{By: r.By.Name, At: r.At})
		}
	}
	return all
}

const (
	sourcePublish = "publication of "
	// mostTries bounds how often a publication is tried, and mostMerits how many
	// of a lane wait.
	mostTries  = 40
	mostMerits = 8
	// publishEvery is the rest after the first try that failed.
	publishEvery = time.Minute
)

// credit notes that a version earned its environment in our sight, which nobody
// outside knows yet.
func (l *Loop) credit(k *lane, lp promoter.LanePlan) {
	s, ok := l.atlas.stops[lp.Lane]
	if l.Publisher == nil || !ok || lp.Earned == nil || lp.Earned.Adopted || len(s.stop.Gates.Proofs()) == 0 {
		return
	}
	m := Merit{Version: k.Version, Entered: k.Since, Earned: lp.Earned.At}
	if m.Version.Digest != string(lp.Earned.Digest) { // Git names a tag alone
		m.Version = gitops.Version{Tag: k.Version.Tag, Digest: string(lp.Earned.Digest)}
	}
	if len(k.Left) > 0 {
		m.From = k.Left[0].Version
	}
	i := slices.IndexFunc(k.ended, func(p gitops.Proposal) bool { return p.State == gitops.Merged && p.To.Digest == m.Version.Digest })
	if i >= 0 {
		p := k.ended[i]
		m.Proposal, m.Proposed, m.MergedAt, m.Merged = p.URL, p.Opened, p.Ended, p.MergedAs
		m.Approvals = approvals(p)
	}
	k.Merits = append(k.Merits, m)
	k.Merits = slices.Clone(k.Merits[max(0, len(k.Merits)-mostMerits):])
	l.credits[lp.Lane] = struct{}{}
}

// publicise has what the lanes earned published, beside the loop.
func (l *Loop) publicise(now time.Time) {
	if l.Publisher == nil {
		return
	}
	for at := range l.credits {
		source := sourcePublish + at.String()
		s, ruled := l.atlas.stops[at]
		if _, asked := l.questions[source]; ruled && !asked {
			l.inquire(now, l.aboutPublishing(source, s, at))
		}
	}
}

// published is what became of a publication.
type published uint8

const (
	// pending is that it has to be tried again, because of an error.
	pending published = iota
	// resting is that everything is paused.
	resting
	// over is that it was said, or never can be.
	over
)

func (l *Loop) aboutPublishing(source string, s site, at gitops.Lane) question {
	var merit Merit
	return question{
		source: source, route: s.route, every: publishEvery,
		read: func() reading {
			merit = l.lanes[at].Merits[0]
			r := l.ruling.Routes[s.route]
			p := Publication{Merit: merit, Image: r.Image, Wave: s.wave.Name, Stop: *s.stop}
			return func(ctx context.Context) (any, error) { return l.publish(ctx, p) }
		},
		take: func(found any, _ time.Time) {
			result, _ := found.(published) // silence is an error
			k := l.lanes[at]
			i := slices.IndexFunc(k.Merits, func(m Merit) bool { return m.Version == merit.Version && m.Earned.Equal(merit.Earned) })
			l.queue.add(s.route) // so that it is remembered
			switch {
			case i >= 0 && result == over:
				k.Merits = slices.Delete(slices.Clone(k.Merits), i, i+1)
			case i >= 0 && result == pending:
				k.Merits[i].Tries++
			}
			if len(k.Merits) == 0 {
				delete(l.credits, at)
				l.forget(source)
			}
		},
	}
}

// publish verifies once more what is about to be said, and says it unless it was
// said before: the intent is in the ledger before it, and the outcome after it.
//
// It runs beside the loop, so it reads nothing of it but the options. The ledger
// takes its entries among those of the loop: writers queue, each transaction is
// refused once another process has the lease, and an outcome finds its intent by
// the key. A death between the two is put right by the next start, as any other.
func (l *Loop) publish(ctx context.Context, p Publication) (published, error) {
	if stopped, err := l.Paused(); stopped != nil || err != nil {
		return resting, nil //nolint:nilerr // whose file cannot be read is told of elsewhere
	}
	missing, err := l.unsaid(ctx, &p)
	switch {
	case errors.Is(err, ErrUnpublishable):
		return l.giveUp(ctx, p, err)
	case err == nil && len(missing) == 0:
		return over, nil
	case err == nil:
		err = l.proclaim(ctx, p, missing)
	}
	if err != nil && (errors.Is(err, ErrUnpublishable) || p.Tries >= mostTries) {
		return l.giveUp(ctx, p, err)
	}
	if err != nil {
		return pending, err
	}
	return over, nil
}

// unsaid finds out what has to be said. Nothing is said of what does not hold
// any more.
func (l *Loop) unsaid(ctx context.Context, p *Publication) ([]string, error) {
	proofs, err := l.Prover.Proofs(ctx, p.Image, signals.Digest(p.Version.Digest), p.Stop, true)
	if err != nil {
		return nil, err
	}
	p.Proofs = proofs
	for _, v := range p.Stop.Gates.Evidence(gate.Case{
		Now: l.now(), Lane: p.Stop.Lane, Image: p.Image, Facts: signals.Facts{Proofs: proofs},
		Candidate: signals.Version{Tag: p.Version.Tag, Digest: signals.Digest(p.Version.Digest)},
	}) {
		switch v.Answer {
		case gate.Block:
			return nil, fmt.Errorf("%w: %s: %s", ErrUnpublishable, v.Gate, v.Reason)
		case gate.Wait:
			return nil, fmt.Errorf("%s: %s", v.Gate, v.Reason)
		case gate.Pass:
		}
	}
	return l.Publisher.Missing(ctx, *p)
}

// saying is the body of a ledger entry about a publication.
type saying struct {
	Publish []string       `json:"publish,omitempty"`
	Image   string         `json:"image"`
	Version gitops.Version `json:"version"`
	Result  string         `json:"result,omitempty"`
}

// proclaim publishes what is missing.
func (l *Loop) proclaim(ctx context.Context, p Publication, missing []string) error {
	cp, err := l.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	body := saying{Publish: missing, Image: p.Image, Version: p.Version}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(raw, "%s %s %s", cp, p.Stop.Lane, l.now()))
	p.Entry, p.Ledger = hex.EncodeToString(sum[:]), cp.String()
	if err := l.enter(ctx, store.Intent, p, body); err != nil {
		return err
	}
	l.Crash("intent-publish")
	failed := l.Publisher.Publish(ctx, p)
	l.Crash("effect-publish")
	if body.Result = "done"; failed != nil {
		body.Result = "failed: " + failed.Error()
	} else {
		l.Log.InfoContext(ctx, "published what a version earned", "lane", p.Stop.Lane.String(), "digest", p.Version.Digest)
	}
	// The outcome is kept even when the process was asked to stop meanwhile.
	return errors.Join(failed, l.enter(context.WithoutCancel(ctx), store.Outcome, p, body))
}

// enter writes a ledger entry at the time of the loop's clock, as all others.
func (l *Loop) enter(ctx context.Context, kind store.Kind, p Publication, body saying) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	subject := gitops.CutLine(p.Stop.Lane.String(), maxSubject)
	_, err = l.Store.Append(ctx, store.Entry{At: l.now(), Kind: kind, Subject: subject, Key: p.Entry, Body: raw})
	return err
}

// giveUp notes that something is not published, and why.
func (l *Loop) giveUp(ctx context.Context, p Publication, why error) (published, error) {
	l.Log.WarnContext(ctx, "what a version earned is not published", "lane", p.Stop.Lane.String(), "digest", p.Version.Digest, "error", why.Error())
	err := l.enter(context.WithoutCancel(ctx), store.Note, p, saying{Image: p.Image, Version: p.Version, Result: "not published: " + why.Error()})
	if err != nil {
		return pending, err
	}
	return over, nil
}
