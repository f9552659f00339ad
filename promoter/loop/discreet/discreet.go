// Package discreet keeps a process's secrets to itself: it stands between the
// loop and its ports and takes them out of everything that servers say when
// they fail, before it can reach a proposal, the ledger, the page or a log. A
// careless server repeats the address or the header that it was called with.
//
// A new port needs a wrapper here if it can fail; [Options] names them all.
package discreet

import (
	"context"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/signals"
)

// Options are those of a loop that is told no secret; redact takes the secrets
// of this process out of a text.
func Options(o loop.Options, redact func(string) string) loop.Options {
	d := discretion(redact)
	o.Repo, o.History, o.Branches = repo{o.Repo, d}, history{o.History, d}, branches{o.Branches, d}
	o.Forge, o.Proposer, o.Marker = forge{o.Forge, d}, proposer{o.Proposer, d}, marker{o.Marker, d}
	o.Talker, o.Reporter, o.Queue = talker{o.Talker, d}, reporter{o.Reporter, d}, queue{o.Queue, d}
	o.Registry, o.Prover, o.Health = registry{o.Registry, d}, prover{o.Prover, d}, health{o.Health, d}
	if o.Authors != nil {
		o.Authors = authors{o.Authors, d}
	}
	if o.Publisher != nil {
		o.Publisher = publisher{o.Publisher, d}
	}
	if o.Sources != nil {
		o.Sources = sources{o.Sources, d}
	}
	return o
}

// discretion takes secrets out of a text.
type discretion func(string) string

// redacted is an error with another text.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }

func (d discretion) error(err error) error {
	if err == nil {
		return nil
	}
	was := err.Error()
	text := d(was)
	if text == was {
		return err
	}
	return &redacted{text, err}
}

// clean is an answer with an error without secrets.
func clean[T any](d discretion, got T, err error) (T, error) { return got, d.error(err) }

type (
	repo struct {
		loop.Repo

		d discretion
	}
	history struct {
		loop.History

		d discretion
	}
	publisher struct {
		loop.Publisher

		d discretion
	}
	sources struct {
		inner loop.Sources

		d discretion
	}
	branches struct {
		loop.Branches

		d discretion
	}
	forge struct {
		loop.Forge

		d discretion
	}
	proposer struct {
		loop.Proposer

		d discretion
	}
	marker struct {
		loop.Marker

		d discretion
	}
	talker struct {
		loop.Talker

		d discretion
	}
	reporter struct {
		loop.Reporter

		d discretion
	}
	authors struct {
		inner loop.Authors

		d discretion
	}
	queue struct {
		loop.Queue

		d discretion
	}
	registry struct {
		loop.Registry

		d discretion
	}
	prover struct {
		loop.Prover

		d discretion
	}
	health struct {
		inner loop.Health

		d discretion
	}
)

func (r repo) Fetch(ctx context.Context) (loop.Update, error) {
	u, err := r.Repo.Fetch(ctx)
	return clean(r.d, u, err)
}

func (r repo) Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	files, err := r.Repo.Files(ctx, at, under, text)
	return clean(r.d, files, err)
}

func (r repo) Delta(ctx context.Context, from, to gitops.Commit) (loop.Delta, error) {
	delta, err := r.Repo.Delta(ctx, from, to)
	return clean(r.d, delta, err)
}

func (r repo) Compose(ctx context.Context, draft loop.Draft) (gitops.Commit, error) {
	c, err := r.Repo.Compose(ctx, draft)
	return clean(r.d, c, err)
}

func (h history) Line(ctx context.Context, from, to gitops.Commit, most int) ([]trail.Step, bool, error) {
	steps, whole, err := h.History.Line(ctx, from, to, most)
	return steps, whole, h.d.error(err)
}

func (h history) Tail(ctx context.Context, head gitops.Commit, most int) ([]trail.Step, error) {
	steps, err := h.History.Tail(ctx, head, most)
	return clean(h.d, steps, err)
}

func (p publisher) Missing(ctx context.Context, about loop.Publication) ([]string, error) {
	names, err := p.Publisher.Missing(ctx, about)
	return clean(p.d, names, err)
}

func (p publisher) Publish(ctx context.Context, about loop.Publication) error {
	return p.d.error(p.Publisher.Publish(ctx, about))
}

// Sources implements [loop.Sources].
func (s sources) Sources(ctx context.Context, at gitops.Commit) (map[string]string, error) {
	found, err := s.inner.Sources(ctx, at)
	return clean(s.d, found, err)
}

func (b branches) Push(ctx context.Context, moves []loop.Move) []error {
	errs := b.Branches.Push(ctx, moves)
	for i := range errs {
		errs[i] = b.d.error(errs[i])
	}
	return errs
}

func (f forge) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := f.Forge.Proposals(ctx, since)
	return list, next, f.d.error(err)
}

func (f forge) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	p, err := f.Forge.Proposal(ctx, id)
	return clean(f.d, p, err)
}

func (f forge) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	list, err := f.Forge.Issues(ctx, known)
	return clean(f.d, list, err)
}

func (f forge) Whoami(ctx context.Context) (gitops.Actor, error) {
	a, err := f.Forge.Whoami(ctx)
	return clean(f.d, a, err)
}

func (p proposer) Open(ctx context.Context, want gitops.Proposal, labels []string) (gitops.Proposal, error) {
	have, err := p.Proposer.Open(ctx, want, labels)
	return clean(p.d, have, err)
}

func (p proposer) Update(ctx context.Context, id, title, body string) error {
	return p.d.error(p.Proposer.Update(ctx, id, title, body))
}

func (p proposer) Close(ctx context.Context, id, comment string) error {
	return p.d.error(p.Proposer.Close(ctx, id, comment))
}

func (p proposer) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	c, err := p.Proposer.Merge(ctx, id, head)
	return clean(p.d, c, err)
}

func (m marker) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	return m.d.error(m.Marker.SetCheck(ctx, head, c))
}

func (m marker) RemoveLabel(ctx context.Context, id, label string) error {
	return m.d.error(m.Marker.RemoveLabel(ctx, id, label))
}

func (m marker) Request(ctx context.Context, id string, r gitops.Request) error {
	return m.d.error(m.Marker.Request(ctx, id, r))
}

func (t talker) Answer(ctx context.Context, id, key, text string) error {
	return t.d.error(t.Talker.Answer(ctx, id, key, text))
}

func (t talker) Mend(ctx context.Context, m gitops.Mend) error {
	return t.d.error(t.Talker.Mend(ctx, m))
}

func (r reporter) CloseIssue(ctx context.Context, id string) error {
	return r.d.error(r.Reporter.CloseIssue(ctx, id))
}

func (r reporter) Report(ctx context.Context, about gitops.Report) (string, error) {
	id, err := r.Reporter.Report(ctx, about)
	return clean(r.d, id, err)
}

// Authors implements [loop.Authors].
func (a authors) Authors(ctx context.Context, source, from, to string) ([]string, error) {
	list, err := a.inner.Authors(ctx, source, from, to)
	return clean(a.d, list, err)
}

func (q queue) Enqueue(ctx context.Context, id string, head gitops.Commit) error {
	return q.d.error(q.Queue.Enqueue(ctx, id, head))
}

func (q queue) Groups(ctx context.Context) ([]gitops.Group, error) {
	list, err := q.Queue.Groups(ctx)
	return clean(q.d, list, err)
}

func (r registry) Versions(ctx context.Context, image string, selects func(string) bool) ([]signals.Version, error) {
	list, err := r.Registry.Versions(ctx, image, selects)
	return clean(r.d, list, err)
}

func (p prover) Proofs(ctx context.Context, image string, at signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error) {
	list, err := p.Prover.Proofs(ctx, image, at, s, again)
	list = slices.Clone(list) // the answer may be kept by whoever gave it
	for i := range list {
		list[i].Reason = p.d(list[i].Reason)
	}
	return clean(p.d, list, err)
}

func (h health) Health(ctx context.Context, lane gitops.Lane, about signals.Question) ([]signals.Health, error) {
	list, err := h.inner.Health(ctx, lane, about)
	list = slices.Clone(list) // the answer may be kept by whoever gave it
	for i := range list {
		list[i].Reason = h.d(list[i].Reason)
	}
	return clean(h.d, list, err)
}
