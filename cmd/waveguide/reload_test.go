package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// own is the daemon's file of the world with something behind it.
func (w *world) own(text string) {
	w.t.Helper()
	// In the way that tools do it: readers see the old file or the new one.
	next := w.write("next.yaml", text)
	if err := os.Rename(next, filepath.Join(w.dir, "waveguide.yaml")); err != nil {
		w.t.Fatal(err)
	}
}

// checked waits until the check of an environment's open proposal says so.
func (w *world) checked(env string, state gitops.CheckState, text string) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("check %s with %q", state, text), func() (string, bool) {
		now := "no proposal"
		for _, p := range w.proposals() {
			if c, ok := p.Check(gitops.CheckName); p.State == gitops.Open && p.Lane.Environment == env {
				now = fmt.Sprintf("%s: %s", c.State, c.Text)
				if ok && c.State == state && strings.Contains(c.Text, text) {
					return "", true
				}
			}
		}
		return now, false
	})
}

// TestReload changes the daemon's file under the running program: what it
// revokes turns an open, green proposal red, and what it takes back green again.
func TestReload(t *testing.T) {
	t.Parallel()
	s := setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, manual: true}
	w := newWorld(t, s)
	d := w.run()
	w.settled(d)
	next := w.release("1.1.0")
	w.checked("dev", gitops.CheckSuccess, "")
	good := w.daemon(s)
	revoke := func(what string) string {
		return strings.Replace(good, "trust:\n", "trust:\n  revoked: {"+what+"}\n", 1)
	}
	w.own(revoke("digests: [\"" + next + "\"]"))
	w.checked("dev", gitops.CheckFailure, "the digest is revoked in the daemon's file")
	w.own(good)
	w.checked("dev", gitops.CheckSuccess, "")
	w.own(revoke("keys: [release]"))
	w.checked("dev", gitops.CheckFailure, "key release is revoked in the daemon's file")
	w.own(strings.Replace(good, "trust:\n", "trust:\n  olderForms: refuse\n", 1))
	w.checked("dev", gitops.CheckFailure, "no signature")
	w.own(strings.Replace(good, "trust:\n", "paused: {reason: the night of the sale}\ntrust:\n", 1))
	w.checked("dev", gitops.CheckFailure, "the night of the sale")
	w.own(strings.Replace(good, "trust:", "trsut:", 1))
	w.checked("dev", gitops.CheckPending, "the daemon's file cannot be used")
	d.says(t, `(the last good one stays in force and nothing advances)`)
	w.own(strings.Replace(good, "maxRequestsPerSecond: 1000", "maxRequestsPerSecond: 999", 1))
	w.checked("dev", gitops.CheckSuccess, "")
	d.says(t, `needs a restart.* keys=(registries)`)
	pem, err := os.ReadFile(filepath.Join(w.dir, "release.pub"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := newShelf(t, s.registry)
	other, err := os.ReadFile(filepath.Join(stranger.dir, "release.pub"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("release.pub", string(other))
	w.checked("dev", gitops.CheckFailure, "none of the trusted keys")
	w.write("release.pub", string(pem))
	w.checked("dev", gitops.CheckSuccess, "")
	d.stop(t)
	w.refusedNothing()
}

// TestReloadOfPolicy holds that a floor that is raised in the daemon's file
// binds open proposals.
func TestReloadOfPolicy(t *testing.T) {
	t.Parallel()
	s := setup{registry: memoryRegistry(t), envs: []string{"dev"}, manual: true}
	w := newWorld(t, s)
	d := w.run()
	w.settled(d)
	w.release("1.1.0")
	w.checked("dev", gitops.CheckSuccess, "")
	good := w.daemon(s)
	w.own(strings.Replace(good, "    commit:", "    floor: {require: {minApprovals: 1}}\n    commit:", 1))
	w.checked("dev", gitops.CheckPending, "approval")
	w.own(good)
	w.checked("dev", gitops.CheckSuccess, "")
	d.stop(t)
	w.refusedNothing()
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories:
  - {name: env, url: "https://git.example.com/env.git", forge: {kind: local, url: "https://git.example.com"}}
`
	began, err := config.ParseDaemon("waveguide.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", text, nil},
		{"what is followed", strings.Replace(text, "forge:", "floor: {require: {minSoak: 1h}}, governance: {files: [.waveguide/e.yaml]}, forge:", 1) +
			"paused: {reason: r}\ntrust: {revoked: {keys: [k]}}\n", nil},
		{"connections", strings.Replace(text, "url: ", "branch: other, url: ", 1) + "listen: 127.0.0.1:1\nregistries: [{match: a/**}]\n", []string{"listen", "repositories", "registries"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			newer, err := config.ParseDaemon("waveguide.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, restarts(began, newer)); diff != "" {
				t.Errorf("restarts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTrustIsTriedAnew holds that a policy is tried with strangers again when
// the trust changes under it, and is not used if they get past.
func TestTrustIsTriedAnew(t *testing.T) {
	t.Parallel()
	k := newKeyless(t)
	k.stop.Gates.Signature, k.stop.Gates.Tests.By = &gate.Signature{By: "job"}, ""
	believe := func(identity string) {
		k.oci.trusts(config.Trust{
			Sigstore: config.Sigstore{TrustedRootFile: k.root},
			Signers:  []config.Signer{{Name: "job", Identity: identity, Issuer: k.job.Issuer}},
		})
	}
	k.attest(time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	believe(k.job.Name)
	k.says("one job", signals.OutcomeVerified, signals.OutcomeAbsent, "signed by job")
	believe(k.job.Source + "/**")
	k.says("any job of any branch", signals.OutcomeUnknown, signals.OutcomeUnknown, "the rules are not used, because they accept")
	believe(k.job.Name)
	k.says("one job again", signals.OutcomeVerified, signals.OutcomeAbsent, "signed by job")
}
