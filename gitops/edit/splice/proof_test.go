package splice_test

import (
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// TestProofRefuses gives the proof results that a faulty splice could have made.
func TestProofRefuses(t *testing.T) {
	t.Parallel()
	src := "a: b # c\nd: &x e\nf: *x\ng: [h, 'i']\nm: &u n\n\n---\nj: !k l\n"
	f, err := splice.Open("f.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	a := at(t, f, "a")
	good := strings.Replace(src, "a: b", "a: z", 1)
	if err := f.Becomes([]byte(good), a, "z"); err != nil {
		t.Errorf("the good result was refused: %v", err)
	}
	for name, r := range map[string][2]string{
		"not written":           {"a: z", "a: b"},
		"another value":         {"a: z", "a: y2"},
		"a number":              {"a: z", "a: 1"},
		"the comment lost":      {" # c", ""},
		"another comment":       {"# c", "# d"},
		"another scalar":        {"[h", "[i"},
		"another key":           {"d:", "dd:"},
		"another style":         {"'i'", "i"},
		"an anchor lost":        {"&x e\nf: *x", "e\nf: e"},
		"an anchor renamed":     {"&x e\nf: *x", "&y e\nf: *y"},
		"an alias moved":        {"f: *x", "f: &x *x"},
		"another tag":           {"!k", "!kk"},
		"one item more":         {"[h", "[n, h"},
		"another kind":          {"[h, 'i']", "{h, 'i'}"},
		"a document more":       {"!k l\n", "!k l\n---\nx\n"},
		"lines moved":           {"f: *x\ng: [h, 'i']\nm: &u n\n\n", "\nf: *x\ng: [h, 'i']\nm: &u n\n"},
		"an unused anchor lost": {"&u n", "n"},
		"no YAML":               {"[h", "[[h"},
	} {
		bad := strings.Replace(good, r[0], r[1], 1)
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		want := "z"
		if name == "a number" {
			want = "1"
		}
		if err := f.Becomes([]byte(bad), a, want); err == nil {
			t.Errorf("%s: the proof took\n%s", name, bad)
		}
	}
}

func TestBytesOutsideMustBeEqual(t *testing.T) {
	t.Parallel()
	edits := []splice.Edit{{Start: 3, End: 4, New: []byte("zz")}}
	for out, want := range map[string]bool{
		"a: zz # c\n":   true,
		"a: zz # d\n":   false,
		"A: zz # c\n":   false,
		"a: zy # c\n":   false,
		"a: zz # c":     false,
		"a: zz # c\n\n": false,
		"":              false,
	} {
		if got := splice.OutsideEqual([]byte("a: b # c\n"), []byte(out), edits); got != want {
			t.Errorf("OutsideEqual(%q) = %t, want %t", out, got, want)
		}
	}
}

func at(t *testing.T, f *splice.File, path string) splice.Target {
	t.Helper()
	target, err := f.At(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
