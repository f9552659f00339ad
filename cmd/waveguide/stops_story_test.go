package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
)

// scene is a world with a forge, and what people do there.
type scene struct {
	*world
	// says waits until the check on the open proposal of an environment begins
	// with a gate's word.
	says    func(env, word string) gitops.Proposal
	reaches func(env, digest string)
	// ada is a person who may write.
	ada     changerAndIssuer
	approve func(p gitops.Proposal)
}

// changerAndIssuer is what a person does with a client of ours.
type changerAndIssuer interface {
	changer
	issuer
	Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error)
}

func stagings() setup {
	return setup{envs: []string{"dev", "prod"}, approvals: true, soak: time.Second}
}

// TestStopsOnEveryForge carries an image from dev to prod by the built program,
// while people pause the environment, reject the version and approve the next.
func TestStopsOnEveryForge(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(t *testing.T) scene{"github": onGitHub, "gitlab": onGitLab, "gitea": onGitea} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set(t).play(t)
		})
	}
}

func (s scene) play(t *testing.T) {
	t.Helper()
	bad := s.release("1.1.0")
	d := s.run()
	s.reaches("dev", bad)
	s.says("prod", "approval")
	pause, err := s.ada.OpenIssue(t.Context(), "an incident env:prod", "look at the graphs", []string{gitops.LabelPause})
	if err != nil {
		t.Fatal(err)
	}
	p := s.says("prod", "pause")
	if c, _ := p.Check(gitops.CheckName); c.State == gitops.CheckSuccess || !strings.Contains(c.Text, "ada") {
		t.Errorf("while it is paused the check is %+v", c)
	}
	if !strings.Contains(p.Body, "pause") {
		t.Errorf("the body does not tell of the pause:\n%s", p.Body)
	}
	if err := s.ada.CloseIssue(t.Context(), pause); err != nil {
		t.Fatal(err)
	}
	p = s.says("prod", "approval")
	if err := s.ada.Close(t.Context(), p.ID, "not this one"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rejection is known", func() (string, bool) {
		text := s.get("http://" + d.says(t, `for=page address=(\S+)`) + "/metrics")
		return text, strings.Contains(text, `waveguide_lanes{environment="prod",phase="blocked",repository="env"} 1`)
	})
	good := s.release("1.2.0")
	s.reaches("dev", good)
	next := s.says("prod", "approval")
	if next.ID == p.ID || !strings.Contains(next.Title, "1.2.0") {
		t.Errorf("after the rejection %s is open: %s", next.ID, next.Title)
	}
	s.approve(next)
	s.reaches("prod", good)
	s.settled(d)
	d.stop(t)
	list, _, err := s.ada.Proposals(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		if o.Lane.Environment == "prod" && o.ID != next.ID && o.ID != p.ID {
			t.Errorf("the version that was rejected is proposed again: %+v", o)
		}
	}
}

func onGitHub(t *testing.T) scene {
	t.Helper()
	s := stagings()
	s.registry = memoryRegistry(t)
	h := newHub(t, s)
	return scene{
		world: h.world, reaches: h.reaches, ada: h.as("ada"),
		says:    func(env, word string) gitops.Proposal { return h.says(env, word+": ") },
		approve: func(p gitops.Proposal) { h.post("ada", "pulls/"+p.ID+"/reviews", map[string]any{"event": "APPROVE"}) },
	}
}

func onGitLab(t *testing.T) scene {
	t.Helper()
	s := stagings()
	s.registry = memoryRegistry(t)
	w := newGitLabWorld(t, s)
	ada, err := gitlab.New(gitlab.Options{
		BaseURL: w.address, Project: gitlabProject, Name: "env", HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return adaToken, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return scene{world: w.world, says: w.says, reaches: w.reaches, ada: ada, approve: func(p gitops.Proposal) {
		w.do(adaToken, http.MethodPost, fmt.Sprintf("/merge_requests/%s/approve", strings.TrimPrefix(p.ID, "!")), map[string]string{"sha": string(p.Head)})
	}}
}

func onGitea(t *testing.T) scene {
	t.Helper()
	s := stagings()
	s.registry = memoryRegistry(t)
	w := newGiteaWorld(t, s, "")
	ada := gitea.New(gitea.Options{
		URL: w.address, Repository: "acme/" + repository, Name: "env", HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return adaToken, nil },
	})
	return scene{world: w.world, says: w.says, reaches: w.reaches, ada: ada, approve: func(p gitops.Proposal) {
		w.do(adaToken, http.MethodPost, "/pulls/"+p.ID+"/reviews", map[string]string{"event": "APPROVED", "body": "fine", "commit_id": string(p.Head)}, nil)
	}}
}
