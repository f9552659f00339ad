package promoter

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Pin keeps a lane at one version until a time: no other one is promoted into
// it. It passes no gate, and moves nothing back.
type Pin struct {
	// Version is a tag or a digest. It is empty where somebody asked for a pin
	// and the words are gone: then nothing is promoted.
	Version string    `json:"version,omitempty"`
	Until   time.Time `json:"until"`
	By      string    `json:"by"`
	Reason  string    `json:"reason,omitempty"`
	// Rule is the document that says it, Proposal where the comment stands.
	Rule     string `json:"rule,omitempty"`
	Proposal string `json:"proposal,omitempty"`
}

// pinning is a pin in force with the version that it names, if anybody knows it.
type pinning struct {
	Pin

	version signals.Version
}

// String says the pin in one line, with the words that end it.
func (p Pin) String() string { return p.what() + "; " + p.ends() }

func (p Pin) what() string {
	if p.Version == "" {
		return fmt.Sprintf("pinned until %s by a comment on proposal %s that was edited or deleted: nobody knows to which version", instant(p.Until), p.Proposal)
	}
	why := ""
	if p.Reason != "" {
		why = " (" + p.Reason + ")"
	}
	return fmt.Sprintf("pinned to %s by %s until %s%s", p.Version, p.By, instant(p.Until), why)
}

func (p Pin) ends() string {
	if p.Rule != "" {
		return "a change of " + p.Rule + " ends it"
	}
	return "/waveguide unpin ends it"
}

// pin finds the pin in force in a lane and the version that it names: the rules
// go before comments, and of those the newest counts.
func (d *decision) pin(at *site) {
	p := at.stop.Pinned
	if p == nil || !d.snapshot.Now.Before(p.Until) {
		p = at.ordered()
	}
	if p == nil || !d.snapshot.Now.Before(p.Until) {
		return
	}
	at.pin = &pinning{Pin: *p, version: d.versions.named(p.Version)}
	if p.Version != "" && (p.Version == at.current.Tag || p.Version == string(at.current.Digest)) {
		at.pin.version = at.current
	}
}

// ordered is the pin that people's newest word about the lane asks for.
func (at *site) ordered() *Pin {
	var last *gitops.Given
	for i := range at.known.Orders {
		o := &at.known.Orders[i]
		if o.Word != gitops.CommandPin && o.Word != gitops.CommandUnpin {
			continue
		}
		// What was said at the same instant elsewhere counts if it stops.
		if last == nil || o.At.After(last.At) || o.At.Equal(last.At) && (o.ID == last.ID || o.Word == gitops.CommandPin) {
			last = o
		}
	}
	if last == nil || last.Word == gitops.CommandUnpin {
		return nil
	}
	return &Pin{Version: last.Version, Until: last.Until, By: last.By.Name, Proposal: last.ID}
}

// elsewhere says why a version must not enter a lane that is pinned: it is
// another one, or the pin names an older one than what is there.
func (d *decision) elsewhere(at *site, v signals.Version, class gate.Class) string {
	switch {
	case at.pin == nil || class == gate.Rollback:
		return ""
	case v.Digest != at.pin.version.Digest:
		return at.pin.String()
	case d.versions.older(v, at.current):
		return fmt.Sprintf("%s, which is older than %s, which is there now: a pin goes back nowhere; %s", at.pin.what(), at.current, at.pin.ends())
	}
	return ""
}

// unnamed says that nobody knows the version that the lane is pinned to.
func (at *site) unnamed() string {
	switch {
	case at.pin.version.Digest != "":
		return ""
	case at.pin.Version == "":
		return at.pin.String()
	}
	return at.pin.what() + ", which no selected tag names; " + at.pin.ends()
}

// aside puts beside a lane's plan what people ordered there.
func (d *decision) aside(at *site, l *LanePlan) {
	if at.pin == nil {
		return
	}
	l.Pin = &at.pin.Pin
	if at.wave != 0 || l.Behind != "" {
		return
	}
	if newest, _ := d.versions.newest(); d.versions.older(at.pin.version, newest) {
		l.Behind = newest.String()
	}
}

// named is the version with that tag or digest, as the registry has it now.
func (c catalogue) named(version string) signals.Version {
	for _, v := range c.standing {
		if version != "" && (v.Tag == version || string(v.Digest) == version) {
			return v
		}
	}
	return signals.Version{}
}
