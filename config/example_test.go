package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const exampleDir = "../deploy/example"

// exampleNow is the instant as of which the example's rules are read.
func exampleNow() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

func exampleDaemon(tb testing.TB) *config.Daemon {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(exampleDir, "waveguide.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	d, err := config.ParseDaemon("waveguide.yaml", data)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func exampleFiles(tb testing.TB) []config.File {
	tb.Helper()
	var files []config.File
	for _, name := range []string{"environments.yaml", "governance.yaml", "payments.yaml"} {
		data, err := os.ReadFile(filepath.Join(exampleDir, "env-gitops", ".waveguide", name))
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, config.File{Name: ".waveguide/" + name, Data: data})
	}
	return files
}

func TestExampleLoadsUnchanged(t *testing.T) {
	t.Parallel()
	d := exampleDaemon(t)
	with := d.Rules(d.Repositories[0])
	with.Approved = []string{"EXC-2026-001"}
	rules, err := config.ParseRules(exampleFiles(t), with, exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "example.golden", describe(rules))
}

// describe writes rules as a page that a person can check.
func describe(rules *config.Rules) string {
	var b strings.Builder
	fmt.Fprintf(&b, "until %s\n", rules.Until.Format(time.RFC3339))
	for _, e := range rules.Exceptions {
		fmt.Fprintf(&b, "exception %s in force: %t\n", e.Name, e.InForce)
	}
	for _, h := range rules.Held {
		fmt.Fprintf(&b, "held %+v\n", h)
	}
	for _, r := range rules.Routes {
		fmt.Fprintf(&b, "\n%s/%s %s (%s) of %v, replace %t, rollback %+v\n", r.Promotion, r.Artifact, r.Image, r.Selector, r.Owners, r.Replace, r.Rollback)
		for _, w := range r.Waves {
			fmt.Fprintf(&b, "wave %s, stop one %t\n", w.Name, w.StopOne)
			for _, s := range w.Stops {
				describeStop(&b, rules, s)
			}
		}
	}
	return b.String()
}

func describeStop(b *strings.Builder, rules *config.Rules, s promoter.Stop) {
	g := s.Gates
	fmt.Fprintf(b, "  %s in %s: %s %s, auto %t, optional %t, desired %t, risk %q, held %q\n",
		s.Lane, s.Lane.Repository, s.Path, s.Place, s.Auto, s.Optional, s.TrustDesired, s.Risk, s.Held)
	fmt.Fprintf(b, "    soak %s, locks %v, approvals %v\n", g.Soak.For, g.Lock.Limits, g.Approval.Required)
	fmt.Fprintf(b, "    signature %+v\n    provenance %+v\n    sbom %+v\n    vulnerabilities %+v\n    tests %+v\n", g.Signature, g.Provenance, g.SBOM, g.Vulnerabilities, g.Tests)
	if g.Window != nil {
		fmt.Fprintf(b, "    window %s for %s in %s\n", g.Window.Name, g.Window.Duration, g.Window.Zone)
	}
	for _, f := range g.Freeze.Freezes {
		fmt.Fprintf(b, "    freeze %s from %s until %s, allows %v\n", f.Name, f.From.Format(time.RFC3339), f.Until.Format(time.RFC3339), f.Allow)
	}
	for _, h := range rules.Health[s.Lane] {
		fmt.Fprintf(b, "    health %s by %s (%s) %s%s%s%s, tolerates %s, no data: %s\n", h.Name, h.Signal, h.Kind, h.Application, h.Query, h.Filter, h.URL, h.Tolerate, h.OnNoData)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func ExampleParseDaemon() {
	_, err := config.ParseDaemon("waveguide.yaml", []byte(strings.TrimSpace(`
apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories:
  - name: env-gitops
    url: https://git.example.com/env-gitops
    brunch: main
    pollEvery: often
    forge: {kind: local, url: "http://127.0.0.1:3000"}
`)))
	fmt.Println(err)
	// Output:
	// waveguide.yaml:6:5: unknown key "brunch" in repositories[0]; did you mean "branch"?
	// waveguide.yaml:7:16: repositories[0].pollEvery: "often" is not a duration; write it as in 30m, 24h or 1h30m
}
