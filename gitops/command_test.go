package gitops_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
)

func TestParseCommands(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string][]gitops.Command{
		"":                         nil,
		"looks good":               nil,
		"/hold":                    {{Word: gitops.CommandHold}},
		"/hold  for   the audit":   {{Word: gitops.CommandHold, Reason: "for the audit"}},
		"/HOLD now":                {{Word: gitops.CommandHold, Reason: "now"}},
		"/hold cancel":             {{Word: gitops.CommandUnhold}},
		"/hold cancel the release": {{Word: gitops.CommandHold, Reason: "cancel the release"}},
		"/unhold\r\n":              {{Word: gitops.CommandUnhold}},
		"text\n/hold a\nmore\n/waveguide retry": {
			{Word: gitops.CommandHold, Reason: "a"}, {Word: gitops.CommandRetry},
		},
		"/waveguide hold x":             {{Word: gitops.CommandHold, Reason: "x"}},
		"/waveguide hold cancel":        {{Word: gitops.CommandUnhold}},
		"/waveguide rebase":             {{Word: gitops.CommandRebase}},
		"/waveguide unpin":              {{Word: gitops.CommandUnpin}},
		"/waveguide Retry":              {{Word: gitops.CommandRetry}},
		"/waveguide retry me":           {{Word: gitops.CommandRetry, Problem: "nothing follows /waveguide retry"}},
		"/waveguide emergency sev1 I-7": {{Word: gitops.CommandEmergency, Name: "sev1", Incident: "I-7"}},
		"/waveguide emergency SEV/1 I":  {{Word: gitops.CommandEmergency, Problem: "write /waveguide emergency NAME INCIDENT, with a name that the rules define"}},
		"/waveguide pin v1.2.3 until 2026-11-21T08:00Z": {
			{Word: gitops.CommandPin, Version: "v1.2.3", Until: until},
		},
		"/waveguide pin v1.2.3 until 2026-11-21T10:00:00+02:00": {
			{Word: gitops.CommandPin, Version: "v1.2.3", Until: until},
		},
		"/waveguide pin v1 until tomorrow": {{Word: gitops.CommandPin, Problem: "the time is not understood: write /waveguide pin VERSION until 2026-11-21T08:00Z"}},
		"/waveguide pin v1":                {{Word: gitops.CommandPin, Problem: "write /waveguide pin VERSION until 2026-11-21T08:00Z"}},
		"/waveguide":                       {{Problem: "say what: hold, unhold, rebase, retry, pin, unpin or emergency"}},
		"/waveguide merge":                 {{Problem: "the word behind /waveguide is not known: use hold, unhold, rebase, retry, pin, unpin or emergency"}},
		// Other programs' words, quotes and code are not ours.
		"/lgtm\n/holding\n> /hold\n /hold\nsay /hold": nil,
		"```\n/unhold\n```\n/hold":                    {{Word: gitops.CommandHold}},
		"~~~\n```\n/unhold\n~~~":                      nil,
		"/hold " + strings.Repeat("x", 600):           nil,
	} {
		if diff := cmp.Diff(want, gitops.ParseCommands(text)); diff != "" {
			t.Errorf("%.60q: %s", text, diff)
		}
	}
	if n := len(gitops.ParseCommands(strings.Repeat("/hold\n", 50))); n != 10 {
		t.Errorf("%d commands of one comment, want 10", n)
	}
}

func FuzzParseCommands(f *testing.F) {
	f.Add("/hold x\n```\n/waveguide pin v1 until 2026-11-21T08:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range gitops.ParseCommands(text) {
			if c.Word == "" && c.Problem == "" || c.Problem == "" && c.Word == gitops.CommandPin && c.Until.IsZero() {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	text := gitops.AnswerText("IC_7--x-->\n#1", "Not understood.")
	if !strings.HasPrefix(text, "Not understood.\n\n<!-- ") || strings.Count(text, "-->") != 1 {
		t.Errorf("text = %q", text)
	}
	for _, same := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), text + "\n"} {
		if !gitops.Answers(same, "IC_7--x-->\n#1") || gitops.Answers(same, "IC_7") {
			t.Errorf("%q is not known again", same)
		}
	}
	events := []gitops.Event{{Kind: gitops.Commented, By: gitops.Actor{Name: "eve"}, Text: text}}
	if gitops.Answered(events, "bot", "IC_7--x-->\n#1") {
		t.Error("somebody else's copy counts as our answer")
	}
}
