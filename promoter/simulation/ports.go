package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// ports are how one life of a process touches the world. Every call waits at
// the turnstile.
type ports struct {
	*life
}

// The interfaces that the loop declares.
var (
	_ loop.Forge    = ports{}
	_ loop.Proposer = ports{}
	_ loop.Marker   = ports{}
	_ loop.Talker   = ports{}
	_ loop.Queue    = ports{}
	_ loop.Authors  = ports{}
	_ loop.Registry = ports{}
	_ loop.Prover   = ports{}
	_ loop.Health   = ports{}
	_ loop.Rules    = ports{}
)

// ask waits for the turn of a read, makes it, and waits for the answer.
func ask[T any](ctx context.Context, p ports, what string, read func(fate) (T, error)) (got T, err error) {
	var none T
	err = p.pass(ctx, what, func(f fate) (err error) {
		got, err = read(f)
		return err
	})
	if err != nil {
		return none, err
	}
	return got, nil
}

// Proposals implements [loop.Forge].
func (p ports) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	var next string
	list, err := ask(ctx, p, "proposals", func(f fate) (list []gitops.Proposal, _ error) {
		var at time.Time
		list, next, at = p.sim.world.Proposals(since, f.stale)
		p.witness.Forge(list, at)
		return list, nil
	})
	return list, next, err
}

// Proposal implements [loop.Forge].
func (p ports) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	return ask(ctx, p, "proposal "+id, func(fate) (gitops.Proposal, error) {
		if have := p.sim.world.Proposal(id); have != nil {
			p.witness.Proposal(*have)
			return *have, nil
		}
		return gitops.Proposal{}, fmt.Errorf("no proposal %s", id)
	})
}

// Issues implements [loop.Forge].
func (p ports) Issues(ctx context.Context, _ []string) ([]gitops.Issue, error) {
	return ask(ctx, p, "issues", func(f fate) ([]gitops.Issue, error) {
		list := p.sim.world.Issues(f.stale)
		p.witness.Issues(list)
		return list, nil
	})
}

// Whoami implements [loop.Forge].
func (p ports) Whoami(ctx context.Context) (gitops.Actor, error) {
	return ask(ctx, p, "whoami", func(fate) (gitops.Actor, error) { return world.People()[world.Bot], nil })
}

// Open implements [loop.Proposer]: it looks for the open proposal of the branch
// first, and the forge refuses a second one.
func (p ports) Open(ctx context.Context, want gitops.Proposal, labels []string) (gitops.Proposal, error) {
	find := func(fate) (*gitops.Proposal, error) { return p.sim.world.Find(want.Branch), nil }
	found, err := ask(ctx, p, "find "+want.Branch, find)
	if err != nil {
		return want, err
	}
	if found != nil {
		return *found, nil
	}
	return ask(ctx, p, "open "+want.Branch, func(fate) (gitops.Proposal, error) {
		if have := p.sim.world.Find(want.Branch); have != nil {
			return *have, nil
		}
		return p.sim.world.Create(p.name, want, labels)
	})
}

// Update implements [loop.Proposer].
func (p ports) Update(ctx context.Context, id, title, body string) error {
	return p.pass(ctx, "update "+id, func(fate) error { return p.sim.world.Describe(p.name, id, title, body) })
}

// Close implements [loop.Proposer].
func (p ports) Close(ctx context.Context, id, comment string) error {
	return p.pass(ctx, "close "+id, func(fate) error { return p.sim.world.End(p.name, id, comment) })
}

// Merge implements [loop.Proposer].
func (p ports) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	return ask(ctx, p, "merge "+id, func(fate) (gitops.Commit, error) { return p.sim.world.Merge(p.name, id, head, false) })
}

// SetCheck implements [loop.Marker].
func (p ports) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	return p.pass(ctx, "check "+head.Short(), func(fate) error { return p.sim.world.SetCheck(p.name, head, c) })
}

// RemoveLabel implements [loop.Marker].
func (p ports) RemoveLabel(ctx context.Context, id, label string) error {
	return p.pass(ctx, "unlabel "+id, func(fate) error {
		p.sim.world.Unlabel(p.name, id, label)
		return nil
	})
}

// Request implements [loop.Marker].
func (p ports) Request(ctx context.Context, id string, r gitops.Request) error {
	return p.pass(ctx, "request "+id, func(fate) error { return p.sim.world.Request(p.name, id, r) })
}

// Answer implements [loop.Talker].
func (p ports) Answer(ctx context.Context, id, key, text string) error {
	return p.pass(ctx, "answer "+id, func(fate) error { return p.sim.world.Answer(p.name, id, key, text) })
}

// Mend implements [loop.Talker].
func (p ports) Mend(ctx context.Context, m gitops.Mend) error {
	return p.pass(ctx, "mend "+m.ID, func(fate) error { return p.sim.world.Mend(p.name, m) })
}

// Report implements [loop.Reporter].
func (p ports) Report(ctx context.Context, r gitops.Report) (id string, err error) {
	err = p.pass(ctx, "report "+r.Key, func(fate) error {
		id = p.sim.world.Report(p.name, r)
		return nil
	})
	return id, err
}

// CloseIssue implements [loop.Reporter].
func (p ports) CloseIssue(ctx context.Context, id string) error {
	return p.pass(ctx, "end "+id, func(fate) error {
		p.sim.world.Resume(p.name, id)
		return nil
	})
}

// Authors implements [loop.Authors].
func (p ports) Authors(ctx context.Context, source, from, to string) ([]string, error) {
	return ask(ctx, p, "authors "+source, func(fate) ([]string, error) { return p.sim.world.Authors(source, from, to), nil })
}

// Enqueue implements [loop.Queue]. A forge without a queue is known to have
// none, and is not asked.
func (p ports) Enqueue(ctx context.Context, id string, head gitops.Commit) error {
	if !p.sim.world.Queueing {
		return gitops.ErrUnsupported
	}
	return p.pass(ctx, "enqueue "+id, func(fate) error { return p.sim.world.Enqueue(p.name, id, head) })
}

// Groups implements [loop.Queue].
func (p ports) Groups(ctx context.Context) ([]gitops.Group, error) {
	return ask(ctx, p, "groups", func(fate) ([]gitops.Group, error) { return p.sim.world.Groups(), nil })
}

// artifact is the one whose image it is.
func artifact(image string) string {
	for _, a := range world.Artifacts() {
		if world.Image(a) == image {
			return a
		}
	}
	return ""
}

// Versions implements [loop.Registry].
func (p ports) Versions(ctx context.Context, image string, selects func(string) bool) ([]signals.Version, error) {
	return ask(ctx, p, "versions "+image, func(fate) (list []signals.Version, _ error) {
		a := artifact(image)
		if a == "" {
			return nil, fmt.Errorf("%s: %s", world.Absent, image)
		}
		for _, v := range p.sim.world.Versions(a) {
			if selects(v.Tag) {
				list = append(list, v)
			}
		}
		p.witness.Versions(a, list)
		return list, nil
	})
}

// Proofs implements [loop.Prover]. The rules of the world ask for signatures
// and for nothing else.
func (p ports) Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error) {
	if s.Gates.Signature == nil {
		return nil, nil
	}
	return ask(ctx, p, fmt.Sprintf("proofs %s of %s %t", d.Short(), s.Lane, again), func(fate) ([]signals.Proof, error) {
		proof, err := p.sim.world.Proof(artifact(image), d, again)
		proof.At = p.clock()
		p.witness.Proof(s.Lane, proof, again)
		return []signals.Proof{proof}, err
	})
}

// Health implements [loop.Health]. A source that cannot be asked is one that
// does not know, so that it takes nobody else's answer along.
func (p ports) Health(ctx context.Context, lane gitops.Lane, q signals.Question) ([]signals.Health, error) {
	if !p.sim.world.Watched(lane) {
		return nil, nil
	}
	h, err := ask(ctx, p, "health "+lane.String(), func(fate) (signals.Health, error) {
		h := p.sim.world.Health(lane)
		h.For, h.At, h.Since = q.Digest, p.clock(), p.clock()
		p.witness.Health(lane, h)
		return h, nil
	})
	if err != nil {
		h = world.Silent(err.Error())
		h.For, h.At, h.Since = q.Digest, p.clock(), p.clock()
	}
	return []signals.Health{h}, nil
}

// Rules implements [loop.Rules] by the real reader of rules.
func (p ports) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	list := make([]config.File, 0, len(files))
	for name, data := range files {
		list = append(list, config.File{Name: name, Data: data})
	}
	d, err := config.ParseDaemon("waveguide.yaml", []byte(world.Daemon))
	if err != nil {
		return loop.Ruling{}, err
	}
	rules, err := config.ParseRules(list, d.Rules(d.Repositories[0]), now)
	ruling := loop.Ruling{Routes: rules.Routes, Until: rules.Until}
	if problems, ok := err.(config.Problems); ok { //nolint:errorlint // ParseRules promises this type
		for _, p := range problems {
			ruling.Problems = append(ruling.Problems, p.String())
		}
		err = nil
	}
	return ruling, err
}
