package simulation_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// bug is a fault of the program that is planted between a loop and the world,
// and the laws of which one must be broken by it.
type bug struct {
	name  string
	laws  []string
	plant func(process string, o *loop.Options, w *world.World)
}

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

		open  func(gitops.Proposal, []string) (gitops.Proposal, error)
		merge func(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error)
	}
	eager struct {
		loop.Marker

		after func(ctx context.Context, head gitops.Commit)
	}
	brute struct {
		loop.Branches

		world *world.World
	}
	repo struct {
		loop.Repo

		fetch   func(loop.Update, error) (loop.Update, error)
		delta   func(loop.Delta) loop.Delta
		compose func(loop.Draft) loop.Draft
	}
	prover struct {
		loop.Prover

		change func(image string, d signals.Digest, ps []signals.Proof, err error) ([]signals.Proof, error)
	}
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
		return f.list, since, nil
	}
	f.list = list
	return list, next, nil
}

func (f *trusting) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	list, err := f.Forge.Issues(ctx, known)
	if err != nil {
		return nil, nil
	}
	return list, nil
}

func (o opener) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if o.open != nil {
		return o.open(p, labels)
	}
	return o.Proposer.Open(ctx, p, labels)
}

func (o opener) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	if o.merge != nil {
		return o.merge(ctx, id, head)
	}
	return o.Proposer.Merge(ctx, id, head)
}

func (e eager) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	err := e.Marker.SetCheck(ctx, head, c)
	if err == nil && c.State == gitops.CheckSuccess {
		e.after(ctx, head)
	}
	return err
}

func (b brute) Push(ctx context.Context, moves []loop.Move) []error {
	moves = slices.Clone(moves)
	for i := range moves {
		moves[i].Old = b.world.Branches[moves[i].Branch]
	}
	return b.Branches.Push(ctx, moves)
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

func (h health) Health(ctx context.Context, lane gitops.Lane) ([]signals.Health, error) {
	list, err := h.inner.Health(ctx, lane)
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

// reviews changes every review of every proposal.
func reviews(change func(*gitops.Proposal, *gitops.Review)) func(string, *loop.Options, *world.World) {
	return proposals(func(list []gitops.Proposal) []gitops.Proposal {
		for i := range list {
			list[i].Reviews = slices.Clone(list[i].Reviews)
			for k := range list[i].Reviews {
				change(&list[i], &list[i].Reviews[k])
			}
		}
		return list
	})
}

// proposals changes the list of proposals.
func proposals(change func([]gitops.Proposal) []gitops.Proposal) func(string, *loop.Options, *world.World) {
	return func(_ string, o *loop.Options, _ *world.World) {
		o.Forge = forge{o.Forge, func(list []gitops.Proposal) []gitops.Proposal { return change(slices.Clone(list)) }}
	}
}

// stops changes every stop of the rules.
func stops(change func(*promoter.Stop)) func(string, *loop.Options, *world.World) {
	return func(_ string, o *loop.Options, _ *world.World) { o.Rules = rules{o.Rules, change} }
}

func without(state gitops.ProposalState) func([]gitops.Proposal) []gitops.Proposal {
	return func(list []gitops.Proposal) []gitops.Proposal {
		return slices.DeleteFunc(list, func(p gitops.Proposal) bool { return p.State == state })
	}
}

// bugsOfRules are faults in what is asked.
func bugsOfRules() []bug {
	return []bug{
		{"no soak", []string{"earned"}, stops(func(s *promoter.Stop) { s.Gates.Soak.For = 0 })},
		{"all waves at once", []string{"earned"}, func(_ string, o *loop.Options, _ *world.World) { o.Rules = oneWave{o.Rules} }},
		{"freezes are ignored", []string{"frozen"}, stops(func(s *promoter.Stop) { s.Gates.Freeze = gate.Freeze{} })},
		{"rules are read once", []string{"frozen", "approved", "stopped"}, func(_ string, o *loop.Options, _ *world.World) { o.Rules = &once{inner: o.Rules} }},
		{"broken rules hold nothing", []string{"stopped"}, stops(func(s *promoter.Stop) { s.Held = "" })},
		{"approvals are not asked", []string{"approved"}, stops(func(s *promoter.Stop) { s.Gates.Approval = gate.Approval{} })},
		{"approvals never expire", []string{"approved"}, stops(func(s *promoter.Stop) {
			s.Gates.Approval.Required = slices.Clone(s.Gates.Approval.Required)
			for i := range s.Gates.Approval.Required {
				s.Gates.Approval.Required[i].TTL = 0
			}
		})},
		{"signatures are not asked", []string{"verified"}, stops(func(s *promoter.Stop) { s.Gates.Signature = nil })},
		{"signals are not asked", []string{"healthy"}, stops(func(s *promoter.Stop) {
			s.Signals, s.TrustDesired = nil, true
		})},
		{"a window is stored without its schedule", []string{"replay"}, stops(func(s *promoter.Stop) {
			every, err := cron.ParseStandard("0 0 * * *")
			if err != nil {
				panic(err)
			}
			s.Gates.Window = &gate.Window{Name: "always", Schedule: every, Duration: 25 * time.Hour, Zone: time.UTC}
		})},
	}
}

// bugsOfForges are faults in how a forge is read and written.
func bugsOfForges() []bug {
	return []bug{
		{"an approval counts for every head", []string{"approved"}, reviews(func(p *gitops.Proposal, r *gitops.Review) { r.Head = p.Head })},
		{"anybody may approve", []string{"approved"}, reviews(func(_ *gitops.Proposal, r *gitops.Review) { r.By.Teams = []string{world.Owners} })},
		{"a request for changes is overlooked", []string{"approved"}, reviews(func(_ *gitops.Proposal, r *gitops.Review) {
			if r.State == gitops.ChangesRequested {
				r.State = gitops.Dismissed
			}
		})},
		{"an approved proposal is replaced", []string{"approved"}, proposals(func(list []gitops.Proposal) []gitops.Proposal {
			for i := range list {
				list[i].Reviews = nil
			}
			return list
		})},
		{"rejections are forgotten", []string{"rejected"}, proposals(without(gitops.Closed))},
		{"open proposals are not found", []string{"liveness", "quiet"}, proposals(without(gitops.Open))},
		{"holds are not read", []string{"stopped"}, proposals(func(list []gitops.Proposal) []gitops.Proposal {
			for i := range list {
				list[i].Labels, list[i].Events = nil, nil
			}
			return list
		})},
		{"pauses are read once", []string{"stopped", "not knowing is waiting"}, func(_ string, o *loop.Options, _ *world.World) { o.Forge = &sleepy{Forge: o.Forge} }},
		{"a forge that fails is as it was", []string{"stopped", "not knowing is waiting"}, func(_ string, o *loop.Options, _ *world.World) { o.Forge = &trusting{Forge: o.Forge} }},
		{"a proposal is not looked for before it is opened", []string{"one proposal"}, func(process string, o *loop.Options, w *world.World) {
			o.Proposer = opener{Proposer: o.Proposer, open: func(p gitops.Proposal, labels []string) (gitops.Proposal, error) { return w.Create(process, p, labels) }}
		}},
		{"whatever is there is merged", []string{"people's commits", "approved", "ledger"}, func(_ string, o *loop.Options, w *world.World) {
			inner := o.Proposer
			o.Proposer = opener{Proposer: inner, merge: func(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
				if p := w.Proposal(id); p != nil {
					head = p.Head
					_ = w.SetCheck("carl", head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}) // no protection either
				}
				return inner.Merge(ctx, id, head)
			}}
		}},
		{"a merge without an intent", []string{"ledger"}, func(_ string, o *loop.Options, w *world.World) {
			merge := o.Proposer.Merge
			o.Marker = eager{o.Marker, func(ctx context.Context, head gitops.Commit) {
				for _, p := range w.Open() {
					if p.Head == head {
						_, _ = merge(ctx, p.ID, head) // as if green meant merged
					}
				}
			}}
		}},
	}
}

// bugsOfGit are faults in how commits and branches are made.
func bugsOfGit() []bug {
	wrap := func(r repo) func(string, *loop.Options, *world.World) {
		return func(_ string, o *loop.Options, _ *world.World) {
			r := r
			r.Repo = o.Repo
			o.Repo = r
		}
	}
	return []bug{
		{"branches are pushed by force", []string{"people's commits"}, func(_ string, o *loop.Options, w *world.World) { o.Branches = brute{o.Branches, w} }},
		{"every branch of our name is ours", []string{"people's commits"}, wrap(repo{delta: func(d loop.Delta) loop.Delta {
			d.Author = world.Email
			return d
		}})},
		{"a file is written anew", []string{"one change"}, wrap(repo{compose: func(d loop.Draft) loop.Draft {
			for name, src := range d.Files {
				d.Files[name] = []byte(strings.ReplaceAll(string(src), " # shared", ""))
			}
			return d
		}})},
		{"the neighbour is changed too", []string{"one change"}, wrap(repo{compose: func(d loop.Draft) loop.Draft {
			for name, src := range d.Files {
				d.Files[strings.Replace(name, "prod-eu", "prod-us", 1)] = src
			}
			return d
		}})},
		{"a remote that fails is as it was", []string{"not knowing is waiting"}, func(_ string, o *loop.Options, _ *world.World) {
			var last gitops.Commit
			o.Repo = repo{Repo: o.Repo, fetch: func(u loop.Update, err error) (loop.Update, error) {
				if err != nil && last != "" {
					return loop.Update{Head: last}, nil
				}
				last = u.Head
				return u, err
			}}
		}},
	}
}

// bugsOfSignals are faults in what is known about versions and environments.
func bugsOfSignals() []bug {
	cache := func(key func(string, signals.Digest) string) func(string, *loop.Options, *world.World) {
		return func(_ string, o *loop.Options, _ *world.World) {
			o.Prover = cached{o.Prover, key, map[string][]signals.Proof{}}
		}
	}
	return []bug{
		{"proofs are cached by repository", []string{"verified"}, cache(func(image string, _ signals.Digest) string { return image })},
		{"proofs are cached for ever", []string{"verified"}, cache(func(_ string, d signals.Digest) string { return string(d) })},
		{"what cannot be read is signed", []string{"verified"}, func(_ string, o *loop.Options, _ *world.World) {
			o.Prover = prover{o.Prover, func(image string, d signals.Digest, ps []signals.Proof, err error) ([]signals.Proof, error) {
				if err == nil {
					return ps, nil
				}
				return []signals.Proof{{Kind: signals.ProofSignature, Digest: d, Outcome: signals.OutcomeVerified, By: world.Key, Repository: image, At: time.Now()}}, nil
			}}
		}},
		{"any signature will do", []string{"verified"}, func(_ string, o *loop.Options, _ *world.World) {
			o.Prover = prover{o.Prover, func(image string, _ signals.Digest, ps []signals.Proof, err error) ([]signals.Proof, error) {
				for i := range ps {
					ps[i].Repository = image
				}
				return ps, err
			}}
		}},
		{"versions are read once", []string{"named"}, func(_ string, o *loop.Options, _ *world.World) {
			o.Registry = registry{o.Registry, map[string][]signals.Version{}}
		}},
		{"silence is health", []string{"healthy", "earned"}, func(_ string, o *loop.Options, w *world.World) {
			o.Health = health{o.Health, func(lane gitops.Lane, list []signals.Health, err error) ([]signals.Health, error) {
				v, _ := w.Commits[w.Main].Version(lane)
				if err != nil || list[0].State != signals.StateHealthy {
					return []signals.Health{{Name: "web", State: signals.StateHealthy, Digest: signals.Digest(v.Digest), At: time.Now()}}, nil
				}
				return list, nil
			}}
		}},
		{"health is remembered", []string{"healthy", "earned"}, func(_ string, o *loop.Options, _ *world.World) {
			have := map[gitops.Lane][]signals.Health{}
			o.Health = health{o.Health, func(lane gitops.Lane, list []signals.Health, err error) ([]signals.Health, error) {
				if err == nil && list[0].State == signals.StateHealthy {
					have[lane] = list
				}
				if old := slices.Clone(have[lane]); len(old) > 0 {
					old[0].At = time.Now()
					return old, nil
				}
				return list, err
			}}
		}},
	}
}
