package prose_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
)

func plan(tag, reason string) promoter.LanePlan {
	return promoter.LanePlan{
		Lane: gitops.Lane{Repository: "env", Environment: "prod", Artifact: "shop"}, Wave: "prod", Class: gate.Promotion,
		Phase: promoter.PhaseProposed, Proposal: "7",
		Current:   signals.Version{Tag: "1.0.0", Digest: "sha256:aaaa"},
		Candidate: signals.Version{Tag: tag, Digest: "sha256:bbbb"},
		Verdicts:  []gate.Verdict{{Gate: "approval", Answer: gate.Wait, Reason: reason, Owner: "@acme/owners"}},
	}
}

func letter(l promoter.LanePlan) promoter.Letter {
	return promoter.Letter{Plan: l, Route: promoter.Route{Promotion: "shop", Image: "r.example/shop"}}
}

func TestHostileTextCannotSpeak(t *testing.T) {
	t.Parallel()
	hostile := map[string]string{
		"a mention":             "@everybody look",
		"a link":                "[click](https://evil.example)",
		"a bare link":           "https://evil.example",
		"an image":              "![x](https://evil.example/x.png)",
		"HTML":                  "<script>alert(1)</script><img src=x>",
		"a comment's end":       "--> <b>out</b> <!--",
		"a table's end":         "| x |\n|---|",
		"code that ends itself": "`rm -rf`",
		"a terminal code":       "\x1b[2J\x1b]0;owned\x07",
		"a direction mark":      "\u202egnp.exe",
	}
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := plan(text, text)
			body := prose.Proposal{}.Body(letter(l))
			for _, bad := range []string{"@everybody", "](https", "<script", "<img", "<b>", "\x1b", "\u202e", "\n|---|\n|---|"} {
				if strings.Contains(body, bad) && !inCode(body, bad) {
					t.Errorf("Body lets %q through:\n%s", bad, body)
				}
			}
			for _, answer := range []string{prose.Explain(l, time.Time{}), prose.Summary(l), prose.Proposal{}.Title(l)} {
				if i := strings.IndexFunc(answer, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
					t.Errorf("a control character reaches the terminal: %q", answer)
				}
			}
		})
	}
}

// inCode says that every occurrence of bad stands inside inline code.
func inCode(body, bad string) bool {
	for line := range strings.SplitSeq(body, "\n") {
		for i := strings.Index(line, bad); i >= 0; {
			if strings.Count(line[:i], "`")%2 == 0 {
				return false
			}
			next := strings.Index(line[i+1:], bad)
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	return true
}

func TestBodyChangesOnlyWithItsContent(t *testing.T) {
	t.Parallel()
	l := plan("1.1.0", "needs 1 approval(s)")
	l.Verdicts[0].Until = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	one := prose.Proposal{}.Body(letter(l))
	l.Verdicts[0].Until = l.Verdicts[0].Until.Add(time.Hour)
	if two := (prose.Proposal{}).Body(letter(l)); one != two {
		t.Error("Body changes with the clock alone")
	}
	l.Verdicts[0].Reason = "needs 2 approval(s)"
	if two := (prose.Proposal{}).Body(letter(l)); one == two {
		t.Error("Body does not change with its reason")
	}
}

func TestTitleFitsEveryForge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		title := prose.Proposal{}.Title(plan(rapid.String().Draw(t, "tag"), ""))
		if len(title) > 210 || strings.ContainsAny(title, "\n\r\x00\x1b") {
			t.Fatalf("Title is no title: %q", title)
		}
	})
}

func TestExplainSaysWhoOwnsTheNextStep(t *testing.T) {
	t.Parallel()
	got := prose.Explain(plan("1.1.0", "needs 1 approval(s)"), time.Time{})
	for _, want := range []string{"shop in prod", "1.1.0", "approval", "next step: @acme/owners"} {
		if !strings.Contains(got, want) {
			t.Errorf("Explain does not say %q:\n%s", want, got)
		}
	}
}

func TestExplainSaysWhatPeopleOrdered(t *testing.T) {
	t.Parallel()
	l := plan("1.1.0", "x")
	l.Class = gate.EmergencyClass("sev1")
	l.Pin = &promoter.Pin{Version: "1.1.0", By: "sam", Until: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)}
	l.Emergency = &gitops.Given{Command: gitops.Command{Name: "sev1", Incident: "INC-\x1b7"}, By: gitops.Actor{Name: "sam"}, At: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}
	got := prose.Explain(l, time.Time{})
	for _, want := range []string{
		"  pin        pinned to 1.1.0 by sam until 2026-12-01 08:00Z; /waveguide unpin ends it\n",
		"  emergency  sev1 for INC-?7, declared by sam at 2026-11-01 08:00Z; a review is due until 2026-11-02 08:00Z",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Explain does not say %q:\n%s", want, got)
		}
	}
}

func TestHostileTextIsCut(t *testing.T) {
	t.Parallel()
	if n := len([]rune(prose.Plain(strings.Repeat("ab", 100_000)))); n > 301 {
		t.Errorf("Plain keeps %d characters", n)
	}
}

// TestCompareLink holds that a link is made from verified commits on a host of
// a known kind, and from nothing else.
func TestCompareLink(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, c := range []struct{ source, from, to, want string }{
		{"https://github.com/acme/shop", a, b, "https://github.com/acme/shop/compare/" + a + "..." + b},
		{"https://gitlab.com/acme/shop", a, b, "https://gitlab.com/acme/shop/-/compare/" + a + "..." + b},
		{"https://evil.example/x", a, b, ""},
		{"https://github.com/acme/shop) [x](https://evil.example", a, b, ""},
		{"javascript:alert(1)", a, b, ""},
		{"https://github.com/acme/shop", "main", b, ""},
		{"https://github.com/acme/shop", a, a, ""},
	} {
		l := letter(plan("1.1.0", "waits"))
		l.From, l.To = promoter.Origin{Source: c.source, Revision: c.from}, promoter.Origin{Source: c.source, Revision: c.to}
		body := prose.Proposal{}.Body(l)
		if linked := strings.Contains(body, "](") && !inCode(body, "]("); linked != (c.want != "") || !strings.Contains(body, c.want) {
			t.Errorf("from %s: %s", c.source, body)
		}
	}
}
