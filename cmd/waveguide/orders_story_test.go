package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const freeze = `---
apiVersion: waveguide.dev/v1alpha1
kind: Freeze
name: audit
from: 2020-01-01T00:00:00Z
until: 2220-01-01T00:00:00Z
allow: [sev1]
`

// TestEmergencyAndPin plays an incident with the real program: a fix waits for
// a freeze, an emergency lets it through and has a review asked for once, a pin
// keeps it there while a newer build waits, and the word that ends it counts.
func TestEmergencyAndPin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}, manual: true})
	w.pushAs("root", rootToken, "main", map[string]string{".waveguide/environments.yaml": w.environments() + freeze})
	next := w.release("1.1.0")
	d := w.run()
	p := w.judged("1", gitops.CheckPending, "freeze: freeze audit is in force")
	ada := w.client(adaToken)
	say := func(text string) {
		t.Helper()
		if err := ada.Comment(t.Context(), p.ID, text); err != nil {
			t.Fatal(err)
		}
	}
	say("/waveguide emergency sev2 INC-7")
	w.answered(p.ID, "The rules define no emergency `sev2` for `dev/shop`: they know `sev1`.")
	say("> /waveguide emergency sev1 INC-6\n\n/waveguide emergency sev1 INC-7")
	w.answered(p.ID, "A review is due until")
	p = w.judged("1", gitops.CheckSuccess, "every gate passes")
	if !strings.HasPrefix(p.Title, "emergency/sev1(dev): shop 1.1.0") || !strings.Contains(p.Body, "**Emergency** `sev1` for `INC-7`, declared by `ada`") {
		t.Errorf("the proposal says %q:\n%s", p.Title, p.Body)
	}
	issues, err := ada.Issues(t.Context(), []string{"2"})
	if err != nil || len(issues) != 1 || issues[0].Title != "Review of emergency sev1 (INC-7): 1.1.0 to dev/shop" {
		t.Errorf("issues = %+v, %v", issues, err)
	}

	say("/waveguide pin 1.1.0 until " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	w.answered(p.ID, "`dev/shop` is pinned to `1.1.0` until")
	w.release("1.2.0")
	if _, err := ada.Merge(t.Context(), p.ID, p.Head); err != nil {
		t.Fatal(err)
	}
	w.reaches("dev", next)
	w.settled(d)
	page := "http://" + d.says(t, `for=page address=(\S+)`)
	if text := w.get(page); !strings.Contains(text, "pinned to 1.1.0 by ada until") {
		t.Errorf("the page does not tell of the pin:\n%s", text)
	}
	out, err := exec.CommandContext(t.Context(), "waveguide", "explain", "shop", "dev", "-c", filepath.Join(w.dir, "waveguide.yaml")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "  pin        pinned to 1.1.0 by ada until ") {
		t.Errorf("explain: %v\n%s", err, out)
	}
	if n := len(w.proposals()); n != 1 {
		t.Errorf("%d proposals while the lane is pinned", n)
	}
	say("/waveguide unpin")
	w.judged("4", gitops.CheckPending, "freeze: freeze audit is in force")
	d.stop(t)
	w.ledger()
}

// judged waits until the check of a proposal says something.
func (w *world) judged(id string, state gitops.CheckState, text string) gitops.Proposal {
	w.t.Helper()
	var found gitops.Proposal
	eventually(w.t, "a check that says "+text, func() (string, bool) {
		for _, p := range w.proposals() {
			c, ok := p.Check(gitops.CheckName)
			if found = p; ok && c.State == state && strings.HasPrefix(c.Text, text) {
				return "", true
			}
			text := string(c.State) + ": " + c.Text
			if p.ID == id {
				return text, false
			}
		}
		return "no proposal " + id, false
	})
	return found
}

// answered waits until the bot said something below a proposal.
func (w *world) answered(id, text string) {
	w.t.Helper()
	eventually(w.t, "an answer", func() (string, bool) {
		p, err := w.client(adaToken).Proposal(w.t.Context(), id)
		if err != nil {
			return err.Error(), false
		}
		return "no such answer", slices.ContainsFunc(p.Events, func(e gitops.Event) bool {
			return e.Kind == gitops.Commented && e.By.Name == "bot" && strings.Contains(e.Text, text)
		})
	})
}
