// Package inbox takes results that others push: integration, performance and
// acceptance tests that a pipeline ran against a version in an environment. A
// result names its digest, ends at a time, and counts for nothing else.
//
// Who may push what is in push.go, with everything that is refused; what a
// result means for a version is in [Inbox.Check].
package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	// maxDelay is how long after it was made a result may arrive. Whatever is
	// older is refused, so ids need to be remembered only for so long.
	maxDelay = time.Hour
	// lifetime is how long a result holds that says nothing itself.
	lifetime    = 24 * time.Hour
	maxLifetime = 30 * 24 * time.Hour
	// maxResults bounds the versions of which results are kept, maxIDs the
	// results that one signal takes within maxDelay.
	maxResults = 16
	maxIDs     = 256
)

// Memory keeps what was pushed over a restart. A value may be lost; then its
// result is missing, which is not knowing.
type Memory interface {
	Recall(ctx context.Context, key string) (value []byte, ok bool, err error)
	Remember(ctx context.Context, key string, value []byte, expires time.Time) error
}

// Slot is the place of one signal's results.
type Slot struct {
	Environment, Artifact, Signal string
}

func (s Slot) key() string { return s.Environment + "/" + s.Artifact + "/" + s.Signal }

// Options are what an [Inbox] is made of.
type Options struct {
	Memory Memory
	Tokens []Token
	// Wanted says whether the rules ask for results in a slot; others are not
	// kept.
	Wanted func(Slot) bool
	// Pushed is told of every result that was taken.
	Pushed func(Slot)
}

// Inbox keeps the newest results. It is safe for concurrent use.
type Inbox struct {
	Options
	mu sync.Mutex // held from reading a slot to writing it
}

// New makes an inbox.
func New(o Options) *Inbox {
	if o.Pushed == nil {
		o.Pushed = func(Slot) {}
	}
	return &Inbox{Options: o}
}

// result is one that was taken.
type result struct {
	Push
	// By is the name of the token.
	By       string    `json:"by"`
	Received time.Time `json:"received"`
}

// kept is what is remembered of a slot: the newest result of each version, the
// newest first, and the ids that came lately.
type kept struct {
	Results []result             `json:"results"`
	IDs     map[string]time.Time `json:"ids"`
}

func (b *Inbox) recall(ctx context.Context, s Slot) (kept, error) {
	var k kept
	data, ok, err := b.Memory.Recall(ctx, s.key())
	if err == nil && ok {
		err = json.Unmarshal(data, &k)
	}
	if err != nil {
		return kept{}, fmt.Errorf("recall the results of %s: %w", s.key(), err)
	}
	if k.IDs == nil {
		k.IDs = map[string]time.Time{}
	}
	return k, nil
}

func (b *Inbox) remember(ctx context.Context, s Slot, k kept, now time.Time) error {
	until := now.Add(2 * maxDelay)
	for _, r := range k.Results {
		if r.Expires.After(until) {
			until = r.Expires
		}
	}
	data, err := json.Marshal(k)
	if err == nil {
		err = b.Memory.Remember(ctx, s.key(), data, until)
	}
	if err != nil {
		return fmt.Errorf("remember the results of %s: %w", s.key(), err)
	}
	return nil
}

// Check says what was pushed about a version. The error says that the memory
// could not be read.
func (b *Inbox) Check(ctx context.Context, s Slot, q signals.Question) (signals.Health, error) {
	now := time.Now()
	h := signals.Health{Name: s.Signal, For: q.Digest, Since: now, At: now, Source: "the inbox"}
	b.mu.Lock()
	k, err := b.recall(ctx, s)
	b.mu.Unlock()
	if err != nil {
		h.Reason = signals.Plain(err.Error(), 300)
		return h, err
	}
	if i := slices.IndexFunc(k.Results, func(r result) bool { return r.Running && now.Before(r.Expires) }); i >= 0 {
		h.Digest, h.Rung = k.Results[i].Digest, signals.RungReported
	}
	i := slices.IndexFunc(k.Results, func(r result) bool { return r.Digest == q.Digest && q.Digest != "" })
	switch {
	case q.Digest == "":
		h.Reason = "nobody knows which version a result would have to be about"
	case len(k.Results) == 0:
		h.Reason = "no result was pushed"
	case i < 0:
		h.Reason = fmt.Sprintf("no result was pushed about %s; the newest is about %s", q.Digest.Short(), k.Results[0].Digest.Short())
	case !now.Before(k.Results[i].Expires):
		h.Reason = fmt.Sprintf("the result about %s held until %s", q.Digest.Short(), k.Results[i].Expires.UTC().Format("2006-01-02 15:04Z"))
	default:
		r := k.Results[i]
		h.State, h.Reason = r.State, signals.Plain(r.Reason, 300)
		// Whoever pushed vouches for it until it ends.
		h.Since, h.Proven = earlier(r.At, now), true
		h.Source = signals.Plain("pushed by "+r.By+" as "+r.ID, 300)
		if r.URL != "" {
			h.Source = signals.Plain(h.Source+" ("+r.URL+")", 300)
		}
	}
	return h, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
