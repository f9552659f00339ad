package dashboard

import (
	"fmt"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// pauses are those in force at now, with what they cover and what ends them.
func pauses(all []gitops.Pause, now time.Time) []stop {
	var in []stop
	for _, p := range all {
		if !p.Until.IsZero() && !now.Before(p.Until) {
			continue
		}
		s := stop{Kind: "pause", Name: prose.Plain(p.ID), URL: web(p.URL), Since: p.Since.UTC(), Until: p.Until.UTC()}
		s.What = "stops " + covers(p)
		if p.By.Name != "" {
			s.What += ", by " + prose.Plain(p.By.Name)
		}
		if p.Title != "" {
			s.What += ": " + prose.Plain(p.Title)
		}
		s.Ends = "whoever set it takes it back where it was set: the rules, the daemon's file or the command line"
		if p.URL != "" {
			s.Ends = "its issue is closed by somebody who may write here"
		}
		in = append(in, s)
	}
	return in
}

// covers says what a pause stops.
func covers(p gitops.Pause) string {
	if len(p.Unread) > 0 {
		return "everything, because nobody understood " + plainList(p.Unread)
	}
	var parts []string
	for _, kind := range []struct {
		word  string
		globs []string
	}{{"environments", p.Environments}, {"waves", p.Waves}, {"artifacts", p.Artifacts}} {
		if len(kind.globs) > 0 {
			parts = append(parts, kind.word+" "+plainList(kind.globs))
		}
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, " and ")
}

// ordered are the pin and the emergency in force in a lane.
func ordered(l promoter.LanePlan, c card) []stop {
	var in []stop
	name := c.Environment + "/" + c.Artifact
	if p := l.Pin; p != nil {
		s := stop{Kind: "pin", Name: name, URL: c.Href, What: prose.Plain(p.String()), Until: p.Until.UTC(), Ends: "somebody with the right comments /waveguide unpin on a proposal of it"}
		if p.Rule != "" {
			s.Ends = "the rules change: " + prose.Plain(p.Rule)
		}
		in = append(in, s)
	}
	if e := l.Emergency; e != nil {
		in = append(in, stop{
			Kind: "emergency", Name: name, URL: c.Href, Since: e.At.UTC(),
			What: fmt.Sprintf("%s for %s, by %s: not asked are %s", prose.Plain(e.Name), prose.Plain(e.Incident), prose.Plain(e.By.Name), strings.Join(l.Class.PassesOver(), ", ")),
			Ends: "its proposal is merged or closed; a review is due until " + e.At.Add(promoter.ReviewDue).UTC().Format("2006-01-02 15:04Z"),
		})
	}
	return in
}

// holds are the lane's verdicts about a hold, in the gate's own words.
func holds(c card) []stop {
	var in []stop
	for _, v := range c.Verdicts {
		if v.Gate == "hold" && v.Answer != "pass" {
			in = append(in, stop{
				Kind: "hold", Name: c.Environment + "/" + c.Artifact, URL: c.Href, What: v.Reason, Until: v.Until,
				Ends: "the label " + gitops.LabelHold + " is taken off the proposal by somebody who may write here",
			})
		}
	}
	return in
}
