package edit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// drawFile builds a file of several documents with places of app in all forms, comments, odd spacing and line ends.
func drawFile(t *rapid.T) []byte {
	tag := rapid.SampledFrom([]string{"1.4.2", "v1", "abc1234", "2024-11-03", "1_0"})
	quote := func(s string) string {
		q := rapid.SampledFrom([]string{"'", `"`}).Draw(t, "quote")
		return q + s + q
	}
	pad := rapid.SampledFrom([]string{"", " # é ☃", "   # app: x", " "})
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\ufeff", "# head\n", "---\n"}).Draw(t, "head"))
	for i := range rapid.IntRange(1, 6).Draw(t, "parts") {
		p := pad.Draw(t, "pad")
		ref := app + rapid.SampledFrom([]string{"", ":" + tag.Draw(t, "tag")}).Draw(t, "colon") + "@" + oldDigest
		both := []string{quote(tag.Draw(t, "tag")), quote(oldDigest)}
		switch rapid.IntRange(0, 7).Draw(t, "part") {
		case 0:
			fmt.Fprintf(&b, "k%d: %s%s\n", i, ref, p)
		case 1:
			fmt.Fprintf(&b, "k%d:\n  - {name: x, é: ☃,   image: %s }%s\n", i, quote(ref), p)
		case 2:
			fmt.Fprintf(&b, "k%d:\n    images:\n    - name: %s%s\n      newTag: %s%s\n      digest: %s\n", i, app, p, both[0], p, both[1])
		case 3:
			fmt.Fprintf(&b, "k%d: {repository: shop/app, registry: registry.example.com, tag: %s, digest: %s}%s\n", i, both[0], both[1], p)
		case 4:
			fmt.Fprintf(&b, "k%d: |\n  # inner\n  image:\n    repository: %s\n    digest: %s\n    tag: %s # x\n", i, app, both[1], both[0])
		case 5:
			fmt.Fprintf(&b, "k%d: >-\n  %s\n", i, ref)
		case 6:
			fmt.Fprintf(&b, "k%d: |\n  text \t \n   more\n\n", i)
		case 7:
			fmt.Fprintf(&b, "a%d: 1\n...\n---\nk%d: [ \"--a\",  '--b' ,c ]%s\n", i, i, p)
		}
	}
	src := b.String()
	if rapid.Bool().Draw(t, "crlf") {
		src = strings.ReplaceAll(src, "\n", "\r\n")
	}
	if rapid.Bool().Draw(t, "no final newline") {
		src = strings.TrimRight(src, "\r\n")
	}
	return []byte(src)
}

func drawWrites(t *rapid.T, src []byte) (*edit.File, []edit.Write) {
	f, err := edit.Open("f.yaml", src)
	if err != nil {
		t.Fatalf("Open: %v\n%s", err, src)
	}
	hits, _ := f.Find(app)
	var ws []edit.Write
	for _, h := range hits {
		to := edit.Version{Tag: rapid.SampledFrom([]string{"1.5.0", "1.20", "on", "12e4567"}).Draw(t, "to"), Digest: newDigest}
		w, err := h.Writes(to, edit.KeepForm)
		if err != nil {
			t.Fatalf("Writes: %v\n%s", err, src)
		}
		ws = append(ws, w...)
	}
	return f, ws
}

func TestLaws(t *testing.T) {
	t.Parallel()
	places := 0
	rapid.Check(t, func(t *rapid.T) {
		src := drawFile(t)
		f, ws := drawWrites(t, src)
		places += len(ws)
		p, err := f.Plan(ws...)
		if err != nil {
			t.Fatalf("Plan: %v\n%s", err, src)
		}
		out := p.Bytes()
		outside(t, src, p)
		if bytes.Count(src, []byte{'\n'}) != bytes.Count(out, []byte{'\n'}) {
			t.Fatalf("the number of lines changed:\n%s", out)
		}
		readBack(t, out, ws)
		if got := oneByOne(t, src, ws); !bytes.Equal(got, out) {
			t.Fatalf("one by one gives\n%s\nall at once gives\n%s", got, out)
		}
	})
	if places < 100 {
		t.Errorf("the generator made only %d writes", places)
	}
}

// outside rebuilds the result from the source by the edits alone.
func outside(t *rapid.T, src []byte, p *edit.Plan) {
	t.Helper()
	var b []byte
	at := 0
	for _, e := range p.Edits() {
		b = append(append(b, src[at:e.Start]...), e.New...)
		at = e.End
	}
	if b = append(b, src[at:]...); !bytes.Equal(b, p.Bytes()) {
		t.Fatalf("bytes outside of the edits changed:\n%s", p.Bytes())
	}
}

// readBack finds every written value by its path, and writes nothing when asked again.
func readBack(t *rapid.T, out []byte, ws []edit.Write) {
	t.Helper()
	f, err := edit.Open("f.yaml", out)
	if err != nil {
		t.Fatalf("Open: %v\n%s", err, out)
	}
	var again []edit.Write
	for _, w := range ws {
		target, err := f.At(w.Target.Path, w.Target.Document)
		if err != nil || strings.TrimRight(target.Value, "\n") != w.Value {
			t.Fatalf("At(%s) = %q, %v; want %q", w.Target.Path, target.Value, err, w.Value)
		}
		again = append(again, edit.Write{Target: target, Value: w.Value})
	}
	if p, err := f.Plan(again...); err != nil || len(p.Edits()) > 0 || !bytes.Equal(p.Bytes(), out) {
		t.Fatalf("the same writes again: %v, %v; want no edits", p, err)
	}
}

// oneByOne does the writes in a random order, each on the result of the one before.
func oneByOne(t *rapid.T, src []byte, ws []edit.Write) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
	for _, i := range r.Perm(len(ws)) {
		f, err := edit.Open("f.yaml", src)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		target, err := f.At(ws[i].Target.Path, ws[i].Target.Document)
		if err != nil {
			t.Fatalf("At: %v", err)
		}
		p, err := f.Plan(edit.Write{Target: target, Value: ws[i].Value})
		if err != nil {
			t.Fatalf("Plan: %v", err)
		}
		src = p.Bytes()
	}
	return src
}
