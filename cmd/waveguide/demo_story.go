package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// teller tells the story of the demo and checks that it comes out as it must.
type teller struct {
	*demoWorld
	out   io.Writer
	begin time.Time
	alone bool
}

// step is one step of the story: something is done, then something must be
// seen. A step of the reviewer's is left to the person at the browser.
type step struct {
	says     string
	does     func(ctx context.Context) error
	sees     func() (string, bool)
	reviewer bool
}

// demoPatience is how long a step may take before the story has come out wrong.
const demoPatience = 90 * time.Second

// play does one step and waits for what it must bring about.
func (t *teller) play(ctx context.Context, s step) error {
	if s.does != nil && (t.alone || !s.reviewer) {
		if err := s.does(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.says, err)
		}
	}
	if s.reviewer && !t.alone {
		fmt.Fprintf(t.out, "%6.1fs  your turn: %s\n", time.Since(t.begin).Seconds(), s.says)
	}
	limit := time.NewTimer(demoPatience)
	defer limit.Stop()
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		saw, ok := s.sees()
		if ok {
			fmt.Fprintf(t.out, "%6.1fs  %s%s\n", time.Since(t.begin).Seconds(), s.says, after(prose.Plain(saw)))
			return nil
		}
		expired := limit.C
		if !t.alone {
			expired = nil // a person may take their time
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-expired:
			return fmt.Errorf("%s: not seen after %s; what was seen instead:\n%s", s.says, demoPatience, t.whole())
		}
	}
}

// whole is the newest plan of everything.
func (t *teller) whole() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, p := range t.view.Plans {
		b.WriteString(p.String())
	}
	for source, why := range t.view.Silent {
		fmt.Fprintf(&b, "silent: %s: %s\n", source, why)
	}
	for _, p := range t.view.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	return b.String()
}

// lane is the newest plan of an environment.
func (t *teller) lane(env string) promoter.LanePlan {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.view.Plans {
		for _, l := range p.Lanes {
			if l.Lane.Environment == env {
				return l
			}
		}
	}
	return promoter.LanePlan{}
}

// story is the whole story, in order.
func (t *teller) story() []step {
	return []step{
		{says: "1.0.0 runs everywhere", sees: func() (string, bool) {
			return "", t.runs("dev", "1.0.0") && t.runs("staging", "1.0.0") && t.runs("prod", "1.0.0")
		}},
		{says: "a signed 1.1.0 appears, and dev takes it by itself", does: t.release("1.1.0", true), sees: func() (string, bool) { return "", t.runs("dev", "1.1.0") }},
		{says: "dev has soaked, and staging takes it by itself", sees: func() (string, bool) { return "", t.runs("staging", "1.1.0") }},
		{says: "an unsigned 1.2.0 is refused", does: t.release("1.2.0", false), sees: func() (string, bool) { return t.verdict("dev", "signature", gate.Block) }},
		{says: "prod waits for a review", sees: func() (string, bool) { return t.verdict("prod", "approval", gate.Wait) }},
		{says: "a hold label stops it", reviewer: true, does: t.label(gitops.LabelHold), sees: func() (string, bool) { return t.verdict("prod", "hold", gate.Block) }},
		{says: "without the label it goes on", reviewer: true, does: t.unlabel(gitops.LabelHold), sees: func() (string, bool) { return t.verdict("prod", "hold", gate.Pass) }},
		{says: "a pause issue stops it", reviewer: true, does: t.pause, sees: func() (string, bool) { return t.verdict("prod", "pause", gate.Block) }},
		{says: "with the issue closed it goes on", reviewer: true, does: t.resume, sees: func() (string, bool) { return t.verdict("prod", "pause", gate.Pass) }},
		{says: "the review is given, and the check turns green", reviewer: true, does: t.approve, sees: func() (string, bool) {
			l := t.lane("prod")
			return "", t.runs("prod", "1.1.0") || l.Proposal != "" && l.Change == nil && gate.Fold(l.Verdicts) == gate.Pass
		}},
		{says: "the proposal is merged", reviewer: true, does: t.merge, sees: func() (string, bool) { return "", t.runs("prod", "1.1.0") }},
		{says: "1.1.0 is released: it earned every environment", sees: func() (string, bool) { return "", t.lane("prod").Phase == promoter.PhaseEarned }},
		{says: "a signed 1.3.0 appears that is bad in staging; dev takes it", does: t.bad("1.3.0", "staging"), sees: func() (string, bool) { return "", t.runs("dev", "1.3.0") }},
		{says: "it turns unhealthy in staging, and the way back is proposed", sees: func() (string, bool) {
			l := t.lane("staging")
			return string(l.Class), l.Class == gate.Rollback && l.Proposal != ""
		}},
		{says: "staging is back at 1.1.0, and prod never saw 1.3.0", sees: func() (string, bool) {
			return "", t.runs("staging", "1.1.0") && t.runs("prod", "1.1.0")
		}},
		{says: "1.3.0 is not proposed to staging again", sees: func() (string, bool) { return t.verdict("staging", "version", gate.Block) }},
	}
}

// runs says that Git names a version in an environment, and that it runs.
func (t *teller) runs(env, tag string) bool {
	l := t.lane(env)
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.Current.Tag == tag && t.demoWorld.runs[env].running() == string(l.Current.Digest)
}

// verdict is a gate's sentence in an environment, if it gives that answer.
func (t *teller) verdict(env, word string, want gate.Answer) (string, bool) {
	for _, v := range t.lane(env).Verdicts {
		if v.Gate == word {
			return v.Reason, v.Answer == want
		}
	}
	return "", false
}

func (t *teller) release(tag string, signed bool) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := t.publish(ctx, tag, signed)
		return err
	}
}

func (t *teller) bad(tag, env string) func(context.Context) error {
	return func(ctx context.Context) error {
		digest, err := t.publish(ctx, tag, true)
		t.mu.Lock()
		t.demoWorld.bad[env] = digest
		t.mu.Unlock()
		return err
	}
}

// proposal is prod's open proposal.
func (t *teller) proposal(ctx context.Context) (gitops.Proposal, error) {
	id := t.lane("prod").Proposal
	if id == "" {
		return gitops.Proposal{}, errors.New("prod has no open proposal")
	}
	return t.you.Proposal(ctx, id)
}

func (t *teller) label(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		p, err := t.proposal(ctx)
		if err != nil {
			return err
		}
		return t.you.AddLabel(ctx, p.ID, name)
	}
}

func (t *teller) unlabel(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		p, err := t.proposal(ctx)
		if err != nil {
			return err
		}
		return t.you.RemoveLabel(ctx, p.ID, name)
	}
}

func (t *teller) pause(ctx context.Context) error {
	_, err := t.you.OpenIssue(ctx, "pause env:prod", "somebody looks at something", []string{gitops.LabelPause})
	return err
}

func (t *teller) resume(ctx context.Context) error {
	pauses, err := t.you.Pauses(ctx)
	if err != nil {
		return err
	}
	for _, p := range pauses {
		if err := t.you.CloseIssue(ctx, p.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) approve(ctx context.Context) error {
	p, err := t.proposal(ctx)
	if err != nil {
		return err
	}
	return t.you.Review(ctx, p.ID, gitops.Approved, p.Head)
}

func (t *teller) merge(ctx context.Context) error {
	p, err := t.proposal(ctx)
	if err != nil {
		return err
	}
	_, err = t.you.Merge(ctx, p.ID, p.Head)
	return err
}
