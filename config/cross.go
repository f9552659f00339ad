package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// cross checks every document by itself and then against the others.
func (r *reader) cross() {
	r.envs = inForce(r, r.envs)
	r.guardrails = inForce(r, r.guardrails)
	r.windows = inForce(r, r.windows)
	r.freezes = inForce(r, r.freezes)
	r.risks = inForce(r, r.risks)
	r.exceptions = inForce(r, r.exceptions)
	r.emergencies = inForce(r, r.emergencies)
	twice(r.envs)
	twice(r.guardrails)
	twice(r.windows)
	twice(r.freezes)
	twice(r.risks)
	twice(r.exceptions)
	twice(r.emergencies)
	twice(r.promotions)
	for _, e := range r.envs {
		e.v.check(e.document, r.with)
		r.checkPauses(e.document, e.v.Paused)
		e.v.setDefaults()
	}
	r.checkOverlaps()
	for _, w := range r.windows {
		if w.ok() {
			w.v.check(w.document)
		}
	}
	r.crossGovernance()
	for _, p := range r.promotions {
		p.v.check(p.document, r.with)
		r.checkPromotion(p)
		p.v.setDefaults()
	}
}

// inForce leaves out the documents that stand in a file where they may not.
func inForce[T any](r *reader, all []loaded[T]) []loaded[T] {
	return slices.DeleteFunc(all, func(l loaded[T]) bool { return r.misplaced[l.document] })
}

// twice reports names that two documents of a kind share; both are broken.
func twice[T any](all []loaded[T]) {
	first := map[string]*document{}
	for _, l := range all {
		switch was, ok := first[l.name]; {
		case l.name == "":
		case ok:
			l.reportAt([]any{"name"}, "", "%s %q has this name already, at %s:%d", l.kind, clip(l.name), was.file, was.line)
			was.reportAt([]any{"name"}, "", "%s %q has this name too, at %s:%d", l.kind, clip(l.name), l.file, l.line)
		default:
			first[l.name] = l.document
		}
	}
}

func (r *reader) checkOverlaps() {
	for i, a := range r.envs {
		for _, b := range r.envs[:i] {
			if a.v.Path == "" || b.v.Path == "" || a.v.Repository != b.v.Repository || !overlaps(a.v.Path, b.v.Path) {
				continue
			}
			for _, l := range []struct{ one, other loaded[Environment] }{{a, b}, {b, a}} {
				l.one.reportAt([]any{"path"}, "give every environment a folder of its own",
					"path %q overlaps the path %q of environment %s", clip(l.one.v.Path), clip(l.other.v.Path), l.other.name)
			}
		}
	}
}

func (r *reader) environmentNames() (names []string) {
	for _, e := range r.envs {
		names = append(names, e.name)
	}
	return names
}

func (r *reader) windowNames() []string {
	names := make([]string, len(r.windows))
	for i, w := range r.windows {
		names[i] = w.name
	}
	return names
}

func (r *reader) crossGovernance() {
	for _, g := range r.guardrails {
		g.v.Require.check(g.document, r.windowNames(), []any{"require"})
		r.checkPauses(g.document, g.v.Paused)
		checkPeople(g.document, g.v.ExceptionsFrom, []any{"exceptionsFrom"})
		checkPeople(g.document, g.v.CommandsFrom, []any{"commandsFrom"})
		r.checkMatch(g.document, g.v.Match, []any{"match"})
	}
	for _, f := range r.freezes {
		if f.ok() {
			f.v.check(f.document)
		}
		r.checkMatch(f.document, f.v.Match, []any{"match"})
	}
	for _, e := range r.emergencies {
		e.v.check(e.document)
		r.checkMatch(e.document, e.v.Match, []any{"match"})
	}
	for _, k := range r.risks {
		k.v.check(k.document)
		r.checkMatch(k.document, k.v.Match, []any{"match"})
	}
	for _, e := range r.exceptions {
		if e.ok() {
			e.v.check(e.document, r.now)
		}
		r.checkMatch(e.document, e.v.Match, []any{"match"})
	}
}

// checkMatch reports patterns that are none and keys that no environment has: a
// misspelled label would match nothing and protect nothing.
func (r *reader) checkMatch(d *document, m Match, at []any) {
	before := len(d.problems)
	m.check(d, at)
	known := reserved()
	for _, e := range r.envs {
		if e.broken["labels"] || e.root == nil {
			known = nil
			break
		}
		known = append(known, slices.Collect(maps.Keys(e.v.Labels))...)
	}
	slices.Sort(known)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if len(r.envs) > 0 && known != nil && !slices.Contains(known, key) {
			d.reportAt(append(slices.Clip(at), key), nearest(key, known), "no environment has a label %q", clip(key))
		}
	}
	if len(d.problems) > before && at[0] == "match" {
		d.mark("match")
	}
}

// check reports what a promotion says wrongly by itself.
func (p *Promotion) check(d *document, with RepositoryRules) {
	d.checkName(p.Name, "a promotion", "name")
	checkPeople(d, p.Owners, []any{"owners"})
	p.Verify.check(d, with, []any{"verify"})
	names := map[string]bool{}
	for i := range p.Artifacts {
		at := []any{"artifacts", i}
		d.unique(names, p.Artifacts[i].Name, "artifact", append(at, "name"))
		p.Artifacts[i].check(d, with, at)
		v := p.verify(p.Artifacts[i])
		if v.Signature == nil && !v.UnsafeUnsigned && !d.broken["verify"] {
			d.reportAt(at, "write verify: {signature: …}, or unsafeUnsigned: true if anybody may push", "nothing says who must have signed artifact %q", clip(p.Artifacts[i].Name))
		}
		if v.idle() {
			d.reportAt(at, "write provenance: {…}, name other gates in for, or write required: true", "the summary of artifact %q stands in for nothing that is asked", clip(p.Artifacts[i].Name))
		}
	}
	p.checkPins(d)
	names = map[string]bool{}
	for i := range p.Waves {
		at := []any{"waves", i}
		d.unique(names, p.Waves[i].Name, "wave", append(at, "name"))
		p.Waves[i].check(d, at)
	}
}

func (a *Artifact) check(d *document, with RepositoryRules, at []any) {
	d.checkName(a.Name, "an artifact", append(slices.Clip(at), "name")...)
	if a.Image != "" && !isImage(a.Image) {
		d.reportAt(append(slices.Clip(at), "image"), "write host/repository without tag, digest and scheme", "%q is not an image repository", clip(a.Image))
	}
	s, err := promoter.NewSelector(promoter.Selector{
		Semver: a.Versions.Semver, Pattern: a.Versions.Pattern, SortBy: a.Versions.SortBy, Channel: a.Versions.Channel, Newest: a.Versions.Newest,
	})
	if err != nil && child(find(d.root, at), "versions") != nil {
		d.reportAt(append(slices.Clip(at), "versions"), "", "versions: %s", err)
	}
	a.selector = s
	if a.Verify != nil {
		a.Verify.check(d, with, append(slices.Clip(at), "verify"))
	}
	for i, n := range a.Requires {
		if n.Artifact == a.Name && a.Name != "" {
			d.reportAt(append(slices.Clip(at), "requires", i, "artifact"), "name another one, or take it away", "artifact %q would wait for itself", clip(a.Name))
		}
	}
	d.checkWriting(a.Place, a.Writing, at)
}

// isImage accepts host/path with a host that is written out.
func isImage(s string) bool {
	host, rest, ok := strings.Cut(s, "/")
	if !ok || rest == "" || len(s) > 255 || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return false
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if segment == "" || !lowerOrDigit(segment[0]) || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			return false
		}
	}
	return strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-[]") == ""
}

func (v *Verify) check(d *document, with RepositoryRules, at []any) {
	by := func(name, gateWord string) {
		d.checkKnown("signer", name, with.Signers, append(slices.Clip(at), gateWord, "by"))
	}
	if s := v.Signature; s != nil {
		checkSignature(d, s, with, append(slices.Clip(at), "signature"))
		by(s.By, "signature")
	}
	if p := v.Provenance; p != nil {
		by(p.By, "provenance")
		checkProvenance(d, p, append(slices.Clip(at), "provenance"))
	}
	if v.SBOM != nil {
		by(v.SBOM.By, "sbom")
	}
	if s := v.Vulnerabilities; s != nil {
		by(s.By, "vulnerabilities")
		d.checkKnown("severity", s.BlockFrom, severities(), append(slices.Clip(at), "vulnerabilities", "blockFrom"))
	}
	if v.Tests != nil {
		by(v.Tests.By, "tests")
	}
	v.checkSummary(d, with, append(slices.Clip(at), "summary"))
}

func checkProvenance(d *document, p *gate.Provenance, at []any) {
	for key, text := range map[string]string{"source": p.Source, "branch": p.Branch, "tag": p.Tag, "builder": p.Builder} {
		if why := checkTemplate(text); why != "" {
			d.reportAt(append(slices.Clip(at), key), "", "%s: %s", key, why)
		}
	}
	if p.Source == "" {
		d.reportAt(at, "write source: https://…", "provenance does not name the source it must come from")
	}
}

func checkSignature(d *document, s *gate.Signature, with RepositoryRules, at []any) {
	ways := 0
	for _, set := range []bool{s.Key != "", s.Identity != "" || s.Issuer != "", s.By != ""} {
		if set {
			ways++
		}
	}
	switch {
	case ways != 1:
		d.reportAt(at, "write key, by, or identity with issuer", "signature must name exactly one signer")
	case (s.Identity == "") != (s.Issuer == ""):
		d.reportAt(at, "write both", "an identity counts only with its issuer")
	}
	d.checkKnown("key", s.Key, with.Keys, append(slices.Clip(at), "key"))
	for key, text := range map[string]string{"identity": s.Identity, "source": s.Source} {
		if why := checkTemplate(text); why != "" {
			d.reportAt(append(slices.Clip(at), key), "", "%s: %s", key, why)
		}
	}
	if s.Identity != "" && strings.Trim(s.Identity, "*/@:.") == "" {
		d.reportAt(append(slices.Clip(at), "identity"), "write whose certificate it is", "identity %q is anybody", clip(s.Identity))
	}
}

func (w *Wave) check(d *document, at []any) {
	d.checkName(w.Name, "a wave", append(slices.Clip(at), "name")...)
	checkApprovers(d, w.Approvals, append(slices.Clip(at), "approvals"))
	if n := find(d.root, append(slices.Clip(at), "maxInFlight")); w.MaxInFlight == 0 && n != nil && n.Value == "0" {
		d.report(n, "leave it away for no limit, or write paused: to stop all", "maxInFlight: 0 limits nothing")
	}
	if w.Age != nil && w.Age.Max > 0 && w.Age.Max <= w.Age.Min {
		d.reportAt(append(slices.Clip(at), "age"), "", "no version can be older than %s and younger than %s", w.Age.Min, w.Age.Max)
	}
	for i, p := range w.Policy {
		e, err := gate.NewExpression(p.Name, p.Expression)
		if err != nil {
			d.reportAt(append(slices.Clip(at), "policy", i, "expression"), "", "%s", clipLong(err.Error()))
			continue
		}
		if w.policy == nil {
			w.policy = &gate.Policy{}
		}
		w.policy.Rules = append(w.policy.Rules, e)
	}
}

func clipLong(s string) string {
	if len(s) > 300 {
		return s[:297] + "..."
	}
	return s
}

// verify is what must be proven about an artifact: its own words before those of
// its promotion.
func (p *Promotion) verify(a Artifact) Verify {
	v := p.Verify
	if o := a.Verify; o != nil {
		either(&v.Signature, o.Signature)
		either(&v.Provenance, o.Provenance)
		either(&v.SBOM, o.SBOM)
		either(&v.Vulnerabilities, o.Vulnerabilities)
		either(&v.Tests, o.Tests)
		either(&v.Summary, o.Summary)
		v.UnsafeUnsigned = v.UnsafeUnsigned || o.UnsafeUnsigned
	}
	return v
}

func either[T any](to **T, own *T) {
	if own != nil {
		*to = own
	}
}

// checkPromotion reports names that do not exist and waves that cannot be.
func (r *reader) checkPromotion(p loaded[Promotion]) {
	envNames := r.environmentNames()
	unknown := func(names []string, at ...any) {
		for i, n := range names {
			p.checkKnown("environment", n, envNames, append(slices.Clip(at), i))
		}
	}
	unknown(p.v.AbsentIn, "absentIn")
	r.checkPauses(p.document, p.v.Paused)
	for i, pin := range p.v.Pins {
		p.checkKnown("environment", pin.Environment, envNames, []any{"pins", i, "environment"})
	}
	for i, a := range p.v.Artifacts {
		unknown(a.AbsentIn, "artifacts", i, "absentIn")
		r.checkRequires(p, a.Requires, "artifacts", i, "requires")
	}
	taken := map[string]string{}
	for i, w := range p.v.Waves {
		at := []any{"waves", i}
		unknown(w.Environments.Names, append(at, "environments")...)
		unknown(w.Environments.Except, append(at, "environments", "except")...)
		p.checkKnown("window", w.Window, r.windowNames(), append(slices.Clip(at), "window"))
		r.checkRequires(p, w.Requires, append(at, "requires")...)
		r.checkSelection(p, i, taken)
	}
}

func (r *reader) checkSelection(p loaded[Promotion], i int, taken map[string]string) {
	w := p.v.Waves[i]
	at := []any{"waves", i, "environments"}
	if child(find(p.root, at[:2]), "environments") == nil {
		return
	}
	r.checkSelector(p, w, at)
	selected := r.selected(p.v, w)
	if len(selected) == 0 && len(w.Environments.Names) == 0 {
		p.reportAt(at, "write [name, …] or {match: {label: pattern}}", "wave %q selects no environment", clip(w.Name))
	}
	for _, e := range selected {
		where := at
		if j := slices.Index(w.Environments.Names, e.name); j >= 0 {
			where = append(slices.Clip(at), j)
		}
		if earlier, ok := taken[e.name]; ok {
			p.reportAt(where, "keep it in one of the two", "environment %q is taken already, by wave %q", e.name, clip(earlier))
		}
		taken[e.name] = w.Name
		if w.Alerts != nil && e.ok() && !slices.ContainsFunc(e.v.Health, func(h HealthSpec) bool { return h.Name == w.Alerts.Signal }) {
			p.reportAt([]any{"waves", i, "alerts"}, "", "environment %q has no health signal %q", e.name, clip(w.Alerts.Signal))
		}
	}
}

func (r *reader) checkSelector(p loaded[Promotion], w Wave, at []any) {
	if w.Environments.Match == nil {
		return
	}
	r.checkMatch(p.document, w.Environments.Match, append(slices.Clip(at), "match"))
	for _, key := range []string{"artifact", "wave", "promotion"} {
		if _, ok := w.Environments.Match[key]; ok {
			p.reportAt(append(slices.Clip(at), "match", key), "", "a wave selects by environment and by labels, not by %s", key)
		}
	}
}

// selected are the environments of a wave, in order: as they are named, or by
// name where they are matched. A broken environment whose labels cannot be read
// is matched by everything, so that nothing gets past it.
func (r *reader) selected(p *Promotion, w Wave) []loaded[Environment] {
	var out []loaded[Environment]
	if w.Environments.Match == nil {
		for _, n := range w.Environments.Names {
			if i := slices.IndexFunc(r.envs, func(e loaded[Environment]) bool { return e.name == n }); i >= 0 {
				out = append(out, r.envs[i])
			}
		}
		return out
	}
	elsewhere := map[string]bool{}
	for _, o := range p.Waves {
		for _, n := range o.Environments.Names {
			elsewhere[n] = true
		}
	}
	seen := map[string]bool{}
	for _, e := range r.envs {
		loose := e.broken["labels"] || e.root == nil
		s := subject{environment: e.name, promotion: p.Name, wave: w.Name, labels: e.v.Labels, loose: loose}
		if e.name == "" || seen[e.name] || slices.Contains(w.Environments.Except, e.name) || !w.Environments.Match.holds(s) || loose && elsewhere[e.name] {
			continue
		}
		seen[e.name] = true
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b loaded[Environment]) int { return strings.Compare(a.name, b.name) })
	return out
}

func lockName(p *Promotion, w Wave) string { return fmt.Sprintf("wave %s/%s", p.Name, w.Name) }
