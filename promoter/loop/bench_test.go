package loop_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// fleet is 10,000 artifacts in 12 environments each, all at one version.
type fleet struct {
	head    int
	changed []string
	files   int
}

const (
	artifacts    = 10_000
	environments = 12
)

func (f *fleet) Fetch(context.Context) (loop.Update, error) {
	u := loop.Update{Head: gitops.Commit(fmt.Sprintf("%040d", f.head)), Changed: f.changed}
	f.changed = nil
	return u, nil
}

func (f *fleet) Files(_ context.Context, _ gitops.Commit, under, _ string) (map[string][]byte, error) {
	f.files++
	artifact := under[strings.LastIndexByte(under, '/')+1:]
	return map[string][]byte{under + "/values.yaml": fmt.Appendf(nil, "image:\n  repository: registry.example.com/%s\n  tag: 1.0.0\n  digest: %s\n", artifact, digestOf("1.0.0"))}, nil
}

func (f *fleet) Delta(context.Context, gitops.Commit, gitops.Commit) (loop.Delta, error) {
	return loop.Delta{}, fmt.Errorf("nothing was proposed")
}

func (f *fleet) Tail(context.Context, gitops.Commit, int) ([]trail.Step, error) { return nil, nil }

func (f *fleet) Line(context.Context, gitops.Commit, gitops.Commit, int) ([]trail.Step, bool, error) {
	return nil, true, nil
}

func (f *fleet) Compose(context.Context, loop.Draft) (gitops.Commit, error) { return "", nil }
func (f *fleet) Branch(string) (gitops.Commit, bool)                        { return "", false }
func (f *fleet) Push(_ context.Context, m []loop.Move) []error              { return make([]error, len(m)) }

func (f *fleet) Versions(context.Context, string, func(string) bool) ([]signals.Version, error) {
	return []signals.Version{{Tag: "1.0.0", Digest: digestOf("1.0.0")}}, nil
}

func (f *fleet) Rules(map[string][]byte, time.Time) (loop.Ruling, error) {
	selector, err := promoter.NewSelector(promoter.Selector{Semver: ">=1.0.0"})
	r := loop.Ruling{Routes: make([]promoter.Route, artifacts)}
	for i := range r.Routes {
		name := fmt.Sprintf("a%05d", i)
		r.Routes[i] = promoter.Route{Promotion: "all", Artifact: name, Image: "registry.example.com/" + name, Selector: selector}
		for e := range environments {
			env := fmt.Sprintf("e%02d", e)
			r.Routes[i].Waves = append(r.Routes[i].Waves, promoter.Wave{Name: env, Stops: []promoter.Stop{{
				Lane: gitops.Lane{Repository: repository, Environment: env, Artifact: name}, Path: env + "/" + name,
				Gates: gate.Set{Signature: &gate.Signature{Key: "release"}, Soak: gate.Soak{For: soak}},
			}}})
		}
	}
	return r, err
}

// newFleet is a loop that has read and decided everything once.
func newFleet(b *testing.B) (*fleet, *loop.Loop) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Options{Path: filepath.Join(b.TempDir(), "store.db"), Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	f, w := &fleet{head: 1}, newWorld()
	l := loop.New(loop.Options{
		Repository: repository, RulesDir: ".waveguide", Email: email, Poll: loop.Poll{Repository: time.Nanosecond, Versions: 24 * time.Hour, Health: time.Hour},
		Repo: f, History: f, Branches: f, Forge: forge{w}, Proposer: forge{w}, Marker: forge{w}, Talker: forge{w}, Reporter: forge{w}, Queue: forge{w}, Registry: f, Prover: sources{w}, Health: sources{w}, Rules: f,
		Writer: prose.Proposal{}, Store: s, Log: slog.New(slog.DiscardHandler),
	})
	tick(b, l)
	tick(b, l)
	return f, l
}

func tick(b *testing.B, l *loop.Loop) {
	b.Helper()
	if _, err := l.Tick(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkIdle is one look at 120,000 lanes of which nothing changed, Git's
// and the forge's own work aside.
func BenchmarkIdle(b *testing.B) {
	f, l := newFleet(b)
	files := f.files
	b.ReportAllocs()
	for b.Loop() {
		tick(b, l)
	}
	if f.files != files {
		b.Errorf("idle looks read %d files", f.files-files)
	}
}

// BenchmarkOneCommit is one look at 120,000 lanes of which a commit touched
// one, Git's own work aside.
func BenchmarkOneCommit(b *testing.B) {
	f, l := newFleet(b)
	files, looks := f.files, 0
	b.ReportAllocs()
	for b.Loop() {
		f.head++
		f.changed = []string{"e03/a00042/values.yaml"}
		tick(b, l)
		looks++
	}
	if f.files-files != looks {
		b.Errorf("%d commits read %d files", looks, f.files-files)
	}
}
