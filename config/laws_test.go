package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func drawApprovers(t *rapid.T, label string) []gate.Approver {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gate.Approver {
		return gate.Approver{
			From:  rapid.SampledFrom([]string{"", "@acme/owners", "@acme/leads"}).Draw(t, "from"),
			Count: rapid.IntRange(0, 3).Draw(t, "count"),
			TTL:   time.Duration(rapid.IntRange(0, 5).Draw(t, "ttl")) * time.Hour,
		}
	}), 0, 3).Draw(t, label)
}

func drawScan(t *rapid.T, label string) gate.Vulnerabilities {
	return gate.Vulnerabilities{
		BlockFrom: rapid.SampledFrom([]string{"low", "medium", "high", "critical"}).Draw(t, label+" from"),
		MaxAge:    time.Duration(rapid.IntRange(0, 3).Draw(t, label+" age")) * time.Hour,
	}
}

// ttlLooser says that b lasts longer than a.
func ttlLooser(a, b time.Duration) bool { return a != 0 && (b == 0 || b > a) }

// looser says in which way one set of gates asks less than another.
func looser(was, is gate.Set) string {
	switch {
	case is.Soak.For < was.Soak.For:
		return "a shorter soak"
	case was.Window != nil && is.Window != was.Window:
		return "another window"
	case was.Signature != is.Signature || was.Provenance != is.Provenance || was.SBOM != is.SBOM:
		return "another proof"
	case was.Vulnerabilities != nil && (is.Vulnerabilities == nil || ttlLooser(was.Vulnerabilities.MaxAge, is.Vulnerabilities.MaxAge)):
		return "an older scan"
	case was.Vulnerabilities != nil && severity(is.Vulnerabilities.BlockFrom) > severity(was.Vulnerabilities.BlockFrom):
		return "a higher severity"
	case was.Tests != nil && (is.Tests == nil || len(is.Tests.Suites) < len(was.Tests.Suites)):
		return "fewer suites"
	}
	for i, a := range was.Approval.Required {
		b := is.Approval.Required[i]
		if b.From != a.From || max(b.Count, 1) < max(a.Count, 1) || ttlLooser(a.TTL, b.TTL) {
			return fmt.Sprintf("approval %v in place of %v", b, a)
		}
	}
	return ""
}

func severity(s string) int { return strings.Index("low medium high critical", s) }

func TestTighteningNeverLoosens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scan, floor := drawScan(t, "scan"), drawScan(t, "floor")
		set := gate.Set{
			Signature: &gate.Signature{Key: "release"}, Vulnerabilities: &scan, Tests: &gate.Tests{Suites: []string{"unit"}},
			Soak:     gate.Soak{For: time.Duration(rapid.IntRange(0, 5).Draw(t, "soak")) * time.Minute},
			Approval: gate.Approval{Required: drawApprovers(t, "approvals")},
		}
		least := rapid.IntRange(0, 6).Draw(t, "least")
		require := config.Require{
			Signature: true, Vulnerabilities: &config.Vulnerabilities{Vulnerabilities: floor},
			Tests:   &config.Tests{Tests: gate.Tests{Suites: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"unit", "e2e"}), rapid.ID).Draw(t, "suites")}},
			MinSoak: time.Duration(rapid.IntRange(0, 5).Draw(t, "minSoak")) * time.Minute, MinApprovals: least, Approvals: drawApprovers(t, "more"),
		}
		got, missing := config.Tighten(set, require, nil)
		if len(missing) > 0 {
			t.Fatalf("missing %v", missing)
		}
		if why := looser(set, got); why != "" {
			t.Fatalf("tightening gives %s", why)
		}
		sum := 0
		for _, a := range got.Approval.Required {
			sum += max(a.Count, 1)
		}
		if sum < least || got.Soak.For < require.MinSoak || ttlLooser(floor.MaxAge, got.Vulnerabilities.MaxAge) {
			t.Fatalf("the floor is not reached: %+v", got)
		}
		again, _ := config.Tighten(got, require, nil)
		if why := looser(again, got); why != "" {
			t.Fatalf("a second time changes it: %s", why)
		}
	})
}

// moving are the lanes that may move.
func moving(r *config.Rules) map[string]bool {
	out := map[string]bool{}
	for _, route := range r.Routes {
		for _, w := range route.Waves {
			for _, s := range w.Stops {
				if s.Held == "" {
					out[s.Lane.String()] = true
				}
			}
		}
	}
	return out
}

// TestBreakingNeverMoves damages a rule file and asks that no lane moves which
// did not, and that none moves with fewer demands.
func TestBreakingNeverMoves(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t)
	d := exampleDaemon(t)
	with := d.Rules(d.Repositories[0])
	whole, err := config.ParseRules(files, with, exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	was := moving(whole)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(files)-1).Draw(t, "file")
		data := files[i].Data
		line := rapid.IntRange(0, bytes.Count(data, []byte("\n"))-1).Draw(t, "line")
		lines := bytes.SplitAfter(bytes.Clone(data), []byte("\n"))
		if bytes.HasPrefix(lines[line], []byte("---")) || len(bytes.TrimSpace(lines[line])) == 0 || lines[line][0] == '#' {
			return
		}
		lines[line] = []byte(rapid.SampledFrom([]string{"\t\n", "zzz: 1\n", "{[\n", "  *x: y\n"}).Draw(t, "damage"))
		broken := append([]config.File(nil), files...)
		broken[i].Data = bytes.Join(lines, nil)
		rules, err := config.ParseRules(broken, with, exampleNow())
		if err == nil {
			return
		}
		if len(rules.Held) == 0 {
			t.Fatalf("problems hold nothing: %v", err)
		}
		for lane := range moving(rules) {
			if !was[lane] {
				t.Fatalf("%s moves, but did not: %v", lane, err)
			}
		}
		for _, r := range rules.Routes {
			for j, w := range r.Waves {
				for k, s := range w.Stops {
					compareStop(t, whole, r.Artifact, [2]int{j, k}, s.Held, s.Gates)
				}
			}
		}
	})
}

func compareStop(t *rapid.T, whole *config.Rules, artifact string, at [2]int, held string, is gate.Set) {
	for _, r := range whole.Routes {
		if r.Artifact != artifact || held != "" || len(r.Waves) <= at[0] || len(r.Waves[at[0]].Stops) <= at[1] {
			continue
		}
		was := r.Waves[at[0]].Stops[at[1]].Gates
		if is.Soak.For < was.Soak.For || len(is.Approval.Required) < len(was.Approval.Required) || len(is.Freeze.Freezes) < len(was.Freeze.Freezes) ||
			(is.Window == nil) != (was.Window == nil) || (is.Signature == nil) != (was.Signature == nil) {
			t.Fatalf("%s moves with fewer demands: %+v in place of %+v", artifact, is, was)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	s := config.Secret{File: "/run/very-private", Env: "VERY_PRIVATE"}
	b, err := json.Marshal(map[string]any{"a": s, "b": &s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s %q", s, s, &s, s), fmt.Sprintf("%+v %#v", struct{ S config.Secret }{s}, struct{ S config.Secret }{s}), string(b)} {
		if strings.Contains(strings.ToLower(text), "very") || !strings.Contains(text, "secret>") && !strings.Contains(text, `\u003csecret\u003e`) {
			t.Errorf("a secret prints as %s", text)
		}
	}
}

func TestDaemonForms(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: waveguide.dev/v1alpha1\nkind: Daemon\n"
	const repo = "repositories: [{name: r, url: 'http://127.0.0.1:3000/r.git', pollEvery: 5s, credentials: {usernameEnv: U, passwordFile: /p, sshKeyFile: /k}, forge: {kind: local, url: 'http://127.0.0.1:3000', tokenEnv: T}}]\n"
	d, err := config.ParseDaemon("d.yaml", []byte(head+repo+
		"stateDir: /s\npaused: {reason: incident, until: 2026-12-01T00:00:00Z}\nsignals: [{name: probe, kind: probe}]\n"+
		"registries: [{match: '127.0.0.1:5000/**', plainHTTP: true, credentials: {usernameFile: /u, passwordEnv: P, dockerConfig: /d}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := d.Repositories[0]
	if r.Forge.Token.Env != "T" || r.Credentials.SSHKey.File != "/k" || r.PollEvery != 5*time.Second || !d.Registries[0].PlainHTTP || d.Paused.Reason != "incident" ||
		d.Store != "sqlite:/s/waveguide.db" || r.Branch != "main" || d.Rules(r).Signals["probe"] != "probe" {
		t.Errorf("read as %+v", d)
	}
	for text, want := range map[string]string{
		"": "the file is empty",
		head + repo + "signals: [{name: a, kind: argocd}]\n":                                   "needs its url",
		head + repo + "trust: {signers: [{name: a}]}\n":                                        "says nobody",
		head + repo + "---\n" + head:                                                           "holds one document",
		head + repo + "store: mysql://x\n":                                                     "neither a sqlite path",
		head + strings.Replace(repo, "usernameEnv: U", "usernameEnv: U, usernameFile: /u", 1):  "exclude each other",
		head + strings.Replace(repo, "http://127.0.0.1:3000/r.git", "https://u:secret@x/r", 1): "must not hold a password",
		head + strings.Replace(repo, ", tokenEnv: T", ", tokenEnv: T, token: abc", 1):          `unknown key "token"`,
		head + strings.Replace(repo, ", url: 'http://127.0.0.1:3000'", "", 1):                  "needs its url",
	} {
		_, err := config.ParseDaemon("d.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:secret") {
			t.Errorf("error %v, want %q", err, want)
		}
		if p := (config.Problem{}); err != nil && !errors.As(err, &p) {
			t.Errorf("%v holds no problem", err)
		}
	}
}

// TestDaemonProblemsAtOnce: one section that cannot be read hides nothing of the
// others, and what only follows from it is not told.
func TestDaemonProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.ParseDaemon("d.yaml", []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories:
  - {name: r, url: "https://u:secret@git.example.com/r", forge: {kind: github, tokenFile: /t}}
publish: {verifier: waveguide, key: abc}
signals:
  - {name: a, kind: alertmanager, url: "https://a.example.com", fallback: prom}
  - {name: prom2, kind: prometheus, url: "https://p.example.com"}
store: mysql://x
`))
	const want = `d.yaml:4:20: a URL must not hold a password; use credentials: with a file or an environment variable
d.yaml:5:32: unknown key "key" in publish; secrets do not stand here: write keyFile: or keyEnv: with where it is
d.yaml:7:75: fallback "prom" is no signal of kind prometheus; did you mean "prom2"?
d.yaml:9:8: store is neither a sqlite path nor a postgres URL; write sqlite:/path/to/waveguide.db`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestExceptionNeedsApproval(t *testing.T) {
	t.Parallel()
	d := exampleDaemon(t)
	rules, err := config.ParseRules(exampleFiles(t), d.Rules(d.Repositories[0]), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	if rules.Exceptions[0].InForce || !rules.Until.IsZero() {
		t.Errorf("an exception that nobody approved is in force: %+v", rules.Exceptions)
	}
	over, err := config.ParseRules(exampleFiles(t), d.Rules(d.Repositories[0]), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if err == nil || len(over.Routes) != 2 || over.Hash != rules.Hash {
		t.Errorf("an exception that is over gives %v and %d routes", err, len(over.Routes))
	}
}

func TestRegularExpressionsAreEscaped(t *testing.T) {
	t.Parallel()
	f := base(t)
	f.Data = bytes.ReplaceAll(f.Data, []byte(`{name: smoke, signal: probe, url: "https://${artifact}.dev.example.com/healthz"}`),
		[]byte("{name: q, signal: prometheus, below: 1, query: 'up{a=\"${artifact}\",b=~\"${artifact}-.*\",c!~`${artifact}`}'}"))
	f.Data = bytes.ReplaceAll(f.Data, []byte("name: app,"), []byte("name: app.v1,"))
	rules, err := config.ParseRules([]config.File{f}, names(), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	const want = "up{a=\"app.v1\",b=~\"app\\\\.v1-.*\",c!~`app\\.v1`}"
	for lane, specs := range rules.Health {
		if specs[0].Query != want {
			t.Errorf("%s asks %s, want %s", lane, specs[0].Query, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	data, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := config.ParseRules([]config.File{base(t), {Name: "case.yaml", Data: data}}, names(), exampleNow())
		if rules == nil {
			t.Fatal("no rules")
		}
		if err != nil && len(rules.Held) == 0 && !strings.Contains(err.Error(), "was over at") && !strings.Contains(err.Error(), "not allowed in this file") {
			t.Fatalf("problems hold nothing: %v", err)
		}
	})
}

// BenchmarkParseRules reads and resolves the rules of 10,000 artifacts in 12
// environments.
func BenchmarkParseRules(b *testing.B) {
	var envs, waves strings.Builder
	for i := range 12 {
		fmt.Fprintf(&envs, "---\napiVersion: waveguide.dev/v1alpha1\nkind: Environment\nname: e%d\npath: environments/e%d/${artifact}\nlabels: {stage: s%d}\n"+
			"health: [{name: smoke, signal: probe, url: \"https://${artifact}.e%d.example.com/\"}]\n", i, i, i/4, i)
		fmt.Fprintf(&waves, "  - {name: w%d, environments: [e%d], soak: 10m}\n", i, i)
	}
	envs.WriteString("---\napiVersion: waveguide.dev/v1alpha1\nkind: Guardrail\nname: g\nmatch: {stage: s2}\nrequire: {signature: true, minSoak: 30m, approvals: [{from: '@a/b'}]}\n")
	files := []config.File{{Name: "base.yaml", Data: []byte(envs.String())}}
	for i := range 100 {
		var p strings.Builder
		fmt.Fprintf(&p, "apiVersion: waveguide.dev/v1alpha1\nkind: Promotion\nname: p%d\nverify: {signature: {key: release}}\nwaves:\n%sartifacts:\n", i, waves.String())
		for j := range 100 {
			fmt.Fprintf(&p, "  - {name: a%d-%d, image: registry.example.com/a%d/%d, versions: {semver: '>=1.0.0'}}\n", i, j, i, j)
		}
		files = append(files, config.File{Name: fmt.Sprintf("team%d.yaml", i), Data: []byte(p.String())})
	}
	b.ReportAllocs()
	for b.Loop() {
		rules, err := config.ParseRules(files, names(), exampleNow())
		if err != nil || len(rules.Routes) != 10_000 {
			b.Fatalf("%d routes: %v", len(rules.Routes), err)
		}
	}
}
