package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

// stranger is somebody whom the policy has to refuse.
type stranger struct {
	who  string
	make func() ([]sigstore.Item, error)
}

// strangers are those whom a policy must not take for the honest signer.
func (g *stage) strangers(honest []actor) []stranger {
	out := []stranger{
		{"nobody", func() ([]sigstore.Item, error) { return nil, nil }},
		{"evidence of another digest", func() ([]sigstore.Item, error) {
			return g.play(honest, "sha256:"+strings.Repeat("0", 64), g.image)
		}},
		{"evidence that was tampered with", func() ([]sigstore.Item, error) {
			items, err := g.play(honest, g.digest, g.image)
			for i := range items {
				items[i].Raw = tamper(items[i].Raw)
			}
			return items, err
		}},
		g.as("another key, or another Sigstore", honest, func(a actor) actor {
			if a.key != nil {
				return actor{under: g.foreign, identity: virtual.Identity{Name: "stranger@example.com", Issuer: "https://stranger.example"}}
			}
			a.under = g.foreign
			return a
		}),
	}
	if g.set.Signature != nil && !g.set.Signature.UnsafeUnbound {
		out = append(out, stranger{"evidence for another repository", func() ([]sigstore.Item, error) {
			return g.play(honest, g.digest, g.image+"-stranger")
		}})
	}
	if g.set.Signature != nil && len(g.set.Signature.Annotations) > 0 {
		out = append(out, stranger{"evidence without the annotations", func() ([]sigstore.Item, error) {
			bare, set := *g, *g.set.Signature
			set.Annotations = nil
			bare.set.Signature = &set
			return bare.play(honest, g.digest, g.image)
		}})
	}
	out = append(out, g.intruders(honest)...)
	return append(out, g.near(honest)...)
}

// near are those whose identity is almost that of an honest signer.
func (g *stage) near(honest []actor) (out []stranger) {
	for _, m := range misses() {
		if slices.ContainsFunc(honest, func(a actor) bool { return a.key == nil && m.change(a.identity) != a.identity }) {
			out = append(out, g.as(m.who, honest, func(a actor) actor {
				if a.key == nil {
					a.identity = m.change(a.identity)
				}
				return a
			}))
		}
	}
	return out
}

// as is everything that the policy asks for, signed by a cast that was changed.
func (g *stage) as(who string, honest []actor, change func(a actor) actor) stranger {
	return stranger{who, func() ([]sigstore.Item, error) {
		cast := make([]actor, len(honest))
		for i, a := range honest {
			cast[i] = change(a)
		}
		return g.play(cast, g.digest, g.image)
	}}
}

// intruders sign one kind of evidence that the policy enforces, beside all the
// honest evidence of the other kinds.
func (g *stage) intruders(honest []actor) []stranger {
	var out []stranger
	for _, d := range demands(g.set) {
		for _, kind := range d.kinds {
			if kind != signals.ProofSignature && !g.warns(kind) {
				out = append(out, stranger{"somebody else's " + string(kind), func() ([]sigstore.Item, error) { return g.intrude(honest, kind) }})
			}
		}
	}
	return out
}

func (g *stage) intrude(honest []actor, kind signals.ProofKind) ([]sigstore.Item, error) {
	var items []sigstore.Item
	for i, d := range demands(g.set) {
		for _, k := range d.kinds {
			who := honest[i]
			if kind == signals.ProofSummary && slices.Contains(g.set.Summary.For, k) {
				continue // it is what the summary would stand in for
			}
			if k == kind {
				who = actor{under: g.ours, identity: virtual.Identity{Name: "https://stranger.example/ci", Issuer: "https://stranger.example"}}
			}
			item, err := g.item(k, who, g.digest, g.image)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

// warns says that the rules do not enforce a kind of evidence.
func (g *stage) warns(kind signals.ProofKind) bool {
	switch kind {
	case signals.ProofProvenance:
		return g.set.Provenance.Mode == gate.Warn
	case signals.ProofSBOM:
		return g.set.SBOM.Mode == gate.Warn
	case signals.ProofVulnerabilities:
		return g.set.Vulnerabilities.Mode == gate.Warn
	case signals.ProofTests:
		return g.set.Tests.Mode == gate.Warn
	case signals.ProofSummary:
		return !g.set.Summary.Required && !g.standsIn()
	case signals.ProofSignature:
	}
	return false
}

// standsIn says that a summary stands in for something that is enforced.
func (g *stage) standsIn() bool {
	for _, d := range demands(g.set) {
		for _, k := range d.kinds {
			if slices.Contains(g.set.Summary.For, k) && !g.warns(k) {
				return true
			}
		}
	}
	return false
}

// tamper adds a field to the signed payload.
func tamper(raw []byte) []byte {
	var b map[string]any
	if json.Unmarshal(raw, &b) != nil {
		return nil
	}
	envelope, _ := b["dsseEnvelope"].(map[string]any)
	encoded, _ := envelope["payload"].(string)
	payload, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(payload) == 0 {
		return nil
	}
	envelope["payload"] = append([]byte(`{"tampered":true,`), payload[1:]...)
	out, err := json.Marshal(b)
	if err != nil {
		return nil
	}
	return out
}

// miss is a way to be nearly somebody.
type miss struct {
	who    string
	change func(i virtual.Identity) virtual.Identity
}

func misses() []miss {
	return []miss{
		{"the same name of another issuer", func(i virtual.Identity) virtual.Identity {
			i.Issuer += ".stranger.example"
			return i
		}},
		{"a name that goes on", func(i virtual.Identity) virtual.Identity {
			i.Name += "-stranger"
			i.Ref += "-stranger"
			return i
		}},
		{"a name that begins elsewhere", func(i virtual.Identity) virtual.Identity {
			i.Name = "https://stranger.example/" + i.Name
			i.Source = "https://stranger.example/" + i.Source
			return i
		}},
		{"a sibling repository", func(i virtual.Identity) virtual.Identity {
			if i.Source != "" {
				i.Name = strings.Replace(i.Name, i.Source, i.Source+"-stranger", 1)
				i.Source += "-stranger"
			}
			return i
		}},
		{"a sibling branch", func(i virtual.Identity) virtual.Identity {
			if before, _, ok := strings.Cut(i.Name, "@refs/"); ok {
				i.Name, i.Ref = before+"@refs/heads/stranger", "refs/heads/stranger"
			}
			return i
		}},
	}
}
