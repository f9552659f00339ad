package loop

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// lane is one lane between two looks. The exported fields survive a restart.
type lane struct {
	Streak  signals.Streak   `json:"streak"`
	Earned  []signals.Earned `json:"earned,omitempty"`
	Version gitops.Version   `json:"version"`
	Since   time.Time        `json:"since"`
	Left    []gitops.Left    `json:"left,omitempty"`
	Waiting time.Time        `json:"waiting"`
	// Pushed are the heads we pushed, newest last. A head that is not in here
	// is an ordinary promotion.
	Pushed []pushed `json:"pushed,omitempty"`
	// Orders are the words about its pin, oldest first.
	Orders []gitops.Given `json:"orders,omitempty"`
	// Entry is how the version that Git names came there; nil if it was adopted.
	Entry *trail.Entry `json:"entry,omitempty"`

	// Merits are versions that earned the lane and of which nobody outside knows.
	Merits []Merit `json:"merits,omitempty"`

	lane      gitops.Lane
	desired   gitops.Desired
	health    []signals.Health
	proofs    []signals.Proof // of the versions that want to move
	proven    map[signals.Digest]proven
	proposals []gitops.Proposal // open
	ended     []gitops.Proposal // newest first
	exam      exam
	rival     string // an open proposal of a person that changes the lane
	read      int    // how often the lane's files were read
	kept      digest // of what the store holds
}

// digest tells whether a record differs from the one that the store holds.
type digest = [sha256.Size]byte

// proven is what was read about a digest, when, when it is due again, and
// whether all cryptography was done again.
type proven struct {
	proofs  []signals.Proof
	at, due time.Time
	again   bool
}

// prove takes over what was read about a digest.
func (k *lane) prove(d signals.Digest, p proven) {
	if k.proven == nil {
		k.proven = map[signals.Digest]proven{}
	}
	k.proven[d] = p
	k.keep(slices.Sorted(maps.Keys(k.proven)))
}

// keep forgets what was read about all other digests.
func (k *lane) keep(digests []signals.Digest) {
	k.proofs = nil
	for d := range k.proven {
		if !slices.Contains(digests, d) {
			delete(k.proven, d)
		}
	}
	for _, d := range digests {
		k.proofs = append(k.proofs, k.proven[d].proofs...)
	}
}

// stale makes all proofs due.
func (k *lane) stale() {
	for d, p := range k.proven {
		p.due = time.Time{}
		k.proven[d] = p
	}
}

// trunk is what is known of the protected branch.
type trunk struct {
	// Heads are commits that were its head and that it still holds, newest last.
	Heads []gitops.Commit `json:"heads"`
	// Walked is the commit up to which its line was read, Gap why not all of it
	// could be. Steps are the commits of which nobody knows yet how they came.
	Walked gitops.Commit `json:"walked,omitempty"`
	Gap    string        `json:"gap,omitempty"`
	Steps  []step        `json:"steps,omitempty"`
	// Hidden are the lanes that the rules cannot tell of now, each with the
	// commit after which it was not looked at.
	Hidden map[string]gitops.Commit `json:"hidden,omitempty"`
	// Strays are the merges that are not what was planned.
	Strays []trail.Stray `json:"strays,omitempty"`
	// Rivals are people's proposals that change versions.
	Rivals map[string]rivalry `json:"rivals,omitempty"`

	kept  digest
	tries int
}

// maxHeads bounds how many of them are known; a proposal on an older one is
// computed again.
const maxHeads = 512

// advanceTo notes a new head and an old one that it follows from. If that is not
// known, nobody knows which of the old ones are still in it.
func (b *trunk) advanceTo(head, follows gitops.Commit) {
	if i := slices.Index(b.Heads, head); i >= 0 {
		b.Heads = slices.Clone(b.Heads[:i+1]) // what came after it was taken back
		return
	}
	if !slices.Contains(b.Heads, follows) {
		b.Heads = nil
	}
	b.Heads = append(b.Heads, head)
	b.Heads = slices.Clone(b.Heads[max(0, len(b.Heads)-maxHeads):])
}

// pushed is what a commit of ours was made for.
type pushed struct {
	Head  gitops.Commit  `json:"head"`
	Class string         `json:"class"`
	From  gitops.Version `json:"from"`
	To    gitops.Version `json:"to"`
}

// made finds what a head was made for.
func (k *lane) made(head gitops.Commit) (pushed, bool) {
	for _, p := range k.Pushed {
		if p.Head == head {
			return p, true
		}
	}
	return pushed{}, false
}

// The buckets of the store's memory.
const (
	bucketLane     = "lane"
	bucketVersions = "versions"
	bucketPeople   = "people"
	bucketBranch   = "branch"
	// maxLeft bounds the history of a lane that is kept at hand.
	maxLeft = 32
)

func (k *lane) facts() signals.Facts {
	return signals.Facts{Proofs: k.proofs, Health: k.health, Streak: k.Streak, Earned: k.Earned}
}

// about is what the signals of the lane are asked about.
func (l *Loop) about(k *lane) signals.Question {
	v := l.named(k).Version
	q := signals.Question{Digest: signals.Digest(v.Digest), Tag: v.Tag, Since: k.Since}
	if k.Streak.Digest == q.Digest && !k.Streak.Began.IsZero() {
		q.Last = k.Streak.Last
	}
	return q
}

// named is what Git names in a lane, with the digest where Git has room for a tag
// alone, as charts do: the one that the tag names in the registry, if it has
// named no other.
func (l *Loop) named(k *lane) gitops.Desired {
	d, v := k.desired, l.versions[k.lane.Artifact]
	if d.Presence != gitops.At || d.Version.Digest != "" || v == nil {
		return d
	}
	for _, known := range v.All {
		if known.Tag != d.Version.Tag {
			continue
		}
		if d.Version.Digest != "" && d.Version.Digest != string(known.Digest) {
			return k.desired
		}
		d.Version.Digest = string(known.Digest)
	}
	return d
}

// known is the lane as the core sees it.
func (l *Loop) known(k *lane) promoter.Lane {
	d := l.named(k)
	d.Since, d.Left, d.Direct = k.Since, k.Left, k.Entry.Direct()
	if d.Direct != nil && d.Presence == gitops.At {
		d.Direct.Issue = l.people.Filed[k.Entry.Key()]
	}
	return promoter.Lane{
		Lane: k.lane, Desired: d, Facts: k.facts(), Waiting: k.Waiting, Rival: k.rival, Orders: k.Orders,
		Proposals: slices.Concat(l.caused(k), k.ended),
	}
}

// moved notes that Git names another version than before.
func (k *lane) moved(v gitops.Version, now time.Time) {
	if v == k.Version || v == (gitops.Version{}) {
		return
	}
	// Where Git has no room for a digest, as in charts, another tag is another version.
	if k.Version != (gitops.Version{}) && (k.Version.Digest != v.Digest || v.Digest == "") {
		k.Left = append([]gitops.Left{{Version: k.Version, At: now}}, k.Left...)
		k.Left = k.Left[:min(len(k.Left), maxLeft)]
	}
	k.Version, k.Since = v, now
}

// recall reads what the store remembers of this repository, once; nothing is a
// fresh start.
func (l *Loop) recall(ctx context.Context) error {
	if l.recalled {
		return nil
	}
	err := errors.Join(
		recall(ctx, l, bucketLane, l.Repository+"/", func(key string, was lane, kept digest) {
			environment, artifact, _ := strings.Cut(key, "/")
			was.kept = kept
			was.rewind(l.now())
			l.meet(gitops.Lane{Repository: l.Repository, Environment: environment, Artifact: artifact}, &was)
		}),
		recall(ctx, l, bucketVersions, l.Repository+"/", func(key string, was versions, kept digest) {
			was.kept = kept
			l.versions[key] = &was
		}),
		recall(ctx, l, bucketPeople, l.Repository, func(_ string, was people, kept digest) { l.people, l.people.kept = was, kept }),
		recall(ctx, l, bucketBranch, l.Repository, func(_ string, was trunk, kept digest) { l.trunk, l.trunk.kept = was, kept }),
	)
	l.recalled = err == nil
	return err
}

// recall hands out the records of a bucket whose keys begin with a prefix.
func recall[T any](ctx context.Context, l *Loop, bucket, prefix string, take func(key string, was T, kept digest)) error {
	records, err := l.Store.List(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	for _, r := range records {
		if !strings.HasSuffix(prefix, "/") && r.Key != prefix {
			continue
		}
		was, err := store.Recall[T](r)
		if err != nil {
			return fmt.Errorf("what is remembered as %s %s: %w", bucket, r.Key, err)
		}
		take(strings.TrimPrefix(r.Key, prefix), was, sha256.Sum256(r.Value))
	}
	return nil
}

// meet begins to follow a lane.
func (l *Loop) meet(at gitops.Lane, k *lane) {
	k.lane = at
	if len(k.Merits) > 0 {
		l.credits[at] = struct{}{}
	}
	k.desired.Problem = "not read yet"
	l.lanes[at] = k
	if k.Entry != nil && k.Entry.How == trail.Pending {
		l.entering[at] = struct{}{}
	}
	if k.Entry.Past() {
		l.past[at] = struct{}{}
	}
	if k.Entry != nil && k.Entry.How == trail.Proposed {
		l.following[at] = struct{}{}
	}
}

// laneKey and versionsKey name records in the store, which other repositories
// use too.
func (l *Loop) laneKey(at gitops.Lane) string      { return l.Repository + "/" + at.String() }
func (l *Loop) versionsKey(artifact string) string { return l.Repository + "/" + artifact }

// remember keeps what the look learnt before anything is done on its ground.
func (l *Loop) remember(ctx context.Context) error {
	if err := l.writeNotes(ctx); err != nil {
		return err
	}
	var changed changes
	for _, i := range slices.Sorted(maps.Keys(l.queue.decided)) {
		for _, lp := range l.queue.plans[i].Lanes {
			if k := l.lanes[lp.Lane]; k != nil {
				changed.add(bucketLane, l.laneKey(lp.Lane), k, &k.kept)
			}
		}
		artifact := l.queue.plans[i].Artifact
		if v := l.versions[artifact]; v != nil {
			changed.add(bucketVersions, l.versionsKey(artifact), v, &v.kept)
		}
	}
	if l.read[sourceForge].After(l.kept) || l.read[sourceGit].After(l.kept) || len(l.queue.decided) > 0 {
		changed.add(bucketPeople, l.Repository, l.people, &l.people.kept)
		changed.add(bucketBranch, l.Repository, l.trunk, &l.trunk.kept)
		l.kept = l.began
	}
	if changed.err != nil || len(changed.records) == 0 {
		return changed.err
	}
	return l.Store.Put(ctx, changed.records...)
}

// learn takes over what a plan found out about its lane.
func (l *Loop) learn(ctx context.Context, k *lane, lp promoter.LanePlan) {
	if lp.Earned != nil {
		k.Earned = append(k.Earned, *lp.Earned)
		l.credit(k, lp)
		l.Log.InfoContext(ctx, "version earned an environment", "environment", lp.Lane.Environment, "artifact", lp.Lane.Artifact,
			"digest", string(lp.Earned.Digest), "adopted", lp.Earned.Adopted)
	}
	k.Waiting = lp.Waiting
}

// changes are the records that differ from what the store keeps.
type changes struct {
	records []store.Record
	err     error
}

// add adds a value's record if it differs from the one that was kept.
func (c *changes) add(bucket, key string, value any, kept *digest) {
	r, err := store.Remember(bucket, key, value, time.Time{})
	if err != nil {
		c.err = errors.Join(c.err, err)
		return
	}
	if sum := sha256.Sum256(r.Value); sum != *kept {
		*kept = sum
		c.records = append(c.records, r)
	}
}

// Buckets are the parts of the store's memory that decisions rest on.
func Buckets() []string { return []string{bucketLane, bucketVersions, bucketPeople, bucketBranch} }
