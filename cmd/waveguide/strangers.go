package main

import (
	"encoding/base64"
	"encoding/json"
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
	as := func(who string, change func(a *actor)) stranger {
		return stranger{who, func() ([]sigstore.Item, error) {
			cast := make([]actor, len(honest))
			for i, a := range honest {
				change(&a)
				cast[i] = a
			}
			return g.play(cast, g.digest, g.image)
		}}
	}
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
		as("another key, or another Sigstore", func(a *actor) {
			if a.key != nil {
				a.key = nil
				a.identity.Name, a.identity.Issuer = "stranger@example.com", "https://stranger.example"
			}
			a.under = g.foreign
		}),
	}
	if g.set.Signature != nil && !g.set.Signature.UnsafeUnbound {
		out = append(out, stranger{"evidence for another repository", func() ([]sigstore.Item, error) {
			return g.play(honest, g.digest, g.image+"-stranger")
		}})
	}
	out = append(out, g.intruders(honest)...)
	for _, m := range misses() {
		named := false
		for _, a := range honest {
			named = named || a.key == nil && m.change(a.identity) != a.identity
		}
		if named {
			out = append(out, as(m.who, func(a *actor) {
				if a.key == nil {
					a.identity = m.change(a.identity)
				}
			}))
		}
	}
	return out
}

// intruders sign one kind of evidence that the policy enforces, beside all the
// honest evidence of the other kinds.
func (g *stage) intruders(honest []actor) []stranger {
	var out []stranger
	for i, d := range demands(g.set) {
		for _, kind := range d.kinds {
			if kind == signals.ProofSignature || g.warns(kind) {
				continue
			}
			out = append(out, stranger{"somebody else's " + string(kind), func() ([]sigstore.Item, error) {
				var items []sigstore.Item
				for j, other := range demands(g.set) {
					for _, k := range other.kinds {
						who := honest[j]
						if i == j && k == kind {
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
			}})
		}
	}
	return out
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
	case signals.ProofSignature:
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
