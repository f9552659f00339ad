package promoter_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

const (
	repository = "acme/deploy"
	image      = "registry.example.com/order-api"
)

// rules reads the short form in which stories write rules, one thing a line:
//
//	versions semver >=1.0.0
//	whileSoaking replace
//	rollback propose
//	window office | 0 9 * * 1-5 | 8h | Europe/Berlin
//	freeze year-end 2026-12-20T00:00:00Z 2027-01-06T00:00:00Z allow=sev1 approvals=@acme/head
//	policy no-beta !tag.endsWith("-beta")
//	wave prod: prod-eu prod-us soak=1h limit=1 approvals=@acme/owners auto signature
type rules struct {
	route    promoter.Route
	windows  map[string]*gate.Window
	freezes  map[string]gate.Frozen
	policies map[string]gate.Expression
}

func parseRules(text string) (promoter.Route, error) {
	r := rules{
		route:   promoter.Route{Promotion: "orders", Artifact: "order-api", Image: image, Selector: promoter.Selector{Semver: ">=0.0.0"}},
		windows: map[string]*gate.Window{}, freezes: map[string]gate.Frozen{}, policies: map[string]gate.Expression{},
	}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if err := r.line(word, strings.TrimSpace(rest)); err != nil {
			return r.route, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	var err error
	r.route.Selector, err = promoter.NewSelector(r.route.Selector)
	return r.route, err
}

func (r *rules) line(word, rest string) (err error) {
	f := strings.Fields(rest)
	switch word {
	case "versions":
		r.route.Selector = promoter.Selector{}
		kind, how, _ := strings.Cut(rest, " ")
		switch kind {
		case "semver":
			r.route.Selector.Semver = how
		case "channel":
			r.route.Selector.Channel = how
		case "newest":
			r.route.Selector.Newest = how
		case "pattern":
			r.route.Selector.Pattern, r.route.Selector.SortBy = how, "n"
		default:
			err = fmt.Errorf("no selector %q", kind)
		}
	case "whileSoaking":
		r.route.Replace = rest == "replace"
	case "rollback":
		r.route.Rollback = promoter.Rollback{Propose: rest == "propose", Forward: rest == "forward"}
	case "window":
		p := strings.Split(rest, "|")
		if len(p) != 4 {
			return fmt.Errorf("want name | schedule | duration | zone")
		}
		name := strings.TrimSpace(p[0])
		d, err := time.ParseDuration(strings.TrimSpace(p[2]))
		if err != nil {
			return err
		}
		r.windows[name], err = gate.NewWindow(name, strings.TrimSpace(p[1]), d, strings.TrimSpace(p[3]))
		return err
	case "freeze":
		z := gate.Frozen{Name: f[0]}
		if z.From, err = time.Parse(time.RFC3339, f[1]); err == nil {
			z.Until, err = time.Parse(time.RFC3339, f[2])
		}
		for _, word := range f[3:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "allow":
				z.Allow = append(z.Allow, value)
			case "approvals":
				z.Approvals = append(z.Approvals, gate.Approver{From: value})
			}
		}
		r.freezes[z.Name] = z
	case "policy":
		name, text, _ := strings.Cut(rest, " ")
		r.policies[name], err = gate.NewExpression(name, text)
	case "wave":
		err = r.wave(rest)
	default:
		err = fmt.Errorf("no such word")
	}
	return err
}

func (r *rules) wave(rest string) error {
	name, rest, _ := strings.Cut(rest, ":")
	w := promoter.Wave{Name: name}
	stop := promoter.Stop{Signals: []gate.Signal{{Name: "probe", MaxAge: 5 * time.Minute}}}
	var environments []string
	for word := range strings.FieldsSeq(rest) {
		key, value, _ := strings.Cut(word, "=")
		switch known, err := r.gate(&stop, &w, key, value); {
		case err != nil:
			return fmt.Errorf("%s: %w", word, err)
		case !known && strings.Contains(word, "="):
			return fmt.Errorf("%s: no such word", word)
		case !known:
			environments = append(environments, word)
		}
	}
	for _, env := range environments {
		s := stop
		s.Lane = gitops.Lane{Repository: repository, Environment: env, Artifact: "order-api"}
		s.Path, s.Labels = "envs/"+env, map[string]string{"stage": name}
		s.Gates.Lock.Limits = slices.Clone(stop.Gates.Lock.Limits)
		w.Stops = append(w.Stops, s)
	}
	r.route.Waves = append(r.route.Waves, w)
	return nil
}

// gate sets what one word of a wave says; false if it is an environment.
func (r *rules) gate(s *promoter.Stop, w *promoter.Wave, key, value string) (known bool, err error) {
	switch key {
	case "auto":
		s.Auto = true
	case "stopOne":
		w.StopOne = true
	case "optional":
		s.Optional = true
	case "trustDesired":
		s.TrustDesired = true
	case "held":
		s.Held = strings.ReplaceAll(value, "_", " ")
	case "noDataHealthy":
		s.Signals = []gate.Signal{{Name: "probe", MaxAge: 5 * time.Minute, NoDataHealthy: true}}
	case "tolerate":
		s.Tolerate, err = time.ParseDuration(value)
	case "soak":
		s.Gates.Soak.For, err = time.ParseDuration(value)
	case "age":
		s.Gates.Age = &gate.Age{}
		s.Gates.Age.Min, err = time.ParseDuration(value)
	case "limit":
		var n int
		n, err = strconv.Atoi(value)
		s.Gates.Lock.Limits = []gate.Limit{{Name: "wave orders/" + w.Name, Max: n}}
	case "alerts":
		s.Gates.Alerts = &gate.Alerts{Signal: "alerts"}
	case "window":
		s.Gates.Window = r.windows[value]
	case "freeze":
		s.Gates.Freeze.Freezes = append(s.Gates.Freeze.Freezes, r.freezes[value])
	case "policy":
		s.Gates.Policy = &gate.Policy{Rules: []gate.Expression{r.policies[value]}}
	case "approvals":
		s.Gates.Approval.Required = append(s.Gates.Approval.Required, gate.Approver{From: value})
	case "requires":
		artifact, version, _ := strings.Cut(value, "@")
		s.Gates.Requires = &gate.Requires{Artifacts: []gate.Requirement{{Artifact: artifact, Version: version}}}
	case "emergency":
		s.Emergencies = append(s.Emergencies, promoter.Emergency{Name: value})
	case "pin":
		version, until, _ := strings.Cut(value, "@")
		s.Pinned = &promoter.Pin{Version: version, By: "@olga", Reason: "the audit", Rule: "promotion orders"}
		s.Pinned.Until, err = time.Parse(time.RFC3339, until)
	case "paused":
		p := gitops.ParsePause(strings.ReplaceAll(value, "_", " "))
		p.ID = "promotion orders"
		s.Paused = append(s.Paused, p)
	default:
		return proofGate(&s.Gates, key), nil
	}
	return true, err
}

func proofGate(s *gate.Set, key string) bool {
	switch key {
	case "signature":
		s.Signature = &gate.Signature{Key: "release"}
	case "provenance":
		s.Provenance = &gate.Provenance{Source: "https://github.com/acme/order-api"}
	case "sbom":
		s.SBOM = &gate.SBOM{}
	case "vulnerabilities":
		s.Vulnerabilities = &gate.Vulnerabilities{BlockFrom: "critical", MaxAge: 7 * 24 * time.Hour}
	case "summary":
		s.Summary = &gate.Summary{
			By: "verifier", Verifier: "https://verify.acme.example", Policy: string(digestOf("policy")), Levels: []string{"SLSA_BUILD_LEVEL_2"},
			MaxAge: 7 * 24 * time.Hour, For: []signals.ProofKind{signals.ProofProvenance},
		}
	case "tests":
		s.Tests = &gate.Tests{Suites: []string{"e2e"}}
	default:
		return false
	}
	return true
}
