package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// searcher is what can be searched.
type searcher interface {
	Search(context.Context, gitops.Commit, string, func([]byte) bool, func(mirror.Entry, []byte, error) error) error
}

func holding(text string) func([]byte) bool {
	return func(b []byte) bool { return bytes.Contains(b, []byte(text)) }
}

// found are the files and what they hold.
func found(t *testing.T, s searcher, at gitops.Commit, under, text string) []string {
	t.Helper()
	var out []string
	err := s.Search(context.Background(), at, under, holding(text), func(e mirror.Entry, data []byte, err error) error {
		out = append(out, fmt.Sprintf("%s %s %s %v", e.Mode, e.Path, data, err))
		return nil
	})
	if err != nil {
		t.Fatalf("Search(%q): %v", under, err)
	}
	return out
}

// walked is the same, found by reading file after file.
func walked(t *testing.T, m *mirror.Mirror, under, text string) []string {
	t.Helper()
	var out []string
	err := m.Walk(context.Background(), m.Head(), under, func(e mirror.Entry) error {
		if !e.Mode.IsFile() {
			return nil
		}
		data, err := m.ReadBlob(e.Blob)
		if holding(text)(data) {
			out = append(out, fmt.Sprintf("%s %s %s %v", e.Mode, e.Path, data, err))
		}
		return err
	})
	if err != nil {
		t.Fatalf("Walk(%q): %v", under, err)
	}
	return out
}

// manyFiles are enough for several goroutines, alike enough for deltas.
func manyFiles() map[string]string {
	files := tree()
	for i := range 400 {
		files[fmt.Sprintf("many/%02d/file-%03d.yaml", i%20, i)] = strings.Repeat("the same line in every file\n", 20) + fmt.Sprintf("number: %d of x%d\n", i, i%7)
		files[fmt.Sprintf("copies/%03d.yaml", i)] = fmt.Sprintf("copy of x%d\n", i%7)
	}
	return files
}

func TestSearchAgreesWithReadingAll(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, manyFiles())
	u.git("repack", "-adfq", "--window=10", "--depth=50")
	m := opened(t, u)
	look := func(when string) {
		t.Helper()
		for _, under := range []string{"", "many", "many/03/", "copies"} {
			for _, text := range []string{"x3", "image:", "x99", "number"} {
				if d := cmp.Diff(walked(t, m, under, text), found(t, m, m.Head(), under, text)); d != "" {
					t.Errorf("%s: Search(%q) for %q (-walk +search):\n%s", when, under, text, d)
				}
			}
		}
	}
	look("from the snapshot")
	u.edit(map[string]string{"many/03/file-003.yaml": "now x99\n", "many/04/new/deep/x": "x99\n", "copies/001.yaml": ""})
	fetch(t, m)
	look("with a commit in memory")
	if len(found(t, m, m.Head(), "", "x99")) != 2 {
		t.Error("the new files are not found")
	}
	if got := found(t, m, m.Head(), "many/04/new/deep/x", "x99"); len(got) != 1 {
		t.Errorf("searching one file finds %q", got)
	}
}

func TestSearchALocalRepository(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, manyFiles())
	head := u.head()
	u.git("tag", "-a", "-m", "first", "v1", string(head))
	u.git("tag", "light", string(head))
	files := func(when string) []string {
		t.Helper()
		r, err := mirror.OpenRepository(u.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		for _, name := range []string{string(head), "main", "refs/heads/main", "HEAD", "v1", "light"} {
			if at, err := r.Commit(name); err != nil || at != head {
				t.Errorf("%s: Commit(%q) = %q, %v; want %q", when, name, at, err, head)
			}
		}
		for _, name := range []string{"", "other", "../config", strings.Repeat("0", 40), "main~1", u.git("rev-parse", "main^{tree}")} {
			if _, err := r.Commit(name); !errors.Is(err, mirror.ErrUnknownCommit) {
				t.Errorf("%s: Commit(%q): %v, want ErrUnknownCommit", when, name, err)
			}
		}
		return found(t, r, head, "", "x3")
	}
	loose := files("loose objects")
	if len(loose) != 114 {
		t.Errorf("%d files are found", len(loose))
	}
	u.git("repack", "-adfq", "--window=10", "--depth=50")
	u.git("prune-packed")
	if d := cmp.Diff(loose, files("packed objects")); d != "" {
		t.Errorf("packed objects (-loose +packed):\n%s", d)
	}
	u.git("-c", "pack.allowPackReuse=false", "-c", "repack.usedeltabaseoffset=false", "repack", "-adfq")
	if d := cmp.Diff(loose, files("deltas that name their base")); d != "" {
		t.Errorf("deltas by name (-loose +packed):\n%s", d)
	}
	if _, err := mirror.OpenRepository(t.TempDir()); err == nil {
		t.Error("an empty directory is taken for a repository")
	}
}

func TestSearchSaysWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, map[string]string{"a": "x3", "large": strings.Repeat("x3", 1<<10), "z": "x3"})
	o := options(t, u.url)
	o.Limits.File = 1 << 10
	m := open(t, o)
	fetch(t, m)
	var got []string
	err := m.Search(context.Background(), m.Head(), "", holding("x3"), func(e mirror.Entry, data []byte, err error) error {
		got = append(got, fmt.Sprint(e.Path, len(data), errors.Is(err, mirror.ErrTooLarge)))
		return nil
	})
	if d := cmp.Diff([]string{"a2 false", "large0 true", "z2 false"}, got); err != nil || d != "" {
		t.Errorf("Search: %v (-want +got):\n%s", err, d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Search(ctx, m.Head(), "", holding("x3"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Search after its end: %v", err)
	}
	if err := m.Search(context.Background(), m.Head(), "no/such", holding("x3"), nil); !errors.Is(err, mirror.ErrNotFound) {
		t.Errorf("Search of what is not there: %v", err)
	}
}

// TestSearchOfBrokenPacks ends in an error or in the right answer, and in
// nothing else, whichever byte of a pack or its index is broken.
func TestSearchOfBrokenPacks(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, manyFiles())
	u.git("repack", "-adfq", "--window=10", "--depth=50")
	u.git("prune-packed")
	r, err := mirror.OpenRepository(u.dir)
	if err != nil {
		t.Fatal(err)
	}
	want := found(t, r, u.head(), "", "x3")
	_ = r.Close()
	head, broken := u.head(), 0
	for _, pattern := range []string{"*.pack", "*.idx"} {
		names, err := filepath.Glob(filepath.Join(u.dir, "objects", "pack", pattern))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		src, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Chmod(names[0], 0o600)
		for at := 0; at < len(src); at += len(src)/60 + 1 {
			bad := bytes.Clone(src)
			bad[at] ^= 0x55
			if err := os.WriteFile(names[0], bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if !sameOrError(t, u.dir, head, want) {
				broken++
			}
		}
		for _, size := range []int{0, 11, 40, len(src) / 2, len(src) - 1} {
			if err := os.WriteFile(names[0], src[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			sameOrError(t, u.dir, head, want)
		}
		if err := os.WriteFile(names[0], src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if broken == 0 {
		t.Error("no broken byte was noticed")
	}
}

// sameOrError says whether the search found what it should.
func sameOrError(t *testing.T, dir string, at gitops.Commit, want []string) bool {
	t.Helper()
	r, err := mirror.OpenRepository(dir)
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }()
	var got []string
	err = r.Search(context.Background(), at, "", holding("x3"), func(e mirror.Entry, data []byte, err error) error {
		got = append(got, fmt.Sprintf("%s %s %s %v", e.Mode, e.Path, data, err))
		return nil
	})
	if err != nil {
		return false
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("another answer and no error (-want +got):\n%s", d)
	}
	return true
}

// BenchmarkSearch finds one artifact's files: bytes first, from packed objects.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1_000, 12_000, 120_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			if n > 12_000 && testing.Short() {
				b.Skip("takes a minute")
			}
			u := generate(b, n)
			m := open(b, options(b, u.url))
			fetch(b, m)
			needle := fmt.Sprintf("service-%05d@", n/24)
			b.ReportAllocs()
			mt := &meter{}
			b.StopTimer()
			b.ResetTimer()
			for range b.N {
				files := 0
				mt.run(b, func() {
					err := m.Search(context.Background(), m.Head(), "", holding(needle), func(mirror.Entry, []byte, error) error {
						files++
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				})
				if files != benchEnvs {
					b.Fatalf("%d files", files)
				}
			}
			mt.report(b)
		})
	}
}
