package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// The wrappers: each changes one answer or one call.
type (
	rules struct {
		inner loop.Rules

		change func(*promoter.Stop)
	}
	once struct {
		inner loop.Rules

		first *loop.Ruling
	}
	oneWave struct{ inner loop.Rules }
	forge   struct {
		loop.Forge

		change func([]gitops.Proposal) []gitops.Proposal
	}
	sleepy struct {
		loop.Forge

		issues []gitops.Issue
		read   bool
	}
	trusting struct {
		loop.Forge

		list []gitops.Proposal
	}
	opener struct {
		loop.Proposer

		open  func(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error)
		merge func(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error)
	}
	blunt     struct{ loop.Forge }
	talkative struct {
		loop.Publisher

		say func(loop.Publication)
	}
	eager struct {
		loop.Marker

		after func(ctx context.Context, head gitops.Commit)
	}
	brute struct {
		loop.Branches

		made  *drafts
		world *world.World
	}
	// drafts remembers what every commit was made of.
	drafts struct {
		loop.Repo

		by map[gitops.Commit]loop.Draft
	}
	repo struct {
		loop.Repo

		fetch   func(loop.Update, error) (loop.Update, error)
		delta   func(loop.Delta) loop.Delta
		compose func(loop.Draft) loop.Draft
	}
	unread struct {
		loop.Repo

		world *world.World
	}
	lavish struct {
		loop.Marker

		world *world.World
	}
	prover struct {
		loop.Prover

		change func(image string, d signals.Digest, ps []signals.Proof, err error) ([]signals.Proof, error)
	}
	blank  struct{ loop.History }
	hasty  struct{ loop.Prover }
	cached struct {
		loop.Prover

		key  func(image string, d signals.Digest) string
		have map[string][]signals.Proof
	}
	health struct {
		inner loop.Health

		change func(gitops.Lane, []signals.Health, error) ([]signals.Health, error)
	}
	registry struct {
		loop.Registry

		have map[string][]signals.Version
	}
)

func (r rules) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	ruling, err := r.inner.Rules(files, now)
	for i := range ruling.Routes {
		for j := range ruling.Routes[i].Waves {
			for k := range ruling.Routes[i].Waves[j].Stops {
				r.change(&ruling.Routes[i].Waves[j].Stops[k])
			}
		}
	}
	return ruling, err
}

func (r *once) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	if r.first != nil {
		return *r.first, nil
	}
	ruling, err := r.inner.Rules(files, now)
	if err == nil && len(ruling.Problems) == 0 {
		r.first = &ruling
	}
	return ruling, err
}

func (r oneWave) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	ruling, err := r.inner.Rules(files, now)
	for i := range ruling.Routes {
		all := ruling.Routes[i].Waves
		for _, w := range all[min(1, len(all)):] {
			all[0].Stops = append(all[0].Stops, w.Stops...)
		}
		ruling.Routes[i].Waves = all[:min(1, len(all))]
	}
	return ruling, err
}

func (f forge) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := f.Forge.Proposals(ctx, since)
	return f.change(list), next, err
}

func (f forge) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	p, err := f.Forge.Proposal(ctx, id)
	if list := f.change([]gitops.Proposal{p}); err == nil && len(list) == 1 {
		p = list[0]
	}
	return p, err
}

func (f *sleepy) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	if f.read {
		return f.issues, nil
	}
	list, err := f.Forge.Issues(ctx, known)
	f.issues, f.read = list, err == nil
	return list, err
}

func (f *trusting) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := f.Forge.Proposals(ctx, since)
	if err != nil {
		return f.list, since, nil //nolint:nilerr // this is the bug
	}
	f.list = list
	return list, next, nil
}

func (f *trusting) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	list, err := f.Forge.Issues(ctx, known)
	if err != nil {
		return nil, nil //nolint:nilerr // this is the bug
	}
	return list, nil
}

func (o opener) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if o.open != nil {
		return o.open(ctx, p, labels)
	}
	return o.Proposer.Open(ctx, p, labels)
}

func (o opener) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	if o.merge != nil {
		return o.merge(ctx, id, head)
	}
	return o.Proposer.Merge(ctx, id, head)
}

func (b blunt) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	list, err := b.Forge.Issues(ctx, known)
	if err != nil {
		err = fmt.Errorf("%w (token %s)", err, world.Secrets()[0])
	}
	return list, err
}

func (t talkative) Missing(ctx context.Context, p loop.Publication) ([]string, error) {
	if _, err := t.Publisher.Missing(ctx, p); err != nil {
		return nil, err
	}
	return []string{"summary"}, nil
}

func (t talkative) Publish(_ context.Context, p loop.Publication) error {
	t.say(p)
	return nil
}

func (e eager) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	err := e.Marker.SetCheck(ctx, head, c)
	if err == nil && c.State == gitops.CheckSuccess {
		e.after(ctx, head)
	}
	return err
}

func (d *drafts) Compose(ctx context.Context, draft loop.Draft) (gitops.Commit, error) {
	c, err := d.Repo.Compose(ctx, draft)
	if err == nil {
		d.by[c] = draft
	}
	return c, err
}

func (b brute) Push(ctx context.Context, moves []loop.Move) []error {
	errs := b.Branches.Push(ctx, moves)
	for i, err := range errs {
		if !errors.Is(err, gitops.ErrMoved) {
			continue
		}
		if d, ok := b.made.by[moves[i].New]; ok {
			if _, err := b.made.Compose(ctx, d); err != nil {
				return errs
			}
		}
		moves[i].Old = b.world.Branches[moves[i].Branch]
		errs[i] = b.Branches.Push(ctx, moves[i:i+1])[0]
	}
	return errs
}

func (r repo) Fetch(ctx context.Context) (loop.Update, error) {
	u, err := r.Repo.Fetch(ctx)
	if r.fetch != nil {
		return r.fetch(u, err)
	}
	return u, err
}

func (r repo) Delta(ctx context.Context, from, to gitops.Commit) (loop.Delta, error) {
	d, err := r.Repo.Delta(ctx, from, to)
	if r.delta != nil {
		d = r.delta(d)
	}
	return d, err
}

func (r repo) Compose(ctx context.Context, d loop.Draft) (gitops.Commit, error) {
	if r.compose != nil {
		d = r.compose(d)
	}
	return r.Repo.Compose(ctx, d)
}

// Delta shows of a merge what was asked for, whatever was merged.
func (r unread) Delta(ctx context.Context, from, to gitops.Commit) (loop.Delta, error) {
	d, err := r.Repo.Delta(ctx, from, to)
	for _, p := range r.world.Merged() {
		if name := world.File(p.Lane.Environment, p.Lane.Artifact); err == nil && p.MergedAs == to && from == d.Parent {
			was := []byte(r.world.Commits[from].Files[name])
			d.Files = map[string][2][]byte{name: {was, []byte(r.world.Commits[p.Head].Files[name])}}
		}
	}
	return d, err
}

func (l lavish) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	for _, g := range l.world.Groups() {
		if g.Head == head {
			c.State = gitops.CheckSuccess
		}
	}
	return l.Marker.SetCheck(ctx, head, c)
}

func (p prover) Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error) {
	ps, err := p.Prover.Proofs(ctx, image, d, s, again)
	return p.change(image, d, ps, err)
}

func (p cached) Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error) {
	if have, ok := p.have[p.key(image, d)]; ok {
		have = slices.Clone(have)
		for i := range have {
			have[i].Digest, have[i].At = d, time.Now()
		}
		return have, nil
	}
	ps, err := p.Prover.Proofs(ctx, image, d, s, again)
	if err == nil && ps[0].Outcome == signals.OutcomeVerified {
		p.have[p.key(image, d)] = ps
	}
	return ps, err
}

func (h hasty) Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, _ bool) ([]signals.Proof, error) {
	return h.Prover.Proofs(ctx, image, d, s, false)
}

func (h health) Health(ctx context.Context, lane gitops.Lane, q signals.Question) ([]signals.Health, error) {
	list, err := h.inner.Health(ctx, lane, q)
	return h.change(lane, list, err)
}

func (r registry) Versions(ctx context.Context, image string, selects func(string) bool) ([]signals.Version, error) {
	if have, ok := r.have[image]; ok && len(have) > 3 {
		return have, nil
	}
	list, err := r.Registry.Versions(ctx, image, selects)
	if err == nil {
		r.have[image] = list
	}
	return list, err
}

// Tail tells of no history.
func (blank) Tail(context.Context, gitops.Commit, int) ([]trail.Step, error) { return nil, nil }
