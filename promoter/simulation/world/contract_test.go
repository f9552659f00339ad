package world_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
	"github.com/waveguide-dev/waveguide/promoter/loop/looptest"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// TestModelKeepsTheContract holds the model of a forge to what the real
// adapters are held to, so that the simulation does not run on a lie.
func TestModelKeepsTheContract(t *testing.T) {
	t.Parallel()
	gitopstest.ModelContract(t, func(*testing.T) gitopstest.Forge {
		w := world.New(1, world.Spec{Soak: map[string]time.Duration{}})
		return gitopstest.Forge{
			Bot: client{w}, Fresh: func() gitopstest.Client { return client{w} },
			Push: func(t *testing.T, branch, file, text string) gitops.Commit {
				t.Helper()
				c := w.Child(w.Main, map[string]string{file: text}, world.Email, text, time.Now())
				if err := w.Push(world.Bot, branch, w.Branches[branch], c.ID, map[gitops.Commit]world.Commit{c.ID: c}); err != nil {
					t.Fatal(err)
				}
				return c.ID
			},
			Queue: func(*testing.T) { w.Queueing = true },
			Act:   func(_ *testing.T, who gitops.Permission, d gitopstest.Deed) (string, error) { return act(w, who, d) },
		}
	})
}

// TestCloneKeepsTheContract holds the model of Git to what the real mirror is
// held to.
func TestCloneKeepsTheContract(t *testing.T) {
	t.Parallel()
	looptest.RepoContract(t, func(*testing.T) looptest.Git {
		return asked(world.New(1, world.Spec{Soak: map[string]time.Duration{}}).Clone("A"))
	})
}

// asked is a clone with people who act on its remote.
func asked(c *world.Clone) looptest.Git {
	w := c.Remote()
	branch := func(name string) string {
		if name == looptest.Protected {
			return ""
		}
		return name
	}
	return looptest.Git{
		Repo: c, Branches: c, History: c, Person: "ann@acme.example", Bot: world.Email,
		Again: func(*testing.T) looptest.Git { return asked(c.Again()) },
		Twin:  func(*testing.T) looptest.Git { return asked(w.Clone("B")) },
		Commit: func(_ *testing.T, name string, files map[string]string, message string) gitops.Commit {
			return w.Commit("ann", branch(name), files, message)
		},
		Merge: func(t *testing.T, name string) gitops.Commit {
			t.Helper()
			p, err := w.Create("ann", gitops.Proposal{Branch: name, Title: name}, nil)
			if err != nil {
				t.Fatal(err)
			}
			merged, err := w.Merge("bob", p.ID, p.Head, true)
			if err != nil {
				t.Fatal(err)
			}
			return merged
		},
		Rewind: func(*testing.T) { w.Rewind("ann") },
		Delete: func(_ *testing.T, name string) { w.Delete("ann", name) },
	}
}

// act does what a person does.
func act(w *world.World, who gitops.Permission, d gitopstest.Deed) (string, error) {
	by := "eve"
	if who.Releases() {
		by = "ann"
	}
	switch d.Kind {
	case gitopstest.DoLabel:
		w.Label(by, d.ID, d.Text)
	case gitopstest.DoUnlabel:
		w.Unlabel(by, d.ID, d.Text)
	case gitopstest.DoComment, gitopstest.DoCommentIssue:
		w.Comment(by, d.ID, d.Text)
	case gitopstest.DoReview:
		w.Review(by, d.ID, d.Review)
	case gitopstest.DoDismiss:
		w.Review(by, d.ID, gitops.Dismissed)
	case gitopstest.DoClose:
		return d.ID, w.End(by, d.ID, d.Text)
	case gitopstest.DoPropose:
		p, err := w.Create(by, gitops.Proposal{Branch: d.Text, Title: d.Text}, nil)
		return p.ID, err
	case gitopstest.DoOpenIssue:
		return w.Pause(by, d.Text), nil
	case gitopstest.DoCloseIssue:
		w.Resume(by, d.ID)
	case gitopstest.DoRetitleIssue:
		w.Retitle(by, d.ID, d.Text)
	case gitopstest.DoUnlabelIssue:
		w.Unpause(by, d.ID)
	}
	return d.ID, nil
}

// client is the model as the loop's ports use it, without a turnstile.
type client struct{ w *world.World }

func (c client) Proposals(_ context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, _ := c.w.Proposals(since, 0)
	return list, next, nil
}

func (c client) Proposal(_ context.Context, id string) (gitops.Proposal, error) {
	if p := c.w.Proposal(id); p != nil {
		return *p, nil
	}
	return gitops.Proposal{}, fmt.Errorf("no proposal %s", id)
}

func (c client) Issues(context.Context, []string) ([]gitops.Issue, error) {
	return c.w.Issues(0), nil
}

func (c client) Pauses(ctx context.Context) ([]gitops.Pause, error) {
	issues, err := c.Issues(ctx, nil)
	list, _ := gitops.Pauses(issues, world.Bot, time.Now(), nil)
	return list, err
}

func (c client) Whoami(context.Context) (gitops.Actor, error) { return world.People()[world.Bot], nil }

func (c client) Open(_ context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if p.Branch == "" {
		p.Branch = p.Lane.Branch()
	}
	if have := c.w.Find(p.Branch); have != nil {
		return *have, nil
	}
	return c.w.Create(world.Bot, p, labels)
}

func (c client) Update(_ context.Context, id, title, body string) error {
	return c.w.Describe(world.Bot, id, title, body)
}

func (c client) Close(_ context.Context, id, comment string) error {
	return c.w.End(world.Bot, id, comment)
}

func (c client) Merge(_ context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	return c.w.Merge(world.Bot, id, head, false)
}

func (c client) SetCheck(_ context.Context, head gitops.Commit, k gitops.Check) error {
	return c.w.SetCheck(world.Bot, head, k)
}

func (c client) AddLabel(_ context.Context, id, label string) error {
	c.w.Label(world.Bot, id, label)
	return nil
}

func (c client) RemoveLabel(_ context.Context, id, label string) error {
	c.w.Unlabel(world.Bot, id, label)
	return nil
}

func (c client) Request(_ context.Context, id string, r gitops.Request) error {
	return c.w.Request(world.Bot, id, r)
}

func (c client) OpenIssue(_ context.Context, title, _ string, labels []string) (string, error) {
	if !slices.Contains(labels, gitops.LabelPause) {
		return "#0", nil // the model keeps only issues that pause something
	}
	return c.w.Pause(world.Bot, title), nil
}

func (c client) Report(_ context.Context, r gitops.Report) (string, error) {
	return c.w.Report(world.Bot, r), nil
}

func (c client) CloseIssue(_ context.Context, id string) error {
	c.w.Resume(world.Bot, id)
	return nil
}

func (c client) Answer(_ context.Context, id, key, text string) error {
	return c.w.Answer(world.Bot, id, key, text)
}

func (c client) Mend(_ context.Context, m gitops.Mend) error { return c.w.Mend(world.Bot, m) }

func (c client) Enqueue(_ context.Context, id string, head gitops.Commit) error {
	return c.w.Enqueue(world.Bot, id, head)
}

func (c client) Groups(context.Context) ([]gitops.Group, error) {
	c.w.Queue()
	return c.w.Groups(), nil
}

func (c client) Protection(context.Context) (gitops.Protection, error) {
	return gitops.Protection{Queue: c.w.Queueing}, nil
}

func (c client) Budget() gitops.Budget { return gitops.Budget{} }

func (c client) Limits() gitops.Limits { return gitops.Limits{} }
