package world

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RulesDir is where the rules are.
const RulesDir = ".waveguide"

// Daemon is the daemon's file that belongs to the rules.
const Daemon = `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories:
  - name: gitops
    url: https://git.example.com/gitops.git
    branch: main
    rules: .waveguide
    governance: {files: [.waveguide/environments.yaml, .waveguide/freezes.yaml]}
    forge: {kind: local, url: "https://git.example.com", tokenFile: /run/token}
    commit: {name: waveguide, email: waveguide@acme.example}
registries:
  - {match: "registry.example.com/**"}
trust:
  keys:
    - {name: release, file: /run/release.pub}
signals:
  - {name: web, kind: probe, url: "https://probe.example.com"}
`

// Spec is what the rules are meant to say, apart from how they are written.
type Spec struct {
	// Soak is how long a version must be healthy, by wave.
	Soak map[string]time.Duration
	// Approvals is how many owners must approve in production, and TTL for how
	// long their word counts.
	Approvals int
	TTL       time.Duration
	// Auto lets the bot merge in production; elsewhere it always does.
	Auto     bool
	Rollback bool
	Freezes  []Freeze
	// Windowed lets production merge only when the window is open.
	Windowed bool
	// MaxInFlight is how many lanes of production move at once; zero is any
	// number.
	MaxInFlight int
	// Guard tightens all of it for production, Excuse would loosen it.
	Guard  Guard
	Excuse Excuse
	// Reviewer must approve what enters prod-us, which is of high risk; nobody
	// if empty.
	Reviewer string
	// Need is what shop requires of cart.
	Need Need
	// Declarers may declare an emergency in production.
	Declarers Declarers
	// Pins keep lanes at a version.
	Pins []Pin
	// Broken is a document that cannot be read: "promotion", "environment" or
	// "freeze"; empty if all can.
	Broken string
}

// Freeze is a time in which nothing merges in a stage.
type Freeze struct {
	Stage       string
	From, Until time.Time
	// Allow lets an emergency pass.
	Allow bool
}

// Covers says whether the freeze is in force in an environment.
func (f Freeze) Covers(env string, now time.Time) bool {
	return !now.Before(f.From) && now.Before(f.Until) &&
		slices.ContainsFunc(Stops(), func(s Stop) bool { return s.Env == env && s.Stage == f.Stage })
}

// WindowOpen says whether the change window of production is open: for 100
// minutes every three hours.
func WindowOpen(now time.Time) bool {
	return now.Sub(now.Truncate(3*time.Hour)) < 100*time.Minute
}

// String is the specification in one line of a story.
func (s Spec) String() string {
	parts := []string{fmt.Sprintf("soak %s/%s/%s, %d approvals, auto %t", s.Soak["dev"], s.Soak["staging"], s.Soak["prod"], s.Approvals, s.Auto)}
	for _, f := range s.Freezes {
		parts = append(parts, fmt.Sprintf("%s frozen %s to %s", f.Stage, f.From.Format("02 15:04"), f.Until.Format("02 15:04")))
	}
	if s.Windowed {
		parts = append(parts, "in the window")
	}
	if s.MaxInFlight > 0 {
		parts = append(parts, fmt.Sprintf("%d in flight", s.MaxInFlight))
	}
	if s.Reviewer != "" {
		parts = append(parts, s.Reviewer+" reviews")
	}
	if s.Need != "" {
		parts = append(parts, "shop requires cart "+string(s.Need))
	}
	if s.Guard != (Guard{}) {
		parts = append(parts, fmt.Sprintf("guarded: %s, %d approvals", s.Guard.Soak, s.Guard.Approvals))
	}
	if s.Excuse != "" {
		parts = append(parts, string(s.Excuse)+" excuse")
	}
	if s.Declarers != Nobody {
		parts = append(parts, string(s.Declarers)+" may declare "+Sev1)
	}
	for _, p := range s.Pins {
		parts = append(parts, fmt.Sprintf("%s pinned to %.19s until %s", p.Lane, p.Version, p.Until.Format("02 15:04")))
	}
	if s.Broken != "" {
		parts = append(parts, "broken "+s.Broken)
	}
	return strings.Join(parts, ", ")
}

const header = "---\napiVersion: waveguide.dev/v1alpha1\n"

// write writes the specification as rule files.
func (s Spec) write(files map[string]string) {
	promotion := header + "kind: Promotion\nname: web\nowners: [\"" + Owners + "\"]\nartifacts:\n"
	for _, a := range Artifacts() {
		promotion += fmt.Sprintf("  - name: %s\n    image: %s\n    versions: {semver: \">=1.0.0\"}\n", a, Image(a)) + s.requires(a)
	}
	promotion += "verify:\n  signature: {key: release}\nwaves:\n"
	last := ""
	for _, at := range Stops() {
		if at.Wave == last {
			continue
		}
		last = at.Wave
		promotion += s.wave(at)
	}
	promotion += s.pins()
	if s.Rollback {
		promotion += "rollback:\n  onUnhealthy: propose\n"
	}
	var envs, freezes string
	for _, at := range Stops() {
		envs += fmt.Sprintf(header+"kind: Environment\nname: %s\npath: environments/%s/${artifact}\nlabels: {stage: %s, region: %s}\nhealth:\n"+
			"  - {name: web, signal: web, url: \"https://probe.example.com/%s\", json: {path: status, value: ok}, progressing: {path: status, value: starting}, digestFrom: digest, tolerate: 10m, maxAge: 30m}\n",
			at.Env, at.Env, at.Stage, region(at.Env), at.Env)
	}
	for i, f := range s.Freezes {
		freezes += fmt.Sprintf(header+"kind: Freeze\nname: freeze-%d\nmatch: {stage: %s}\nfrom: %s\nuntil: %s\n", i, f.Stage, f.From.UTC().Format(time.RFC3339), f.Until.UTC().Format(time.RFC3339))
		if f.Allow {
			freezes += "allow: [" + Sev1 + "]\n"
		}
	}
	freezes += s.emergency()
	if s.Windowed {
		freezes += header + "kind: ChangeWindow\nname: hours\nschedule: \"0 */3 * * *\"\nduration: 100m\ntimeZone: UTC\n"
	}
	if s.Reviewer != "" {
		freezes += header + "kind: RiskRule\nname: careful\nmatch: {region: us}\nrisk: high\napprovalTTL: " + s.TTL.String() + "\nreviewers: [\"@" + s.Reviewer + "\"]\n"
	}
	switch s.Broken {
	case "promotion":
		promotion = strings.ReplaceAll(promotion, "semver:", "semvr:")
	case "environment":
		envs = strings.Replace(envs, "path:", "pth:", 1)
	case "freeze":
		freezes += header + "kind: Freeze\nname: unreadable\nmatch: {stage: prod}\nfrom: soon\n"
	}
	files[RulesDir+"/web.yaml"] = promotion + s.excused(Misplaced)
	files[RulesDir+"/environments.yaml"] = envs
	files[RulesDir+"/freezes.yaml"] = freezes + s.guardrail() + s.excused(Unconfirmed)
}

// wave is one wave of the promotion.
func (s Spec) wave(at Stop) string {
	var envs []string
	for _, o := range Stops() {
		if o.Wave == at.Wave {
			envs = append(envs, o.Env)
		}
	}
	merge := "auto"
	if at.Stage == "prod" && !s.Auto {
		merge = "manual"
	}
	w := fmt.Sprintf("  - name: %s\n    environments: [%s]\n    merge: %s\n    soak: %s\n", at.Wave, strings.Join(envs, ", "), merge, s.Soak[at.Wave])
	if at.Stage == "prod" && s.Approvals > 0 {
		w += fmt.Sprintf("    approvals:\n      - {from: %q, count: %d, ttl: %s}\n", Owners, s.Approvals, s.TTL)
	}
	if at.Stage == "prod" && s.Windowed {
		w += "    window: hours\n"
	}
	if at.Stage == "prod" && s.MaxInFlight > 0 {
		w += fmt.Sprintf("    maxInFlight: %d\n", s.MaxInFlight)
	}
	return w
}

// region is where an environment is.
func region(env string) string {
	if _, after, ok := strings.Cut(env, "-"); ok {
		return after
	}
	return "eu"
}
