package edit_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// FuzzSet writes any value to any place of any file. What is not refused must read back, change one scalar for an
// independent reader, and be the same when done again.
func FuzzSet(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		file, err := edit.Open(name, src)
		if err != nil {
			f.Fatal(err)
		}
		hits, _ := file.Find(app)
		for _, h := range hits {
			f.Add(src, h.Path, h.Document, "1.20")
		}
	}
	f.Add([]byte("a: &x !t\nb: *x\n"), "a", 0, "on")
	f.Add([]byte("a: ! # x\n? b\n"), "a", 0, ": #")
	f.Add([]byte("{a, b: , c: 'x''y'}"), "a", 0, "\u2028\x07\"")
	f.Add([]byte("a: |+2\n    x\n\n"), "a", 0, "y")
	f.Add([]byte("a: !t \"on\"\n"), "a", 0, "on")
	f.Add([]byte("x"), "a", 0, "...")
	f.Fuzz(func(t *testing.T, src []byte, path string, document int, value string) {
		file, err := edit.Open("f.yaml", src)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		target, err := file.At(path, document)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		p, err := file.Plan(edit.Write{Target: target, Value: value})
		if err != nil {
			mustRefuse(t, err)
			return
		}
		if !utf8.ValidString(value) {
			t.Fatalf("wrote %q", value)
		}
		again, err := edit.Open("f.yaml", p.Bytes())
		if err != nil {
			t.Fatalf("the result cannot be read: %v\n%q", err, p.Bytes())
		}
		got, err := again.At(path, target.Document)
		if err != nil || got.Value != value && strings.TrimRight(got.Value, "\n") != value {
			t.Fatalf("reads %q, %v; want %q\n%q", got.Value, err, value, p.Bytes())
		}
		if q, err := again.Plan(edit.Write{Target: got, Value: value}); err != nil || len(q.Edits()) > 0 {
			t.Fatalf("the same write again: %v, %v", q, err)
		}
		changed(t, src, p)
	})
}

func mustRefuse(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*edit.Refusal](err); !ok {
		t.Fatalf("%v is no refusal", err)
	}
}

// changed compares the scalars of source and result, as a plain reader sees them.
func changed(t *testing.T, src []byte, p *edit.Plan) {
	t.Helper()
	a, b := flat(src), flat(p.Bytes())
	if len(a) != len(b) {
		t.Fatalf("%d nodes became %d\n%q", len(a), len(b), p.Bytes())
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	if n > len(p.Edits()) {
		t.Fatalf("%d scalars changed by %d edits\n%q", n, len(p.Edits()), p.Bytes())
	}
	if len(p.Edits()) == 0 && !bytes.Equal(src, p.Bytes()) {
		t.Fatalf("no edit changed the bytes to %q", p.Bytes())
	}
}

func flat(src []byte) (out []string) {
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		out = append(out, fmt.Sprint(n.Kind, n.Anchor, n.ShortTag(), n.Value))
		for _, c := range n.Content {
			walk(c)
		}
	}
	for dec := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			return append(out, err.Error())
		}
		walk(&n)
	}
}

// FuzzPath reads any text as a path. It leads to one scalar of the file or is refused.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"spec.containers[name=app].image", "$.a[0]", "/a/0/b~1c", `a["b.c"][d='e,f]',g.h="x\"y"]`, "a | b.c", `a\.b`, "[kind=A].b", "a..b", "a[*]", "a[", "é[x=",
	} {
		f.Add(seed)
	}
	src := "a: [{b: one, c: two}]\nspec: {containers: [{name: app, image: three}]}\ne: |\n  f: four\n\"\": five\n"
	file, err := edit.Open("f.yaml", []byte(src))
	if err != nil {
		f.Fatal(err)
	}
	values := []string{"one", "two", "app", "three", "f: four\n", "four", "five"}
	f.Fuzz(func(t *testing.T, path string) {
		target, err := file.At(path, 0)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		if !slices.Contains(values, target.Value) {
			t.Fatalf("At(%q) reads %q", path, target.Value)
		}
	})
}

// FuzzPromote runs the whole way on any file.
func FuzzPromote(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, true)
		f.Add(src, false)
	}
	f.Fuzz(func(t *testing.T, src []byte, add bool) {
		r := edit.Request{Repository: app, To: edit.Version{Tag: "1.20", Digest: newDigest}}
		if add {
			r.Pin = edit.AddDigest
		}
		got, err := edit.Promote("f.yaml", src, r)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		again, err := edit.Promote("f.yaml", got.Bytes, r)
		if err != nil || len(again.Edits) > 0 || !bytes.Equal(again.Bytes, got.Bytes) {
			t.Fatalf("second Promote: %v, %v\n%q\n%q", again.Edits, err, got.Bytes, again.Bytes)
		}
	})
}
