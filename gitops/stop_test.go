package gitops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
)

var (
	t0   = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	eve  = gitops.Actor{Name: "eve", Permission: gitops.PermissionTriage}
	ada  = gitops.Actor{Name: "ada", Permission: gitops.PermissionWrite}
	ci   = gitops.Actor{Name: "ci", Permission: gitops.PermissionWrite, Bot: true}
	nemo = gitops.Actor{Name: "nemo"}
	bot  = gitops.Actor{Name: "bot", Permission: gitops.PermissionWrite, Bot: true}
)

// told turns lines such as "eve label waveguide/hold" into events, a minute
// apart.
func told(lines ...string) []gitops.Event {
	who := map[string]gitops.Actor{"eve": eve, "ada": ada, "ci": ci, "nemo": nemo, "bot": bot}
	var out []gitops.Event
	for i, line := range lines {
		w := strings.SplitN(line, " ", 3)
		e := gitops.Event{ID: fmt.Sprint(i), By: who[w[0]], At: t0.Add(time.Duration(i) * time.Minute)}
		switch w[1] {
		case "label":
			e.Kind, e.Label = gitops.Labelled, w[2]
		case "unlabel":
			e.Kind, e.Label = gitops.Unlabelled, w[2]
		case "says":
			e.Kind, e.Text = gitops.Commented, w[2]
		case "calls":
			e.Kind = gitops.Retitled
			e.Was, e.Text, _ = strings.Cut(w[2], " => ")
		case "closes":
			e.Kind = gitops.Ended
		case "reopens":
			e.Kind = gitops.Reopened
		}
		out = append(out, e)
	}
	return out
}

// summary is a standing in one line.
func summary(s gitops.Standing) string {
	var out []string
	for _, x := range s.Stops {
		out = append(out, "stop "+x.Label+" by "+x.By.Name)
	}
	for _, m := range s.Mends {
		out = append(out, strings.TrimSpace(string(m.Kind)+" "+m.Value))
	}
	for _, r := range s.Replies {
		out = append(out, "reply "+r.Key)
	}
	for _, g := range s.Given {
		out = append(out, string(g.Word)+" by "+g.By.Name)
	}
	return strings.Join(out, ", ")
}

func TestHolds(t *testing.T) {
	t.Parallel()
	const hold, prow = gitops.LabelHold, gitops.LabelHoldProw
	for _, c := range []struct {
		name   string
		labels []string
		events []string
		want   string
	}{
		{"nothing", nil, nil, ""},
		{"a label", []string{hold}, []string{"eve label " + hold}, "stop " + hold + " by eve"},
		{"a label of Prow", []string{prow}, []string{"eve label " + prow}, "stop " + prow + " by eve"},
		{"a label nobody tells of", []string{hold}, nil, "stop " + hold + " by "},
		{"released", nil, []string{"eve label " + hold, "ada unlabel " + hold}, ""},
		{"released, and the list is stale", []string{hold}, []string{"eve label " + hold, "ada unlabel " + hold}, "stop " + hold + " by "},
		{"taken off without the right", nil, []string{"ada label " + hold, "eve unlabel " + hold}, "stop " + hold + " by ada, put-label " + hold + ", reply 1"},
		{"by one's own hand without the right", nil, []string{"eve label " + hold, "eve unlabel " + hold}, "stop " + hold + " by eve, put-label " + hold + ", reply 1"},
		{"taken off by another program", nil, []string{"ada label " + hold, "ci unlabel " + hold}, "stop " + hold + " by ada, put-label " + hold + ", reply 1"},
		{"taken off by who cannot be read", nil, []string{"ada label " + hold, "nemo unlabel " + hold}, "stop " + hold + " by ada"},
		{"put back", []string{hold}, []string{"ada label " + hold, "eve unlabel " + hold, "bot label " + hold}, "stop " + hold + " by ada, reply 1"},
		{"again and again", []string{hold}, []string{"ada label " + hold, "eve unlabel " + hold, "bot label " + hold, "eve unlabel " + hold, "bot label " + hold, "ci unlabel " + hold, "bot label " + hold}, "stop " + hold + " by ada, reply 1, reply 5"},
		{"put back and answered", []string{hold}, []string{"ada label " + hold, "eve unlabel " + hold, "bot label " + hold, "bot says " + gitops.AnswerText("1", "no")}, "stop " + hold + " by ada"},
		{"answered by a forger", []string{hold}, []string{"ada label " + hold, "eve unlabel " + hold, "bot label " + hold, "eve says " + gitops.AnswerText("1", "no")}, "stop " + hold + " by ada, reply 1"},
		{"put back, then released", nil, []string{"ada label " + hold, "eve unlabel " + hold, "bot label " + hold, "ada unlabel " + hold}, "reply 1"},
		{"a word", nil, []string{"eve says /hold mine"}, "stop " + hold + " by eve, put-label " + hold},
		{"a word with its label", []string{hold}, []string{"eve says /hold mine", "bot label " + hold}, "stop " + hold + " by eve"},
		{"a word whose label the list does not show yet", nil, []string{"eve says /hold mine", "bot label " + hold}, "stop " + hold + " by eve, put-label " + hold},
		{"a label that was deleted everywhere", nil, []string{"eve label " + hold}, "stop " + hold + " by eve, put-label " + hold},
		{"a word taken back", []string{hold}, []string{"eve says /hold mine", "bot label " + hold, "ada says /unhold"}, "take-label " + hold},
		{"a word taken back, done", nil, []string{"eve says /hold mine", "bot label " + hold, "ada says /unhold", "bot unlabel " + hold}, ""},
		{"taken back without the right", []string{hold}, []string{"ada label " + hold, "eve says /hold cancel"}, "stop " + hold + " by ada, reply 1#0"},
		{"taken back by who cannot be read", []string{hold}, []string{"ada label " + hold, "nemo says /unhold"}, "stop " + hold + " by ada"},
		{"held again after a release", []string{hold}, []string{"eve label " + hold, "ada says /unhold", "eve says /hold again"}, "stop " + hold + " by eve"},
		{"both labels, one released", []string{prow}, []string{"eve label " + hold, "eve label " + prow, "ada unlabel " + hold}, "stop " + prow + " by eve"},
		{"a program's comment commands nothing", nil, []string{"ci says /hold"}, ""},
		{"commands", nil, []string{"ada says /waveguide retry", "eve says /waveguide retry", "eve says /waveguide rebase", "eve says /waveguide fly"}, "reply 1#0, reply 3#0, retry by ada, rebase by eve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := gitops.Proposal{ID: "7", State: gitops.Open, Events: told(c.events...), Labels: labelled(c.labels)}
			if got := summary(gitops.Holds(p, "bot", nil)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			p.State = gitops.Closed
			if s := gitops.Holds(p, "bot", nil); len(s.Mends) != 0 {
				t.Errorf("mends of a closed proposal: %+v", s.Mends)
			}
		})
	}
}

func labelled(names []string) []gitops.Label {
	var out []gitops.Label
	for _, n := range names {
		out = append(out, gitops.Label{Name: n})
	}
	return out
}

func TestStands(t *testing.T) {
	t.Parallel()
	const l, a, ab = "eve label " + gitops.LabelPause, "env:a", "env:a env:b"
	past := "env:a until:2026-11-21T08:05Z"
	for _, c := range []struct {
		name   string
		title  string
		closed bool
		bare   bool // the label is not there now
		events []string
		want   string // the title in force, then what to do
	}{
		{"a pause", a, false, false, []string{l}, a},
		{"a label nobody tells of", a, false, false, nil, a},
		{"an issue without the label", a, false, true, nil, "-"},
		{"closed with the right", a, true, false, []string{l, "ada closes"}, "-"},
		{"closed by us", a, true, false, []string{l, "bot closes"}, "-"},
		{"closed without the right", a, true, false, []string{l, "eve closes"}, a + ", reopen, reply 1"},
		{"closed by another program", a, true, false, []string{l, "ci closes"}, a + ", reopen, reply 1"},
		{"closed by who cannot be read", a, true, false, []string{l, "nemo closes"}, a},
		{"closed, and nobody tells by whom", a, true, false, []string{l}, a},
		{"closed and mended", a, false, false, []string{l, "eve closes", "bot reopens"}, a + ", reply 1"},
		{"closed twice", a, true, false, []string{l, "eve closes", "bot reopens", "ada closes"}, "-, reply 1"},
		{"opened again", a, false, false, []string{l, "ada closes", "eve reopens"}, a},
		{"labelled when it was closed", a, true, false, []string{"ada closes", l}, "-"},
		{"labelled when it was closed, then opened", a, false, false, []string{"ada closes", l, "eve reopens"}, a},
		{"unlabelled with the right", a, false, true, []string{l, "ada unlabel " + gitops.LabelPause}, "-"},
		{"unlabelled without", a, false, true, []string{l, "eve unlabel " + gitops.LabelPause}, a + ", put-label " + gitops.LabelPause + ", reply 1"},
		{"narrowed without", a, false, false, []string{l, "eve calls " + ab + " => " + a}, ab + ", retitle " + ab + ", reply 1"},
		{"narrowed with", a, false, false, []string{l, "ada calls " + ab + " => " + a}, a},
		{"widened", ab, false, false, []string{l, "eve calls " + a + " => " + ab}, ab},
		{"widened to what nobody understands", "foo:bar", false, false, []string{l, "eve calls " + a + " => foo:bar"}, "foo:bar, reply title foo:bar"},
		{"narrowed by a tale", "something else env:a", false, false, []string{l, "eve calls stop => something else env:a"}, "stop, retitle stop, reply 1"},
		{"named before it paused", a, false, false, []string{"eve calls " + ab + " => " + a, l}, a},
		{"an end set without the right", past, false, false, []string{l, "eve calls " + a + " => " + past}, a + ", retitle " + a + ", reply 1"},
		{"over", past, false, false, []string{l}, "-"},
		{"closed by anybody when it was over", past, true, false, []string{l, "bot says x", "bot says x", "bot says x", "bot says x", "eve closes"}, "-"},
		{"closed by anybody before", "env:a until:2026-11-23T08:00Z", true, false, []string{l, "eve closes"}, "env:a until:2026-11-23T08:00Z, reopen, reply 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := gitops.Issue{ID: "#7", Title: c.title, State: gitops.Open, Author: eve, Opened: t0, Events: told(c.events...)}
			if c.closed {
				i.State = gitops.Closed
			}
			if !c.bare {
				i.Labels = labelled([]string{gitops.LabelPause})
			}
			p, in, s := gitops.Stands(i, "bot", t0.Add(time.Hour), nil)
			s.Stops = nil
			got := "-"
			if in {
				got = p.Title
				if p.By.Name != "eve" || p.Since.IsZero() {
					t.Errorf("pause = %+v", p)
				}
			}
			if rest := summary(s); rest != "" {
				got += ", " + rest
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if _, in, _ := gitops.Stands(gitops.Issue{ID: "#7", State: gitops.Closed, Unread: "503", Labels: labelled([]string{gitops.LabelPause})}, "bot", t0, nil); !in {
		t.Error("an issue that could not be read does not pause")
	}
}

// TestNobodyWithoutTheRightEndsAStop is the law behind the tables: whatever
// people without the right do after a stop, it stands.
func TestNobodyWithoutTheRightEndsAStop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		deeds := []string{
			"label " + gitops.LabelHold, "unlabel " + gitops.LabelHold, "label " + gitops.LabelPause, "unlabel " + gitops.LabelPause,
			"says /unhold", "says /hold cancel", "says /hold", "closes", "reopens", "says " + gitops.AnswerText("1", "x"),
			"calls env:prod => env:dev", "calls env:prod => until:2026-11-21T08:00Z", "calls env:dev => x",
		}
		line := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"eve", "ci", "nemo"}).Draw(t, "who") + " " + rapid.SampledFrom(deeds).Draw(t, "deed")
		})
		lines := append([]string{"ada label " + gitops.LabelHold, "ada label " + gitops.LabelPause}, rapid.SliceOfN(line, 0, 12).Draw(t, "lines")...)
		present := rapid.Bool().Draw(t, "present")
		var labels []gitops.Label
		if present {
			labels = labelled([]string{gitops.LabelHold, gitops.LabelPause})
		}
		p := gitops.Proposal{State: gitops.Open, Labels: labels, Events: told(lines...)}
		if s := gitops.Holds(p, "bot", nil); len(s.Stops) == 0 || s.Stops[0].By.Name != "ada" {
			t.Fatalf("the hold is gone: %+v", s)
		}
		i := gitops.Issue{Title: "env:prod", State: gitops.Closed, Labels: labels, Events: told(lines...)}
		lane := gitops.Lane{Environment: "prod"}
		if pause, in, _ := gitops.Stands(i, "bot", t0.Add(time.Hour), nil); !in || !pause.Covers(lane, "w", t0.Add(time.Hour)) {
			t.Fatalf("the pause is gone: %+v, %t", pause, in)
		}
	})
}

func TestWidens(t *testing.T) {
	t.Parallel()
	titles := []string{"", "env:a", "env:b", "env:a env:b", "env:* wave:x", "artifact:a", "env:a artifact:a", "until:2026-11-21T08:00Z", "env:a until:2026-11-22T08:00Z", "oops:1", "scope:all"}
	lanes := []gitops.Lane{{Environment: "a", Artifact: "a"}, {Environment: "b", Artifact: "a"}, {Environment: "a", Artifact: "b"}}
	for _, wide := range titles {
		for _, narrow := range titles {
			w, n := gitops.ParsePause(wide), gitops.ParsePause(narrow)
			if !w.Widens(n) {
				if wide == narrow {
					t.Errorf("%q does not widen itself", wide)
				}
				continue
			}
			for _, l := range lanes {
				for _, at := range []time.Time{t0.Add(-time.Hour), t0.Add(time.Hour), t0.Add(48 * time.Hour)} {
					if n.Covers(l, "p/x", at) && !w.Covers(l, "p/x", at) {
						t.Errorf("%q is said to widen %q, and lets %s through", wide, narrow, l)
					}
				}
			}
		}
	}
}

func TestLabelsNowAndObserve(t *testing.T) {
	t.Parallel()
	events := told("eve label a", "ada unlabel a", "ada label a", "nemo label b")
	got := gitops.LabelsNow([]string{"b", "a", "a"}, events)
	if len(got) != 2 || got[0].By.Name != "ada" || got[1].By.Name != "nemo" {
		t.Errorf("labels = %+v", got)
	}
	seen := map[string]gitops.Permission{"0": gitops.PermissionWrite}
	now, keep := gitops.Observe(events, seen)
	if now[0].By.Permission != gitops.PermissionWrite || events[0].By.Permission != gitops.PermissionTriage || len(keep) != 3 {
		t.Errorf("observed = %+v, kept %v", now, keep)
	}
	later := slices.Clone(events)
	later[0].By.Permission = gitops.PermissionAdmin
	if now, _ = gitops.Observe(later, keep); now[0].By.Permission != gitops.PermissionWrite {
		t.Errorf("a permission that came later counts: %+v", now[0])
	}
}
