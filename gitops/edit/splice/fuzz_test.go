package splice_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// FuzzProof compares the proof by a part of the file with that of the whole file: the part may only be more careful.
func FuzzProof(f *testing.F) {
	files, err := filepath.Glob("../testdata/corpus/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, "spec.image", 0, "1.20")
	}
	f.Add([]byte("a: x\nb:\n  c: y # z\nd: |\n  e\n"), "b.c", 0, "x y")
	f.Add([]byte("a: &x y\n---\nb: x\nc: {d: e,\n---f: g}\n"), "b", 2, "on")
	f.Fuzz(func(t *testing.T, src []byte, path string, document int, value string) {
		file, err := splice.Open("f.yaml", src)
		if err != nil {
			return
		}
		target, err := file.At(path, document)
		if err != nil {
			return
		}
		if part, err := file.ByPart(splice.Write{Target: target, Value: value}); part && err != nil {
			t.Fatalf("a part proves it, the whole file does not: %v\n%q", err, src)
		}
	})
}
