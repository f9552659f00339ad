package mirror_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// The benchmarks report the CPU time of this process and, apart, of the git
// processes it waited for: the server, and in the git-* ones git itself.
// Run them with: go test -run '^$' -bench . ./gitops/mirror (add -short to leave out 120,000 files).

const benchEnvs = 12

func benchPath(env, svc int) string {
	return fmt.Sprintf("environments/env-%02d/service-%05d/release.yaml", env, svc)
}

func benchFile(env, svc, version int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Release\nname: service-%05d\nenv: env-%02d\n%simage: registry.example.com/service-%05d@sha256:%064x\n",
		svc, env, strings.Repeat("# a comment that makes the file longer\n", 8), svc, version*1_000_003+svc*31+env)
}

// generate makes a repository of n files through git fast-import.
func generate(b *testing.B, n int) *upstream {
	b.Helper()
	u := newUpstream(b, nil)
	cmd := exec.CommandContext(b.Context(), "git", "fast-import", "--quiet")
	cmd.Dir, cmd.Env, cmd.Stderr = u.dir, gitEnv(), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(in)
	fmt.Fprintf(w, "commit refs/heads/main\ncommitter A <a@b> 1790000000 +0000\ndata 5\nstart\n")
	for i := range n {
		data := benchFile(i%benchEnvs, i/benchEnvs, 0)
		fmt.Fprintf(w, "M 644 inline %s\ndata %d\n%s\n", benchPath(i%benchEnvs, i/benchEnvs), len(data), data)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	u.git("repack", "-adfq", "--window=10", "--depth=50")
	return u
}

func cpu(who int) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// meter measures work, and not what b.Loop's body prepares for it.
type meter struct{ own, children time.Duration }

func (m *meter) run(b *testing.B, work func()) {
	b.Helper()
	own, children := cpu(syscall.RUSAGE_SELF), cpu(syscall.RUSAGE_CHILDREN)
	b.StartTimer()
	work()
	b.StopTimer()
	m.own += cpu(syscall.RUSAGE_SELF) - own
	m.children += cpu(syscall.RUSAGE_CHILDREN) - children
}

func (m *meter) report(b *testing.B) {
	b.Helper()
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(ms(m.own), "own-cpu-ms/op")
	b.ReportMetric(ms(m.children), "git-cpu-ms/op")
}

func BenchmarkMirror(b *testing.B) {
	for _, n := range []int{1_000, 12_000, 120_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			if n > 12_000 && testing.Short() {
				b.Skip("takes minutes")
			}
			u := generate(b, n)
			m := open(b, options(b, u.url))
			fetch(b, m)
			version := 0
			next := func() (string, string) {
				version++
				env, svc := version%benchEnvs, version*7%(n/benchEnvs)
				return benchPath(env, svc), benchFile(env, svc, version)
			}
			benchAll(b, u, m, next)
		})
	}
}

type benchCase struct {
	name string
	work func(b *testing.B, mt *meter)
}

func benchAll(b *testing.B, u *upstream, m *mirror.Mirror, next func() (string, string)) {
	b.Helper()
	ctx := context.Background()
	branch := 0
	push := func(b *testing.B, count int) {
		b.Helper()
		var updates []mirror.RefUpdate
		for range count {
			path, data := next()
			branch++
			c, err := m.Compose(mirror.Draft{Base: m.Head(), Files: map[string][]byte{path: []byte(data)}, Message: "promote", Time: at()})
			if err != nil {
				b.Fatal(err)
			}
			updates = append(updates, mirror.RefUpdate{Branch: fmt.Sprintf("waveguide/%06d", branch), Composed: &c})
		}
		res, err := m.Push(ctx, updates)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range res {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
	cases := []benchCase{
		{"idle-tick", func(b *testing.B, mt *meter) { b.Helper(); mt.run(b, func() { fetch(b, m) }) }},
		{"tick-one-commit", func(b *testing.B, mt *meter) {
			b.Helper()
			path, data := next()
			u.edit(map[string]string{path: data})
			mt.run(b, func() {
				if up := fetch(b, m); len(up.Changed) != 1 || up.All || up.Forced {
					b.Fatalf("Fetch = %+v", up)
				}
			})
		}},
		{"compose", func(b *testing.B, mt *meter) {
			b.Helper()
			path, data := next()
			mt.run(b, func() {
				if _, err := m.Compose(mirror.Draft{Base: m.Head(), Files: map[string][]byte{path: []byte(data)}, Message: "promote", Time: at()}); err != nil {
					b.Fatal(err)
				}
			})
		}},
		{"promotion", func(b *testing.B, mt *meter) { b.Helper(); mt.run(b, func() { push(b, 1) }) }},
		{"promotions-100", func(b *testing.B, mt *meter) { b.Helper(); mt.run(b, func() { push(b, 100) }) }},
		{"promotions-500", func(b *testing.B, mt *meter) { b.Helper(); mt.run(b, func() { push(b, 500) }) }},
		{"git-promotion", func(b *testing.B, mt *meter) { b.Helper(); gitPromotion(b, u, mt, next) }},
		{"cold-start", func(b *testing.B, mt *meter) { b.Helper(); coldStart(b, u, mt) }},
		{"git-cold-start", func(b *testing.B, mt *meter) {
			b.Helper()
			dir := filepath.Join(b.TempDir(), "clone")
			mt.run(b, func() {
				git(b, u.dir, "clone", "--quiet", "--bare", "--depth=1", "--single-branch", u.url, dir)
				git(b, dir, "archive", "--output=/dev/null", "main")
			})
		}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			mt := &meter{}
			b.StopTimer()
			b.ResetTimer()
			for range b.N {
				c.work(b, mt)
			}
			mt.report(b)
		})
		for ref := range strings.FieldsSeq(u.git("for-each-ref", "--format=%(refname)", "refs/heads/waveguide")) {
			_ = os.Remove(filepath.Join(u.dir, ref)) // loose: the advertisement must not grow between cases
		}
	}
}

func coldStart(b *testing.B, u *upstream, mt *meter) {
	b.Helper()
	o := options(b, u.url)
	mt.run(b, func() {
		m := open(b, o)
		fetch(b, m)
		err := m.Walk(context.Background(), m.Head(), "", func(e mirror.Entry) error {
			_, err := m.ReadBlob(e.Blob)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}

// gitPromotion does the same with git's plumbing: a temporary index in a bare
// depth-1 clone, no checkout.
func gitPromotion(b *testing.B, u *upstream, mt *meter, next func() (string, string)) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "clone")
	git(b, u.dir, "clone", "--quiet", "--bare", "--depth=1", "--single-branch", u.url, dir)
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "temporary-index")}
	path, data := next()
	branch := fmt.Sprintf("waveguide/git-%s-%d", b.Name()[strings.LastIndex(b.Name(), "/")+1:], time.Now().UnixNano())
	mt.run(b, func() {
		gitInputEnv(b, dir, "", index, "read-tree", "main")
		blob := gitInputEnv(b, dir, data, index, "hash-object", "-w", "--stdin")
		gitInputEnv(b, dir, "", index, "update-index", "--add", "--cacheinfo", "100644,"+blob+","+path)
		tree := gitInputEnv(b, dir, "", index, "write-tree")
		commit := gitInputEnv(b, dir, "promote\n", index, "commit-tree", tree, "-p", "main")
		gitInputEnv(b, dir, "", index, "push", "--quiet", u.url, commit+":refs/heads/"+branch)
	})
}
