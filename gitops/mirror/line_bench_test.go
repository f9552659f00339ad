package mirror_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// BenchmarkLine reads the newest 1,000 commits of a branch back, each of which
// changes one file, and compares each with the one before it.
func BenchmarkLine(b *testing.B) {
	for _, n := range []int{1_000, 12_000, 120_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			if n > 12_000 && testing.Short() {
				b.Skip("takes minutes")
			}
			u := generate(b, n)
			var in strings.Builder
			for i := range 1_100 {
				path, data := benchPath(i%benchEnvs, i*7%(n/benchEnvs)), benchFile(i%benchEnvs, i*7%(n/benchEnvs), i+1)
				fmt.Fprintf(&in, "commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 4\nnext\n", 1790000001+i)
				if i == 0 {
					fmt.Fprint(&in, "from refs/heads/main^0\n")
				}
				fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", path, len(data), data)
			}
			gitInput(b, u.dir, in.String(), "fast-import", "--quiet")
			u.git("repack", "-adq")
			m := open(b, options(b, u.url))
			fetch(b, m)
			requests, bytes, mt := u.requests.Load(), u.bytesOut.Load(), &meter{}
			var line []mirror.Commit
			b.StopTimer()
			b.ResetTimer()
			for range b.N {
				mt.run(b, func() { line = readLine(b, m) })
			}
			mt.report(b)
			b.ReportMetric(float64(len(line)), "commits")
			b.ReportMetric(float64(u.requests.Load()-requests)/float64(b.N), "requests/op")
			b.ReportMetric(float64(u.bytesOut.Load()-bytes)/float64(b.N)/1024, "KiB/op")
		})
	}
}

func readLine(b *testing.B, m *mirror.Mirror) []mirror.Commit {
	b.Helper()
	line, err := m.Line(b.Context(), m.Head(), 1_001)
	if err != nil {
		b.Fatal(err)
	}
	for i := range line[1:] {
		if changes, err := m.Diff(line[i+1].ID, line[i].ID); err != nil || len(changes) != 1 {
			b.Fatalf("%v, %v", changes, err)
		}
	}
	return line
}
