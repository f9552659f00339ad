package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// TestLongTextsFit: what a forge would cut is cut before it is compared, and
// cutting it again changes nothing.
func TestLongTextsFit(t *testing.T) {
	limits := gitops.Limits{Title: 30, Body: 2000}
	var letter promoter.Letter
	letter.Plan.Lane = gitops.Lane{Environment: "dev", Artifact: "app"}
	for i := range 200 {
		letter.Plan.Verdicts = append(letter.Plan.Verdicts, gate.Verdict{Gate: "soak", Answer: gate.Pass, Reason: fmt.Sprintf("passed for the %dth time", i)})
	}
	w := fitted{prose.Proposal{}, limits}
	title, body := w.Title(letter.Plan), w.Body(letter)
	if utf8.RuneCountInString(title) > limits.Title || utf8.RuneCountInString(body) > limits.Body {
		t.Errorf("%d and %d characters", utf8.RuneCountInString(title), utf8.RuneCountInString(body))
	}
	if gitops.CutLine(title, limits.Title) != title || gitops.CutBody(body, limits.Body) != body {
		t.Error("a text that was cut is cut again")
	}
	if !strings.HasPrefix(body, "Moves **app** in **dev**") || !strings.Contains(body, "waveguide:v1") {
		t.Errorf("body = %s", body)
	}
}
