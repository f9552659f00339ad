package law

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// order is a word about the pin of a lane by somebody with the right; it ends
// one if it names no version.
type order struct {
	event int
	pin   world.Pin
}

// orders are the newest words about the pins of lanes.
type orders map[gitops.Lane]order

// hear takes in the words below a proposal.
func (o orders) hear(p gitops.Proposal) {
	if p.Author.Name != world.Bot {
		return
	}
	lane := world.Lane(p.Lane.Environment, p.Lane.Artifact)
	for _, e := range p.Events {
		said, ok := ordered(lane, e)
		if ok && said.event > o[lane].event {
			o[lane] = said
		}
	}
}

// ordered reads a comment as the manual has it written.
func ordered(lane gitops.Lane, e gitops.Event) (order, bool) {
	if e.Kind != gitops.Commented || e.By.Bot || !e.By.Permission.Releases() {
		return order{}, false
	}
	id, _ := strconv.Atoi(e.ID) // an event of the model is a number
	words := strings.Fields(e.Text)
	switch {
	case len(words) == 2 && words[0] == "/waveguide" && words[1] == "unpin":
		return order{event: id, pin: world.Pin{Lane: lane}}, true
	case len(words) == 5 && words[0] == "/waveguide" && words[1] == "pin":
		until, err := time.Parse("2006-01-02T15:04Z", words[4])
		return order{event: id, pin: world.Pin{Lane: lane, Version: words[2], Until: until, By: e.By.Name}}, err == nil && until.After(e.At)
	}
	return order{}, false
}

// Words notes what people said below a proposal that the process was shown.
func (s *Seen) Words(p gitops.Proposal) {
	s.orders.hear(p)
	s.clocks.orders.hear(p)
	s.hearEmergencies(p)
}

// pin is the one that is in force in a lane, for all that the process may know,
// and whether a comment asked for it.
func (j *judge) pin(lane gitops.Lane) (p world.Pin, commented, ok bool) {
	if i := slices.IndexFunc(j.seen.spec.Pins, func(p world.Pin) bool { return p.Lane == lane }); i >= 0 {
		p = j.seen.spec.Pins[i]
		over := j.seen.always(j.deed.At, func(now time.Time) bool { return !now.Before(p.Until.Add(fresh)) })
		if !over {
			return p, false, j.inForce(p)
		}
	}
	// Whoever had the store before may have been told of a later word.
	last := j.seen.orders[lane]
	if last != j.seen.clocks.orders[lane] || last.pin.Version == "" {
		return p, false, false
	}
	return last.pin, true, j.inForce(last.pin)
}

func (j *judge) inForce(p world.Pin) bool {
	return j.seen.always(j.deed.At, func(now time.Time) bool { return now.Before(p.Until) })
}

// pinned holds that nothing but what a pin names enters its lane, and that a pin
// goes back nowhere.
func (j *judge) pinned(lane gitops.Lane, v, was gitops.Version) {
	p, _, ok := j.pin(lane)
	switch {
	case !ok:
	case !p.Names(v):
		j.say("pinned", "%s is pinned to %.19s until %s by %s, and %s enters", lane, p.Version, p.Until.Format(time.TimeOnly), p.By, v.Tag)
	case world.Older(v.Tag, was.Tag):
		j.say("pinned", "%s is pinned to %.19s, which is older than %s", lane, p.Version, was.Tag)
	}
}

// pinner is who had the version pinned by a comment, which is to have caused it.
func (j *judge) pinner() string {
	if p, commented, ok := j.pin(world.Lane(j.deed.Lane.Environment, j.deed.Lane.Artifact)); ok && commented && p.Names(j.version()) {
		return p.By
	}
	return ""
}

// tagged says that the registry said that a tag names a digest.
func (j *judge) tagged(artifact string, v gitops.Version) bool {
	return slices.ContainsFunc(j.seen.versions[artifact].what, func(o signals.Version) bool { return o.Tag == v.Tag && string(o.Digest) == v.Digest })
}
