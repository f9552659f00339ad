package splice_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// TestProofByPart looks at which files a part proves, and that the whole file always says the same.
func TestProofByPart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src, path string
		document  int
		part      bool
	}{
		"an entry of many":         {"a: 1\nb:\n  c: x\nd: 2\n", "b.c", 0, true},
		"the last entry":           {"a: 1\nb: |\n  t\nc: x", "c", 0, true},
		"a document of several":    {"a: x\n---\nb: 1\na: y\n---\nc: z\n", "a", 2, true},
		"the document's marker":    {"--- # x\na: y\n", "a", 0, true},
		"comments around it":       {"# head\n\na: y # x\n# foot\n", "a", 0, true},
		"an alias into the part":   {"a: &x 1\nb: {c: *x, d: y}\n", "b.d", 0, false},
		"a flow mapping":           {"{a: x,\nb: y}\n", "b", 0, false},
		"an indented top":          {"  a: x\n  b: y\n", "b", 0, false},
		"a key of several lines":   {"? a\n: b\nc: x\n", "c", 0, false},
		"a directive":              {"%TAG !e! tag:e,2000:\n---\na: !e!x y\n", "a", 0, false},
		"carriage returns":         {"a: x\rb: y\r", "b", 0, false},
		"a line that is no marker": {"a: x\n---b: z\nc: y\n", "c", 0, false},
		"an end of document":       {"a: x\n...\n# x\n---\nb: y\n", "b", 2, true},
		"a sequence on top":        {"- x\n- y\n", "[1]", 0, false},
	} {
		f, err := splice.Open("f.yaml", []byte(c.src))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		target, err := f.At(c.path, c.document)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		part, err := f.ByPart(splice.Write{Target: target, Value: "zz"})
		if part != c.part || err != nil {
			t.Errorf("%s: proved by part %t, the whole says %v; want %t", name, part, err, c.part)
		}
	}
}
