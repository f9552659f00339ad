package promoter_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// began is when every story begins: a Monday morning.
var began = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// beat is how often the model looks.
const beat = time.Minute

// model is a small world around the core: it does what a plan says, and its
// environments run what Git desires.
type model struct {
	s       promoter.Snapshot
	health  map[string]map[string]signals.State // environment, signal
	runs    map[string]signals.Digest           // environment, where it differs from Git
	said    map[string]answer                   // environment, where it is not as it is
	proofs  []signals.Proof
	judged  []string // what the gates say of a person's proposal
	counter int
}

func newModel(r promoter.Route) *model {
	m := &model{health: map[string]map[string]signals.State{}, runs: map[string]signals.Digest{}}
	m.s = promoter.Snapshot{Now: began, Route: r, World: promoter.World{Bases: map[string]gitops.Commit{repository: "base-0"}}}
	for _, w := range r.Waves {
		for _, stop := range w.Stops {
			m.s.Lanes = append(m.s.Lanes, promoter.Lane{Lane: stop.Lane, Desired: gitops.Desired{Presence: gitops.Absent}})
		}
	}
	return m
}

// digestOf is a digest that belongs to a tag.
func digestOf(tag string) signals.Digest {
	sum := sha256.Sum256([]byte(tag))
	return signals.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

func (m *model) lane(environment string) (*promoter.Lane, error) {
	for i := range m.s.Lanes {
		if m.s.Lanes[i].Lane.Environment == environment {
			return &m.s.Lanes[i], nil
		}
	}
	return nil, fmt.Errorf("no environment %q", environment)
}

func (m *model) open(environment string) (*gitops.Proposal, error) {
	k, err := m.lane(environment)
	if err != nil {
		return nil, err
	}
	for i := range k.Proposals {
		if k.Proposals[i].State == gitops.Open {
			return &k.Proposals[i], nil
		}
	}
	return nil, fmt.Errorf("no proposal is open for %s", environment)
}

func (m *model) stop(l gitops.Lane) promoter.Stop {
	for _, w := range m.s.Route.Waves {
		for _, s := range w.Stops {
			if s.Lane == l {
				return s
			}
		}
	}
	return promoter.Stop{}
}

// version pushes a tag.
func (m *model) version(tag string, d signals.Digest) {
	for i, v := range m.s.Versions {
		if v.Tag == tag && v.Digest != d && v.Gone.IsZero() {
			m.s.Versions[i].Gone = m.s.Now
		}
	}
	m.s.Versions = append(m.s.Versions, signals.Version{Tag: tag, Digest: d, FirstSeen: m.s.Now, Platforms: []string{"linux/amd64"}})
	for _, kind := range []signals.ProofKind{
		signals.ProofSignature, signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests,
	} {
		if _, ok := (signals.Facts{Proofs: m.proofs}).Proof(kind, d); !ok {
			m.prove(kind, d, signals.OutcomeVerified)
		}
	}
}

// prove says what looking for evidence came to.
func (m *model) prove(kind signals.ProofKind, d signals.Digest, o signals.Outcome) {
	m.proofs = slices.DeleteFunc(m.proofs, func(p signals.Proof) bool { return p.Kind == kind && p.Digest == d })
	p := signals.Proof{Kind: kind, Digest: d, Outcome: o, At: m.s.Now}
	if o == signals.OutcomeVerified {
		p.By, p.Repository, p.Signed = "release", image, m.s.Now
		p.Builds = []signals.Build{{Source: "https://github.com/acme/order-api", Ref: "refs/heads/main"}}
		p.Summaries = []signals.Summary{{
			Verifier: "https://verify.acme.example", At: m.s.Now, Resource: image, Repository: image, Policy: digestOf("policy"), Passed: true, Levels: []string{"SLSA_BUILD_LEVEL_3"},
		}}
		p.Scan, p.Suites = &signals.Scan{}, []signals.Suite{{Name: "e2e", Passed: true}}
	}
	if o == signals.OutcomeUnknown {
		p.Reason = "the registry answers 503"
	}
	m.proofs = append(m.proofs, p)
}

// move lets Git name another version, whoever did it.
func (m *model) move(k *promoter.Lane, to gitops.Version) {
	was := k.Desired
	if was.Presence == gitops.At && was.Version.Digest != to.Digest {
		k.Desired.Left = slices.Insert(k.Desired.Left, 0, gitops.Left{Version: was.Version, At: m.s.Now})
	}
	k.Desired.Presence, k.Desired.Version, k.Desired.Since, k.Desired.Places = gitops.At, to, m.s.Now, nil
	m.commit()
}

func (m *model) commit() {
	m.counter++
	m.s.World.Bases[repository] = gitops.Commit(fmt.Sprintf("base-%d", m.counter))
}

// look reads the signals and moves every soak clock.
func (m *model) look() {
	for i := range m.s.Lanes {
		k := &m.s.Lanes[i]
		env := k.Lane.Environment
		k.Facts.Proofs = m.proofs
		k.Facts.Health = nil
		stop := m.stop(k.Lane)
		names := []string{}
		for _, s := range stop.Signals {
			names = append(names, s.Name)
		}
		if stop.Gates.Alerts != nil {
			names = append(names, stop.Gates.Alerts.Signal)
		}
		for _, name := range names {
			h := signals.Health{Name: name, State: signals.StateHealthy, At: m.s.Now}
			if s, ok := m.health[env][name]; ok {
				h.State = s
			}
			if k.Desired.Presence == gitops.At && name == "probe" {
				h.Digest = signals.Digest(k.Desired.Version.Digest)
			}
			if d, ok := m.runs[env]; ok && name == "probe" {
				h.Digest = d
			}
			m.answers(env, &h)
			if h.State != signals.StateUnknown {
				k.Facts.Health = append(k.Facts.Health, h)
			}
		}
		k.Facts.Streak = k.Facts.Streak.Observe(stop.Pulse(k.Desired, k.Facts, m.s.Now, 2*beat))
	}
}

// decide looks, decides and remembers what was earned, and who waits.
func (m *model) decide() promoter.Plan {
	m.look()
	p := promoter.Admit([]promoter.Plan{promoter.Decide(m.s)})[0]
	for _, l := range p.Lanes {
		k, err := m.lane(l.Lane.Environment)
		if err != nil {
			continue
		}
		if l.Earned != nil {
			k.Facts.Earned = append(k.Facts.Earned, *l.Earned)
		}
		k.Waiting = l.Waiting
	}
	return p
}

// until lets time pass, looking every minute and doing nothing.
func (m *model) until(t time.Time) {
	for m.decide(); m.s.Now.Before(t); m.decide() {
		m.s.Now = m.s.Now.Add(beat)
	}
}

// run lets time pass and does what every plan says.
func (m *model) run(t time.Time) {
	m.settle()
	for m.s.Now.Before(t) {
		m.s.Now = m.s.Now.Add(beat)
		m.settle()
	}
}

// settle does what the plans say until there is nothing to do, and says how
// many looks it took; more than eight are too many.
func (m *model) settle() int {
	for n := range 8 {
		if m.apply(m.decide()) == 0 {
			return n
		}
	}
	return 8
}

// apply does what a plan says, and says how many changes that were.
func (m *model) apply(p promoter.Plan) int {
	n := 0
	for _, l := range p.Lanes {
		if l.Change != nil {
			m.change(*l.Change)
			n++
		}
	}
	return n
}

func (m *model) change(c gitops.Change) {
	k, err := m.lane(c.Lane.Environment)
	if err != nil {
		return
	}
	if c.Kind == gitops.OpenProposal {
		m.counter++
		k.Proposals = slices.Insert(k.Proposals, 0, gitops.Proposal{
			ID: fmt.Sprintf("#%d", m.counter), Lane: c.Lane, State: gitops.Open, Branch: c.Lane.Branch(), Author: gitops.Actor{Name: "waveguide", Bot: true},
			Head: gitops.Commit(fmt.Sprintf("head-%d", m.counter)), Base: c.Base, From: c.From, To: c.To, Class: c.Class, Opened: m.s.Now,
		})
		return
	}
	p, err := m.open(c.Lane.Environment)
	if err != nil {
		return
	}
	switch c.Kind {
	case gitops.UpdateProposal:
		m.counter++
		p.Head, p.Base, p.From, p.To = gitops.Commit(fmt.Sprintf("head-%d", m.counter)), c.Base, c.From, c.To
		p.Class, p.Checks, p.Edited, p.Behind = c.Class, nil, "", false
		p.Labels = slices.DeleteFunc(p.Labels, func(l gitops.Label) bool { return l.Name == gitops.LabelRebase })
	case gitops.CloseProposal:
		p.State, p.Ended, p.EndedBy = gitops.Closed, m.s.Now, gitops.Actor{Name: "waveguide", Bot: true}
	case gitops.MergeProposal:
		m.merge(k, p, gitops.Actor{Name: "waveguide", Bot: true})
	case gitops.SetCheck:
		p.Checks = slices.DeleteFunc(p.Checks, func(o gitops.Check) bool { return o.Name == c.Check.Name })
		p.Checks = append(p.Checks, c.Check)
	case gitops.RemoveLabel:
		p.Labels = slices.DeleteFunc(p.Labels, func(l gitops.Label) bool { return l.Name == c.Label })
	case gitops.OpenProposal, gitops.DescribeProposal, gitops.MendStop, gitops.AnswerPerson, gitops.FileReport, gitops.EndIssue:
	}
}

func (m *model) merge(k *promoter.Lane, p *gitops.Proposal, by gitops.Actor) {
	p.State, p.Ended, p.EndedBy = gitops.Merged, m.s.Now, by
	m.move(k, p.To)
}

// person is somebody who may write.
func person(name string) gitops.Actor {
	return gitops.Actor{Name: name, Permission: gitops.PermissionWrite, Teams: []string{"@acme/owners"}}
}
