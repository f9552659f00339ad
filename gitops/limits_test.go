package gitops_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
)

func TestCutLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"short":          "short",
		"two\nlin  x":    "two lin x",
		"exactly ten":    "exactly t…",
		"ünïcödé is fun": "ünïcödé i…",
		"bad \xff":       "bad ?",
	} {
		if got := gitops.CutLine(in, 10); got != want {
			t.Errorf("CutLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCutBody(t *testing.T) {
	t.Parallel()
	body := "blocked by soak\n\n| a | b |\n|---|---|\n\n<details><summary>evidence</summary>\n\n```\n" +
		strings.Repeat("line\n\n", 200) + "```\n\n</details>\n\n<!-- waveguide:v1 {} -->\n"
	if got := gitops.CutBody(body, len(body)); got != body {
		t.Error("a body that fits was changed")
	}
	got := gitops.CutBody(body, 600)
	if n := utf8.RuneCountInString(got); n > 600 || n < 300 {
		t.Errorf("%d characters, want nearly 600", n)
	}
	for _, want := range []string{"blocked by soak\n\n| a |", "\n```\n\n</details>\n\n_The rest", "\n\n<!-- waveguide:v1 {} -->"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestCutBodyFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{"<details>", "</details>", "```\n", "\n\n", "\n", "ü", "word ", "<!-- x -->\n", "\xff"}))
		text := strings.Repeat(strings.Join(words.Draw(t, "words"), ""), rapid.IntRange(1, 40).Draw(t, "times"))
		most := rapid.IntRange(1, 1000).Draw(t, "most")
		got := gitops.CutBody(text, most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most {
			t.Fatalf("%d characters of at most %d", utf8.RuneCountInString(got), most)
		}
	})
}

func TestFindings(t *testing.T) {
	t.Parallel()
	good := gitops.Protection{
		Branch: "main", Permission: gitops.PermissionWrite, Protected: true, OwnersApprove: true,
		Checks: []gitops.RequiredCheck{{Name: gitops.CheckName, Ours: true}},
	}
	for name, c := range map[string]struct {
		change func(*gitops.Protection)
		what   string
		state  gitops.FindingState
	}{
		"good":            {func(*gitops.Protection) {}, "", gitops.Works},
		"no rules":        {func(p *gitops.Protection) { p.Protected = false }, "branch main", gitops.Missing},
		"not required":    {func(p *gitops.Protection) { p.Checks = nil }, "required check waveguide", gitops.Missing},
		"anybody's check": {func(p *gitops.Protection) { p.Checks[0] = gitops.RequiredCheck{Name: gitops.CheckName} }, "required check waveguide", gitops.Risk},
		"another's check": {func(p *gitops.Protection) { p.Checks[0] = gitops.RequiredCheck{Name: gitops.CheckName, Bound: "ci"} }, "required check waveguide", gitops.Missing},
		"unbindable": {func(p *gitops.Protection) {
			p.Checks[0] = gitops.RequiredCheck{Name: gitops.CheckName, Unbindable: true}
		}, "required check waveguide", gitops.Risk},
		"the bot pushes":   {func(p *gitops.Protection) { p.BotPushes = true }, "branch main", gitops.Risk},
		"admin":            {func(p *gitops.Protection) { p.Permission = gitops.PermissionAdmin }, "rights of the bot", gitops.Risk},
		"rights lack":      {func(p *gitops.Protection) { p.Lacks = []string{"write statuses"} }, "rights of the bot", gitops.Missing},
		"general approval": {func(p *gitops.Protection) { p.Approvals = 1 }, "approvals", gitops.Risk},
		"no owners":        {func(p *gitops.Protection) { p.OwnersApprove = false }, "code owners", gitops.Risk},
		"stale approvals":  {func(p *gitops.Protection) { p.KeepsStale = true }, "approvals", gitops.Risk},
		"bypass":           {func(p *gitops.Protection) { p.Bypass = []string{"admins may merge against the rules"} }, "branch main", gitops.Risk},
		"no issues":        {func(p *gitops.Protection) { p.NoIssues = true }, "pause issues", gitops.Risk},
		"unread":           {func(p *gitops.Protection) { p.Unread = []string{"the rules need admin rights to be read"} }, "branch rules", gitops.Missing},
	} {
		p := good
		p.Checks = append([]gitops.RequiredCheck(nil), good.Checks...)
		c.change(&p)
		found := false
		for _, f := range p.Findings() {
			if f.State == gitops.Works {
				continue
			}
			if f.What == c.what && f.State == c.state {
				found = true
			} else {
				t.Errorf("%s: also %+v", name, f)
			}
		}
		if !found && c.what != "" {
			t.Errorf("%s: no finding %s %s in %+v", name, c.what, c.state, p.Findings())
		}
	}
}
