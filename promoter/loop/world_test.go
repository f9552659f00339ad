package loop_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

const (
	image      = "registry.example.com/shop"
	repository = "gitops"
	email      = "bot@example.com"
	rulesFile  = ".waveguide/shop.yaml"
	soak       = time.Hour
)

// beat is the least rest of the loop between two looks of which the first did
// something.
const beat = 50 * time.Millisecond

func digestOf(tag string) signals.Digest {
	sum := sha256.Sum256([]byte(tag))
	return signals.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

func laneOf(env string) gitops.Lane {
	return gitops.Lane{Repository: repository, Environment: env, Artifact: "shop"}
}

func fileOf(env string) string { return "environments/" + env + "/kustomization.yaml" }

func contentOf(tag string) string {
	return fmt.Sprintf("images:\n  - name: %s\n    newTag: %s\n    digest: %s\n", image, tag, digestOf(tag))
}

// commit is one commit of the world's repository.
type commit struct {
	parent gitops.Commit
	files  map[string]string
	author string
	at     time.Time
}

// deed is one write that reached the world.
type deed struct {
	At   time.Duration // since the world began
	What string
}

// world is a repository, a forge, a registry and two environments in memory.
// Environments run what the protected branch names, at once.
type world struct {
	began    time.Time
	commits  map[gitops.Commit]commit
	head     gitops.Commit
	fetched  gitops.Commit
	forced   bool
	branches map[string]gitops.Commit
	list     []gitops.Proposal
	checks   map[gitops.Commit][]gitops.Check
	issues   []gitops.Issue
	comments map[string][]gitops.Event
	reports  []gitops.Report
	// shape is what the rules say of a stop beside what they always do.
	shape    func(*promoter.Stop)
	requests []gitops.Request
	queue    bool
	groups   []gitops.Group
	tags     []string
	health   map[string]signals.State
	auto     bool
	slip     map[string]string // files that a merge changes besides
	sick     string            // a version that is unhealthy wherever it runs
	lags     string            // the version that runs whatever Git names
	rollback promoter.Rollback
	waves    [][]string // environments

	mu sync.Mutex
	// fail holds the errors of sources and writes by name.
	fail map[string]error
	// before is called with the name of a write before it is made.
	before func(name string)
	deeds  []deed
	looks  int
	pushes int
	// proven says when evidence was last read, and whether all of it was
	// verified again.
	proven map[signals.Digest]proving
	// revoked says that nothing is believed any more, gone that no digest is
	// there, though what was signed is.
	revoked, gone bool
	// stuck are sources that never answer, asked counts the questions.
	stuck map[string]bool
	asked map[string]int
}

type proving struct {
	at    time.Time
	again bool
}

// question counts a question, and does not answer while the source is stuck.
func (w *world) question(ctx context.Context, source string) error {
	w.mu.Lock()
	w.asked[source]++
	stuck, err := w.stuck[source], w.fail[strings.Fields(source)[0]]
	w.mu.Unlock()
	if stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func newWorld() *world {
	w := &world{
		began: time.Now(), commits: map[gitops.Commit]commit{}, branches: map[string]gitops.Commit{},
		checks: map[gitops.Commit][]gitops.Check{}, health: map[string]signals.State{}, fail: map[string]error{},
		tags: []string{"1.0.0"}, auto: true, before: func(string) {}, shape: func(*promoter.Stop) {}, comments: map[string][]gitops.Event{}, stuck: map[string]bool{}, asked: map[string]int{}, proven: map[signals.Digest]proving{},
	}
	w.settle([]string{"dev"}, []string{"prod"})
	return w
}

// settle gives the world its waves, all at the first version.
func (w *world) settle(waves ...[]string) {
	w.waves = waves
	files := map[string]string{rulesFile: "good"}
	for _, env := range slices.Concat(waves...) {
		files[fileOf(env)] = contentOf("1.0.0")
	}
	w.push(files)
}

// push is a person's push to the protected branch.
func (w *world) push(files map[string]string) {
	w.head = w.commit(w.head, files, "ann@example.com", "")
}

func (w *world) commit(parent gitops.Commit, files map[string]string, author, message string) gitops.Commit {
	all := maps.Clone(w.commits[parent].files)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, files)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %v %s %s %s", parent, all, author, message, time.Now()))
	id := gitops.Commit(hex.EncodeToString(sum[:20]))
	w.commits[id] = commit{parent: parent, files: all, author: author, at: time.Now()}
	return id
}

// write notes a write, or refuses it.
func (w *world) write(ctx context.Context, name, format string, args ...any) error {
	w.before(name)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.fail[name]; err != nil {
		return err
	}
	w.deeds = append(w.deeds, deed{time.Since(w.began), name + " " + fmt.Sprintf(format, args...)})
	return nil
}

// count is how many deeds begin with a word.
func (w *world) count(word string) int {
	n := 0
	for _, d := range w.deeds {
		if strings.HasPrefix(d.What, word) {
			n++
		}
	}
	return n
}

// names is the version that the protected branch names.
func (w *world) names(env string) string {
	for _, tag := range w.tags {
		if files := w.commits[w.head].files; files[fileOf(env)] == contentOf(tag) || files[chartOf(env)] == tagOnly(tag) {
			return tag
		}
	}
	return "?"
}

// check is the bot's check on the newest commit of a lane's branch.
func (w *world) check(env string) gitops.Check {
	c, _ := gitops.Proposal{Checks: w.checks[w.branches[laneOf(env).Branch()]]}.Check(gitops.CheckName)
	return c
}

// repo is the world's Git.
type repo struct{ *world }

func (r repo) Fetch(context.Context) (loop.Update, error) {
	r.looks++
	if err := r.fail["git"]; err != nil {
		return loop.Update{}, err
	}
	u := loop.Update{Head: r.head, Old: r.fetched, All: r.forced}
	if r.forced {
		u.Old, r.forced = "", false
	}
	was, is := r.commits[r.fetched].files, r.commits[r.head].files
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if was[name] != is[name] {
			u.Changed = append(u.Changed, name)
		}
	}
	r.fetched = r.head
	return u, nil
}

func (r repo) Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	if err := r.question(ctx, "files "+under); err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for name, src := range r.commits[at].files {
		if (name == under || strings.HasPrefix(name, under+"/")) && strings.Contains(src, text) {
			found[name] = []byte(src)
		}
	}
	return found, nil
}

func (r repo) Delta(_ context.Context, from, to gitops.Commit) (loop.Delta, error) {
	if err := r.fail["delta"]; err != nil {
		return loop.Delta{}, err
	}
	is, ok := r.commits[to]
	if !ok {
		return loop.Delta{}, fmt.Errorf("no commit %s", to)
	}
	d := loop.Delta{Parent: cmp.Or(from, is.parent), Author: is.author, Files: map[string][2][]byte{}}
	was := r.commits[d.Parent].files
	for name, src := range is.files {
		if old, ok := was[name]; !ok {
			d.Files[name] = [2][]byte{nil, []byte(src)}
		} else if old != src {
			d.Files[name] = [2][]byte{[]byte(old), []byte(src)}
		}
	}
	return d, nil
}

func (r repo) Compose(_ context.Context, d loop.Draft) (gitops.Commit, error) {
	files := map[string]string{}
	for name, src := range d.Files {
		files[name] = string(src)
	}
	return r.commit(d.Base, files, email, d.Message), nil
}

func (r repo) Branch(name string) (gitops.Commit, bool) {
	c, ok := r.branches[name]
	return c, ok
}

func (r repo) Push(ctx context.Context, moves []loop.Move) []error {
	errs := make([]error, len(moves))
	r.pushes++
	for i, m := range moves {
		r.before("compare")
		if r.branches[m.Branch] != m.Old {
			errs[i] = gitops.ErrMoved
			continue
		}
		if m.New == "" {
			if errs[i] = r.write(ctx, "delete", "%s", m.Branch); errs[i] == nil {
				delete(r.branches, m.Branch)
			}
			continue
		}
		if errs[i] = r.write(ctx, "push", "%s", m.Branch); errs[i] == nil {
			r.branches[m.Branch] = m.New
		}
	}
	return errs
}

// forge is the world's forge.
type forge struct{ *world }

func (f forge) Whoami(context.Context) (gitops.Actor, error) {
	return gitops.Actor{Name: "bot", Bot: true}, f.fail["whoami"]
}

func (f forge) Issues(context.Context, []string) ([]gitops.Issue, error) {
	return slices.Clone(f.issues), f.fail["pauses"]
}

func (f forge) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	list, _, err := f.Proposals(ctx, "")
	for _, p := range list {
		if p.ID == id {
			return p, err
		}
	}
	return gitops.Proposal{}, cmp.Or(err, fmt.Errorf("no proposal %s", id))
}

func (f forge) Request(_ context.Context, _ string, r gitops.Request) error {
	f.requests = append(f.requests, r)
	return nil
}

func (f forge) Proposals(context.Context, string) ([]gitops.Proposal, string, error) {
	if err := f.fail["forge"]; err != nil {
		return nil, "", err
	}
	list := slices.Clone(f.list)
	for i := range list {
		if list[i].State == gitops.Open {
			list[i].Head = f.branches[list[i].Branch]
		}
		list[i].Checks = slices.Clone(f.checks[list[i].Head])
		list[i].Events = slices.Clone(f.comments[list[i].ID])
	}
	return list, "", nil
}

func (f forge) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	for _, o := range f.list {
		if o.Branch == p.Branch && o.State == gitops.Open {
			return o, nil
		}
	}
	if err := f.write(ctx, "open", "%s", p.Lane.Environment); err != nil {
		return p, err
	}
	p.ID, p.State, p.Author = fmt.Sprint(len(f.list)+1), gitops.Open, gitops.Actor{Name: "bot", Bot: true}
	p.Opened = time.Now()
	for _, name := range labels {
		p.Labels = append(p.Labels, gitops.Label{Name: name})
	}
	f.list = append(f.list, p)
	return p, f.fail["response of open"]
}

func (f forge) find(id string) *gitops.Proposal {
	for i := range f.list {
		if f.list[i].ID == id {
			return &f.list[i]
		}
	}
	return &gitops.Proposal{}
}

func (f forge) Update(ctx context.Context, id, title, body string) error {
	if err := f.write(ctx, "update", "%s", f.find(id).Lane.Environment); err != nil {
		return err
	}
	f.find(id).Title, f.find(id).Body = title, body
	return nil
}

func (f forge) Close(ctx context.Context, id, _ string) error {
	if err := f.write(ctx, "close", "%s", f.find(id).Lane.Environment); err != nil {
		return err
	}
	f.find(id).State, f.find(id).Ended = gitops.Closed, time.Now()
	return nil
}

func (f forge) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	f.before("compare")
	p := f.find(id)
	if p.State != gitops.Open || f.branches[p.Branch] != head {
		return "", gitops.ErrMoved
	}
	if err := f.write(ctx, "merge", "%s", p.Lane.Environment); err != nil {
		return "", err
	}
	env := p.Lane.Environment
	merged := map[string]string{fileOf(env): f.commits[head].files[fileOf(env)]}
	maps.Copy(merged, f.slip)
	f.head = f.commit(f.head, merged, email, "merge")
	p.State, p.Head, p.Ended, p.MergedAs = gitops.Merged, head, time.Now(), f.head
	delete(f.branches, p.Branch)
	return f.head, nil
}

func (f forge) Enqueue(ctx context.Context, id string, head gitops.Commit) error {
	if !f.queue {
		return gitops.ErrUnsupported
	}
	p := f.find(id)
	if f.branches[p.Branch] != head {
		return gitops.ErrMoved
	}
	p.Queued = true
	f.groups = []gitops.Group{{Head: f.commit(f.head, f.commits[head].files, "queue@example.com", id), Proposals: []string{id}}}
	return f.write(ctx, "enqueue", "%s", id)
}

func (f forge) Groups(context.Context) ([]gitops.Group, error) { return f.groups, nil }

func (f forge) SetCheck(ctx context.Context, head gitops.Commit, c gitops.Check) error {
	if err := f.write(ctx, "check", "%s", c.State); err != nil {
		return err
	}
	f.checks[head] = append(slices.DeleteFunc(f.checks[head], func(o gitops.Check) bool { return o.Name == c.Name }), c)
	return nil
}

func (f forge) RemoveLabel(ctx context.Context, id, label string) error {
	if err := f.write(ctx, "unlabel", "%s", label); err != nil {
		return err
	}
	f.unlabel(id, label, gitops.Actor{Name: "bot", Bot: true})
	return nil
}

var (
	_ loop.Repo     = repo{}
	_ loop.Branches = repo{}
	_ loop.Forge    = forge{}
	_ loop.Proposer = forge{}
	_ loop.Marker   = forge{}
	_ loop.Talker   = forge{}
	_ loop.Queue    = forge{}
	_ loop.Registry = sources{}
	_ loop.Prover   = sources{}
	_ loop.Health   = sources{}
	_ loop.Rules    = sources{}
)
