package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
)

// view is one repository's part of the page. It is made once and never
// changed, and every foreign text in it has gone through [prose.Plain].
type view struct {
	Repository string
	Head       string
	Looked     time.Time
	Rows       []row
	Stops      []stop
	Problems   []string
	Silent     []silence
	// plans are the look's plans, each as JSON.
	plans []json.RawMessage
}

// row is an artifact on its way through the waves.
type row struct {
	Promotion, Artifact, Image string
	Owners                     string
	Waves                      []wave
}

// add puts a card at the end, in a new wave if it is of another one.
func (r *row) add(c card) {
	if n := len(r.Waves); n == 0 || r.Waves[n-1].Name != c.Wave {
		r.Waves = append(r.Waves, wave{Name: c.Wave})
	}
	last := &r.Waves[len(r.Waves)-1]
	last.Cards = append(last.Cards, c)
}

type wave struct {
	Name  string
	Cards []card
}

// card is an artifact in an environment.
type card struct {
	Environment, Artifact, Promotion, Wave string
	Repository, Href                       string

	Phase     promoter.Phase
	Class     string
	Current   version
	Candidate version
	// Moves says that the candidate is another version than the current one.
	Moves bool

	// Why is the first verdict that is not a pass; nil if every gate passes.
	Why      *verdict
	Next     string
	Proposal link
	Behind   string
	Skipped  []string

	Verdicts []verdict
	Health   []health
	History  []moment
	Places   []string
	Evidence []proof
	Problem  string
}

// InGit is what Git names here, in a word.
func (c card) InGit() string {
	switch {
	case c.Current.Tag != "" || c.Current.Short != "":
		return c.Current.Name()
	case c.Phase == promoter.PhaseUnknown:
		return "not known"
	}
	return "nothing"
}

type version struct{ Tag, Short, Digest, Platforms, Revision, Source string }

// Name is the tag, or the digest of a version without one.
func (v version) Name() string {
	switch {
	case v.Tag != "":
		return v.Tag
	case v.Short != "":
		return v.Short
	}
	return "nothing"
}

type verdict struct {
	Gate, Answer, Reason, Owner string
	Until                       time.Time
}

type health struct {
	Name, State, Reason, Source string
	Since                       time.Time
}

// moment is a line of a lane's history.
type moment struct {
	At            time.Time
	What, Version string
}

type proof struct {
	Kind, Digest, Outcome, By, Reason string
	At                                time.Time
}

type link struct{ Name, URL string }

// stop is a pause or a hold in force, with the words that end it.
type stop struct {
	Kind, Name, URL, What, Ends string
	Since, Until                time.Time
}

type silence struct{ Source, Why string }

// model turns a look into what the page shows.
func model(v loop.View, forge func(string) string) view {
	m := view{Repository: prose.Plain(v.Repository), Looked: v.Now.UTC(), Head: v.Head.Short()}
	known := map[gitops.Lane]promoter.Lane{}
	for _, lanes := range v.Lanes {
		for _, k := range lanes {
			known[k.Lane] = k
		}
	}
	routes := map[string]promoter.Route{}
	for _, r := range v.Routes {
		routes[r.Artifact] = r
	}
	for _, p := range v.Plans {
		if b, err := json.Marshal(p); err == nil {
			m.plans = append(m.plans, b)
		} else {
			m.Problems = append(m.Problems, prose.Plain("the plan of "+p.Artifact+" cannot be written as JSON: "+err.Error()))
		}
		r := row{
			Promotion: prose.Plain(p.Promotion), Artifact: prose.Plain(p.Artifact),
			Image: prose.Plain(routes[p.Artifact].Image), Owners: plainList(routes[p.Artifact].Owners),
		}
		for _, l := range p.Lanes {
			c := makeCard(p, l, known[l.Lane], forge)
			m.Stops = append(append(m.Stops, holds(c)...), ordered(l, c)...)
			r.add(c)
		}
		m.Rows = append(m.Rows, r)
	}
	m.Stops = append(pauses(v.Pauses, v.Now), m.Stops...)
	for _, p := range v.Problems {
		m.Problems = append(m.Problems, prose.Plain(p))
	}
	for _, source := range slices.Sorted(maps.Keys(v.Silent)) {
		m.Silent = append(m.Silent, silence{Source: prose.Plain(source), Why: prose.Plain(v.Silent[source])})
	}
	return m
}

func makeCard(p promoter.Plan, l promoter.LanePlan, k promoter.Lane, forge func(string) string) card {
	c := card{
		Environment: prose.Plain(l.Lane.Environment), Artifact: prose.Plain(l.Lane.Artifact),
		Promotion: prose.Plain(p.Promotion), Wave: prose.Plain(l.Wave), Repository: prose.Plain(l.Lane.Repository),
		Href:  "/lane/" + url.PathEscape(l.Lane.Environment) + "/" + url.PathEscape(l.Lane.Artifact),
		Phase: l.Phase, Current: makeVersion(l.Current), Candidate: makeVersion(l.Candidate),
		Moves:  l.Candidate.Digest != "" && l.Candidate.Digest != l.Current.Digest,
		Behind: prose.Plain(l.Behind), Problem: prose.Plain(k.Desired.Problem),
	}
	if l.Class != gate.Promotion {
		c.Class = prose.Plain(string(l.Class))
	}
	for _, v := range l.Verdicts {
		c.Verdicts = append(c.Verdicts, makeVerdict(v))
	}
	if v, ok := gate.First(l.Verdicts); ok {
		first := makeVerdict(v)
		c.Why = &first
	}
	for _, s := range l.Skipped {
		c.Skipped = append(c.Skipped, prose.Plain(s))
	}
	c.Proposal = proposal(l.Proposal, k, forge)
	c.Next = next(l)
	c.Places = places(k.Desired)
	c.History = history(k, l)
	c.Health = makeHealth(k.Facts)
	c.Evidence = evidence(k.Facts, l)
	return c
}

func makeVersion(v signals.Version) version {
	return version{
		Tag: prose.Plain(v.Tag), Short: prose.Plain(v.Digest.Short()), Digest: prose.Plain(string(v.Digest)),
		Platforms: plainList(v.Platforms), Revision: prose.Plain(v.Revision), Source: prose.Plain(v.Source),
	}
}

func makeVerdict(v gate.Verdict) verdict {
	return verdict{
		Gate: prose.Plain(v.Gate), Answer: v.Answer.String(), Reason: prose.Plain(v.Reason),
		Owner: prose.Plain(v.Owner), Until: v.Until.UTC(),
	}
}

// next says whose turn it is.
func next(l promoter.LanePlan) string {
	first, waits := gate.First(l.Verdicts)
	switch {
	case waits && first.Owner != "":
		return prose.Plain(first.Owner)
	case l.Change != nil:
		return "Waveguide: " + prose.Plain(l.Change.String())
	case waits && !first.Until.IsZero():
		return "nobody: it changes by itself"
	case waits:
		return "not known"
	case !waits && l.Proposal != "" && len(l.Verdicts) > 0:
		return "whoever may merge: every gate passes"
	}
	return ""
}

func proposal(id string, k promoter.Lane, forge func(string) string) link {
	if id == "" {
		return link{}
	}
	l := link{Name: prose.Plain(id)}
	if forge != nil {
		l.URL = web(forge(id))
	}
	for _, p := range k.Proposals {
		if p.ID == id && l.URL == "" {
			l.URL = web(p.URL)
		}
	}
	return l
}

// web is the address if it leads to a web page, and nothing otherwise.
func web(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

func places(d gitops.Desired) []string {
	var all []string
	for _, p := range d.Places {
		all = append(all, fmt.Sprintf("%s:%d", prose.Plain(p.File), p.Line))
	}
	return all
}

// history is what the lane had, newest first.
func history(k promoter.Lane, l promoter.LanePlan) []moment {
	tags := map[signals.Digest]string{}
	for _, left := range k.Desired.Left {
		tags[signals.Digest(left.Version.Digest)] = left.Version.Tag
	}
	tags[l.Candidate.Digest], tags[l.Current.Digest] = l.Candidate.Tag, l.Current.Tag
	name := func(d signals.Digest) string {
		return prose.Plain(signals.Version{Tag: tags[d], Digest: d}.String())
	}
	var all []moment
	for _, e := range k.Facts.Earned {
		what := "earned"
		if e.Adopted {
			what = "adopted: there before Waveguide"
		}
		all = append(all, moment{At: e.At.UTC(), What: what, Version: name(e.Digest)})
	}
	for _, left := range k.Desired.Left {
		what := "left"
		if left.Reverted {
			what = "left by going back"
		}
		all = append(all, moment{At: left.At.UTC(), What: what, Version: name(signals.Digest(left.Version.Digest))})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return b.At.Compare(a.At) })
	return all
}

func makeHealth(f signals.Facts) []health {
	var all []health
	for _, h := range f.Health {
		state := string(h.State)
		if h.State == signals.StateUnknown {
			state = "unknown"
		}
		all = append(all, health{
			Name: prose.Plain(h.Name), State: prose.Plain(state), Reason: prose.Plain(h.Reason),
			Source: prose.Plain(h.Source), Since: h.Since.UTC(),
		})
	}
	return all
}

func evidence(f signals.Facts, l promoter.LanePlan) []proof {
	var all []proof
	for _, p := range f.Proofs {
		if p.Digest != l.Candidate.Digest && p.Digest != l.Current.Digest {
			continue
		}
		outcome := string(p.Outcome)
		if outcome == "" {
			outcome = "unknown"
		}
		all = append(all, proof{
			Kind: prose.Plain(string(p.Kind)), Digest: prose.Plain(p.Digest.Short()), Outcome: prose.Plain(outcome),
			By: prose.Plain(p.By), Reason: prose.Plain(p.Reason), At: p.Signed.UTC(),
		})
	}
	return all
}

func plainList(list []string) string { return prose.Plain(strings.Join(list, ", ")) }
