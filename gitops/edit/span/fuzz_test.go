package span_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

// FuzzSpan looks at the range of every scalar of any YAML: ranges follow one another, and the text in a range is read as
// the value of its scalar.
func FuzzSpan(f *testing.F) {
	for _, pattern := range []string{"../testdata/corpus/*.yaml", "../testdata/corpus/*/*.y*ml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte("? &a !t b\n: 'c''d'\n\"e\\\"\": |2-\n    f\n\n"))
	f.Add([]byte("a: b c\n  d\n\n  e # f\ng: [h , 'i\n\n j']\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		src = src[:min(len(src), 2048)] // long files cost much and show nothing more
		s := span.New(src)
		dec := yaml.NewDecoder(bytes.NewReader(src))
		for {
			var n yaml.Node
			if err := dec.Decode(&n); errors.Is(err, io.EOF) || err != nil {
				return
			}
			last := 0
			scalars(&n, func(n *yaml.Node) {
				at, err := s.Scalar(n)
				if err != nil {
					return
				}
				if at.Start < last && at.Start != at.End || at.End < at.Start || at.End > len(src) {
					t.Fatalf("%q at %v, behind byte %d of %q", n.Value, at, last, src)
				}
				last = max(last, at.End)
				alone(t, n, src[at.Start:at.End])
			})
		}
	})
}

func scalars(n *yaml.Node, see func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode {
		see(n)
	}
	for _, c := range n.Content {
		scalars(c, see)
	}
}

// alone reads a text in quotation marks on its own, where it has one line. Plain text may stand only where it stood, but
// there its range was found along its value.
func alone(t *testing.T, n *yaml.Node, text []byte) {
	t.Helper()
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 || bytes.ContainsAny(text, "\n\r\u0085\u2028\u2029") {
		return
	}
	if string(text) == "'"+n.Value+"'" && !strings.Contains(n.Value, "'") {
		return // as it stands
	}
	var got yaml.Node
	if err := yaml.Unmarshal(append([]byte("[? "), append(bytes.Clone(text), " ]"...)...), &got); err != nil {
		t.Fatalf("%q, the range of %q, cannot be read: %v", text, n.Value, err)
	}
	if k := got.Content[0].Content; len(k) != 1 || k[0].Kind != yaml.MappingNode || k[0].Content[0].Value != n.Value {
		t.Fatalf("%q spells another value than %q", text, n.Value)
	}
}
