package promoter_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

var update = flag.Bool("update", false, "write the golden parts of the stories")

// TestStories plays every story of testdata/story: the rules are its file
// named rules, its words are in [words], and cmp compares what plan printed.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/story", UpdateScripts: *update, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Values["story"] = &story{dir: e.WorkDir}
			return nil
		},
		Cmds: commands(),
	})
}

// TestStoryPerGate holds that every gate's word has a story of its name.
func TestStoryPerGate(t *testing.T) {
	t.Parallel()
	for word := range strings.FieldsSeq(`version signature provenance sbom vulnerabilities tests summary age previous soak health alerts
		drift requires pause lock policy window freeze hold approval checks`) {
		if !fileExists("testdata/story/" + word + ".txtar") {
			t.Errorf("gate %s has no story testdata/story/%s.txtar", word, word)
		}
	}
}

// story is the state of one story: the model is made from the rules at the
// first word.
type story struct {
	dir string
	m   *model
}

// words are what can happen in a story.
var words = map[string]func(m *model, args []string) error{
	"at":          func(m *model, a []string) error { return m.travel(a, m.until) },
	"run":         func(m *model, a []string) error { return m.travel(a, m.run) },
	"everyone":    everyone,
	"version":     version,
	"proof":       proof,
	"desire":      desire,
	"runs":        runs,
	"healthy":     health(signals.StateHealthy),
	"unhealthy":   health(signals.StateUnhealthy),
	"nodata":      health(signals.StateUnknown),
	"progressing": health(signals.StateProgressing),
	"plainly":     plainly,
	"gap":         gap,
	"vouches":     vouches,
	"asked":       asked,
	"ahead":       ahead,
	"unseen":      unseen,
	"drifts":      drifts,
	"direct":      direct,
	"need":        need,
	"merge":       merge,
	"close":       closing,
	"forgive":     forgive,
	"approve":     review(gitops.Approved),
	"object":      review(gitops.ChangesRequested),
	"label":       label,
	"unlabel":     unlabel,
	"edited":      edited,
	"behind":      behind,
	"check":       check,
	"pause":       pause,
	"killall":     killall,
	"resume":      func(m *model, _ []string) error { m.s.World.Pauses = nil; return nil },
	"registry":    registry,
	"order":       order,
	"judge":       judge,
}

func commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	cmds := map[string]func(ts *testscript.TestScript, neg bool, args []string){}
	for name, do := range words {
		cmds[name] = func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(do(begin(ts), args))
		}
	}
	cmds["plan"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		m := begin(ts)
		_, err := fmt.Fprint(ts.Stdout(), m.decide())
		ts.Check(err)
		for _, line := range m.judged {
			fmt.Fprintln(ts.Stdout(), line)
		}
		m.judged = nil
	}
	cmds["apply"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		m := begin(ts)
		p := m.decide()
		for _, l := range p.Lanes {
			if l.Change != nil {
				_, err := fmt.Fprintln(ts.Stdout(), l.Change)
				ts.Check(err)
			}
		}
		m.apply(p)
	}
	return cmds
}

// begin is the story's model.
func begin(ts *testscript.TestScript) *model {
	s, _ := ts.Value("story").(*story)
	if s.m == nil {
		r, err := parseRules(ts.ReadFile("rules"))
		ts.Check(err)
		s.m = newModel(r)
	}
	return s.m
}

// travel goes to a time after the beginning, written as a duration, or to an
// instant.
func (m *model) travel(a []string, do func(time.Time)) error {
	if len(a) != 1 {
		return fmt.Errorf("want one time")
	}
	to, err := time.Parse(time.RFC3339, a[0])
	if err != nil {
		d, err := time.ParseDuration(a[0])
		if err != nil {
			return err
		}
		to = began.Add(d)
	}
	if to.Before(m.s.Now) {
		return fmt.Errorf("%s is in the past", a[0])
	}
	do(to)
	return nil
}

// everyone TAG: the version exists and every environment is at it.
func everyone(m *model, a []string) error {
	m.version(a[0], digestOf(a[0]))
	for i := range m.s.Lanes {
		m.move(&m.s.Lanes[i], gitops.Version{Tag: a[0], Digest: string(digestOf(a[0]))})
	}
	return nil
}

// version TAG [like=TAG] [unsigned] [unread] [copied] [incomplete] [arm].
func version(m *model, a []string) error {
	d := digestOf(a[0])
	for _, w := range a[1:] {
		if like, ok := strings.CutPrefix(w, "like="); ok {
			d = digestOf(like)
		}
		if build, ok := strings.CutPrefix(w, "build="); ok {
			d = digestOf(build)
		}
	}
	m.version(a[0], d)
	v := &m.s.Versions[len(m.s.Versions)-1]
	if slices.Contains(a, "unsigned") {
		m.prove(signals.ProofSignature, d, signals.OutcomeAbsent)
	}
	if slices.Contains(a, "unread") {
		m.prove(signals.ProofSignature, d, signals.OutcomeUnknown)
	}
	if slices.Contains(a, "copied") {
		m.proofs[len(m.proofs)-1].Repository = image
		for i := range m.proofs {
			if m.proofs[i].Kind == signals.ProofSignature && m.proofs[i].Digest == d {
				m.proofs[i].Repository = "registry.example.com/other-team"
			}
		}
	}
	v.Incomplete = slices.Contains(a, "incomplete")
	if slices.Contains(a, "arm") {
		v.Platforms = []string{"linux/arm64"}
	}
	return nil
}

// registry silent WHY, or registry speaks.
func registry(m *model, a []string) error {
	m.s.VersionsUnread = ""
	if a[0] == "silent" {
		m.s.VersionsUnread = strings.Join(a[1:], " ")
	}
	return nil
}

// proof KIND OUTCOME TAG.
func proof(m *model, a []string) error {
	o := signals.Outcome(a[1])
	if a[1] == "unknown" {
		o = signals.OutcomeUnknown
	}
	m.prove(signals.ProofKind(a[0]), digestOf(a[2]), o)
	return nil
}

// desire ENV TAG|absent|unknown, or desire ENV mixed TAG….
func desire(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	switch a[1] {
	case "absent":
		k.Desired = gitops.Desired{Presence: gitops.Absent, Left: k.Desired.Left}
	case "unknown":
		k.Desired = gitops.Desired{Problem: "values.yaml does not parse", Left: k.Desired.Left}
	case "mixed":
		k.Desired.Presence, k.Desired.Places = gitops.Mixed, nil
		for i, tag := range a[2:] {
			k.Desired.Places = append(k.Desired.Places, gitops.Place{
				File: "values.yaml", Line: i + 1, Path: fmt.Sprint(i), Version: gitops.Version{Tag: tag, Digest: string(digestOf(tag))},
			})
		}
	default:
		m.move(k, gitops.Version{Tag: a[1], Digest: string(digestOf(a[1]))})
	}
	return nil
}

// runs ENV TAG|desired.
func runs(m *model, a []string) error {
	delete(m.runs, a[0])
	if a[1] != "desired" {
		m.runs[a[0]] = digestOf(a[1])
	}
	return nil
}

// healthy|unhealthy|nodata ENV [SIGNAL].
func health(s signals.State) func(*model, []string) error {
	return func(m *model, a []string) error {
		name := "probe"
		if len(a) > 1 {
			name = a[1]
		}
		if m.health[a[0]] == nil {
			m.health[a[0]] = map[string]signals.State{}
		}
		m.health[a[0]][name] = s
		return nil
	}
}
