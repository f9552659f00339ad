package simulation_test

import (
	"context"
	"errors"
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
		{"no soak", []string{"earned", "statement"}, stops(func(s *promoter.Stop) { s.Gates.Soak.For = 0 })},
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
		{"limits are ignored", []string{"limit"}, stops(func(s *promoter.Stop) { s.Gates.Lock = gate.Lock{} })},
		{"windows are ignored", []string{"frozen"}, stops(func(s *promoter.Stop) { s.Gates.Window = nil })},
		{"whoever must review what is of risk is not asked", []string{"approved"}, stops(func(s *promoter.Stop) {
			s.Gates.Approval.Required = slices.DeleteFunc(slices.Clone(s.Gates.Approval.Required), func(a gate.Approver) bool { return !strings.Contains(a.From, "/") })
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
		{"an error repeats the token", []string{"secrets"}, func(_ string, o *loop.Options, _ *world.World) { o.Forge = blunt{o.Forge} }},
		{"open proposals are not found", []string{"liveness", "quiet", "approved", "stopped", "not knowing is waiting"}, proposals(without(gitops.Open))},
		{"holds are not read", []string{"stopped", "quiet"}, proposals(func(list []gitops.Proposal) []gitops.Proposal {
			for i := range list {
				list[i].Labels, list[i].Events = nil, nil
			}
			return list
		})},
		{"pauses are read once", []string{"stopped", "not knowing is waiting"}, func(_ string, o *loop.Options, _ *world.World) { o.Forge = &sleepy{Forge: o.Forge} }},
		{"a forge that fails is as it was", []string{"stopped", "not knowing is waiting"}, func(_ string, o *loop.Options, _ *world.World) { o.Forge = &trusting{Forge: o.Forge} }},
		{"a proposal is not looked for before it is opened", []string{"one proposal"}, func(process string, o *loop.Options, w *world.World) {
			n := 0
			o.Proposer = opener{Proposer: o.Proposer, open: func(ctx context.Context, p gitops.Proposal, labels []string) (opened gitops.Proposal, err error) {
				// Every other answer is lost, so that it is opened again.
				if n++; n%2 == 0 {
					defer func() { err = errors.Join(err, errors.New("connection reset by peer")) }()
				}
				err = w.Turn(ctx, process, "open "+p.Branch, func() (err error) {
					opened, err = w.Create(process, p, labels)
					return err
				})
				return opened, err
			}}
		}},
		{"a merge that is refused is tried with the newest head", []string{"people's commits", "approved", "ledger"}, func(process string, o *loop.Options, w *world.World) {
			inner := o.Proposer
			o.Proposer = opener{Proposer: inner, merge: func(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
				c, err := inner.Merge(ctx, id, head)
				if p := w.Proposal(id); errors.Is(err, gitops.ErrMoved) && p != nil && p.State == gitops.Open {
					return w.Merge(process, id, p.Head, true)
				}
				return c, err
			}}
		}},
		{"a queue's group is always green", []string{"verified", "approved", "stopped", "frozen", "not knowing is waiting", "healthy"}, func(_ string, o *loop.Options, w *world.World) {
			o.Marker = lavish{o.Marker, w}
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
		{"a push that is refused is made by force", []string{"people's commits"}, func(_ string, o *loop.Options, w *world.World) {
			made := &drafts{o.Repo, map[gitops.Commit]loop.Draft{}}
			o.Repo, o.Branches = made, brute{o.Branches, made, w}
		}},
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
		{"the merged tree is not read", []string{"merged tree"}, func(_ string, o *loop.Options, w *world.World) { o.Repo = unread{o.Repo, w} }},
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
		{"what the branch named before is not read", []string{"reverted"}, func(_ string, o *loop.Options, _ *world.World) { o.History = blank{o.History} }},
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
		{"a revocation is ignored", []string{"verified"}, func(_ string, o *loop.Options, _ *world.World) {
			o.Prover = prover{o.Prover, func(_ string, _ signals.Digest, ps []signals.Proof, err error) ([]signals.Proof, error) {
				for i := range ps {
					if ps[i].Reason == world.Revoked {
						ps[i].Outcome, ps[i].Reason = signals.OutcomeVerified, ""
						ps[i].By, ps[i].Repository = world.Key, world.Image("shop")
					}
				}
				return ps, err
			}}
		}},
		{"what merges is not verified again", []string{"verified"}, func(_ string, o *loop.Options, _ *world.World) { o.Prover = hasty{o.Prover} }},
		{"a statement is made again", []string{"statement"}, func(process string, o *loop.Options, w *world.World) {
			o.Publisher = talkative{o.Publisher, func(p loop.Publication) {
				w.State(process, world.Statement{Lane: p.Stop.Lane, Version: p.Version, Rules: "the same"})
			}}
		}},
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
					if strings.HasPrefix(ps[i].Reason, "signed by ") {
						ps[i].Outcome, ps[i].By, ps[i].Repository = signals.OutcomeVerified, world.Key, image
					}
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
					return []signals.Health{{Name: "web", State: signals.StateHealthy, Digest: signals.Digest(v.Digest), At: time.Now()}}, nil //nolint:nilerr // this is the bug
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
