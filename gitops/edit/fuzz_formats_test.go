package edit_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// seeds adds the files of the corpus with one of the ends.
func seeds(f *testing.F, add func(src []byte), ends ...string) {
	f.Helper()
	for _, pattern := range []string{"testdata/corpus/*", "testdata/corpus/*/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			for _, end := range ends {
				if strings.HasSuffix(name, end) {
					src, err := os.ReadFile(name)
					if err != nil {
						f.Fatal(err)
					}
					add(src)
				}
			}
		}
	}
}

// long is where a fuzzed file is cut: longer ones cost much and show nothing more.
const long = 2048

// writeAny writes a value to the scalar picked of a file. It gives the file as it was read, or why it was not, and what
// was written if that was not refused.
func writeAny(t *testing.T, name string, src []byte, pick uint, value string) (before, after *edit.File, err error) {
	t.Helper()
	before, err = edit.Open(name, src)
	if err != nil {
		mustRefuse(t, err)
		return nil, nil, err
	}
	all, i, around := before.Scalars(pick)
	if len(all) == 0 {
		return before, nil, nil
	}
	target := all[i]
	at, hidden := before.At(target.Path, target.Document)
	if hidden != nil {
		mustRefuse(t, hidden)
	} else if at.Value != target.Value {
		t.Fatalf("At(%s) reads %q, want %q", target.Path, at.Value, target.Value)
	}
	p, err := before.Plan(edit.Write{Target: target, Value: value})
	if err != nil {
		mustRefuse(t, err)
		return before, nil, nil
	}
	if !utf8.ValidString(value) {
		t.Fatalf("wrote %q", value)
	}
	after, err = edit.Open(name, p.Bytes())
	if err != nil {
		t.Fatalf("the result cannot be read: %v\n%q", err, p.Bytes())
	}
	if len(p.Edits()) == 0 && !bytes.Equal(src, p.Bytes()) {
		t.Fatalf("no edit changed the bytes to %q", p.Bytes())
	}
	if isBlock(target.Node) { // the values inside are gone with the text
		got, err := after.At(target.Path, target.Document)
		if (err == nil) != (hidden == nil) || err == nil && strings.TrimRight(got.Value, "\n") != strings.TrimRight(value, "\n") {
			t.Fatalf("reads %q, %v; want %q\n%q", got.Value, err, value, p.Bytes())
		}
		return before, after, nil
	}
	now, j, _ := after.Scalars(pick)
	if len(now) != len(all) || i != j {
		t.Fatalf("%d values became %d\n%q", len(all), len(now), p.Bytes())
	}
	for k := range all {
		if k != i && now[k].Value != all[k].Value && !slices.Contains(around, all[k].Node) {
			t.Fatalf("value %d reads %q, want %q\n%q", k, now[k].Value, all[k].Value, p.Bytes())
		}
	}
	if got := now[i].Value; got != value {
		t.Fatalf("reads %q, want %q\n%q", got, value, p.Bytes())
	}
	if q, err := after.Plan(edit.Write{Target: now[i], Value: value}); err != nil || len(q.Edits()) > 0 {
		t.Fatalf("the same write again: %v, %v", q, err)
	}
	return before, after, nil
}

func isBlock(n *yaml.Node) bool { return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 }

// FuzzJSON agrees with the standard library on what JSON is, and that an edit changes one value.
func FuzzJSON(f *testing.F) {
	seeds(f, func(src []byte) { f.Add(src, uint(1), "1.20") }, ".json")
	f.Add([]byte(`{"a": [1, -0, 1e3, true, null, "\ud83d\ude80\/"], "": {}}`), uint(0), "7")
	f.Add([]byte(`"\u0000"`), uint(0), "\x00")
	f.Fuzz(func(t *testing.T, src []byte, pick uint, value string) {
		src = src[:min(len(src), long)]
		_, after, err := writeAny(t, "f.json", src, pick, value)
		body := bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
		if ours, std := err == nil, json.Valid(body) && utf8.Valid(src); ours && !std {
			t.Fatalf("read what is not JSON: %q", src)
		} else if !ours && std && !isReason(err, edit.ErrTooLarge) && !isReason(err, edit.ErrEncoding) && bytes.Count(src, []byte("["))+bytes.Count(src, []byte("{")) < 500 {
			t.Fatalf("did not read JSON: %v: %q", err, src)
		}
		if after == nil {
			return
		}
		out := after.Tree.Text
		if n := differences(decodeJSON(t, body), decodeJSON(t, bytes.TrimPrefix(out, []byte("\xef\xbb\xbf")))); n > 1 {
			t.Fatalf("%d values changed: %q", n, out)
		}
	})
}

func decodeJSON(t *testing.T, src []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %q", err, src)
	}
	return v
}

// differences counts the leaves in which two values differ; another shape counts a thousand.
func differences(a, b any) (n int) {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return 1000
		}
		for k := range a {
			n += differences(a[k], b[k])
		}
		return n
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return 1000
		}
		for i := range a {
			n += differences(a[i], b[i])
		}
		return n
	}
	if !reflect.DeepEqual(a, b) {
		n++
	}
	return n
}

// FuzzHCL writes to any file of HCL.
func FuzzHCL(f *testing.F) {
	seeds(f, func(src []byte) { f.Add(src, uint(1), "1.20") }, ".tf", ".hcl", ".tfvars", ".tofu")
	f.Add([]byte("a = \"x\"\nb \"c\" { d = [1, f(\"g\"), {h = \"i\", \"j\" = k}] }\n"), uint(2), "${x}%{y}\"\\\n")
	f.Fuzz(func(t *testing.T, src []byte, pick uint, value string) {
		_, _, _ = writeAny(t, "f.tf", src[:min(len(src), long)], pick, value)
	})
}

// FuzzEnv writes to any file of variables.
func FuzzEnv(f *testing.F) {
	seeds(f, func(src []byte) { f.Add(src, uint(1), "1.20") }, ".env", ".env.prod")
	f.Add([]byte("export A = 'x' # y\nB=\nC=\"\n\"\n"), uint(1), "a b")
	f.Fuzz(func(t *testing.T, src []byte, pick uint, value string) {
		_, _, _ = writeAny(t, "f.env", src[:min(len(src), long)], pick, value)
	})
}

// FuzzEmbedded compares an edit inside a block scalar with the same edit of the text on its own.
func FuzzEmbedded(f *testing.F) {
	seeds(f, func(src []byte) { f.Add(src, uint(3), "1.20", uint8(2)) }, ".yaml")
	f.Add([]byte("a: b # c\nd: {e: 'f'}\n"), uint(1), "on", uint8(4))
	f.Fuzz(func(t *testing.T, inner []byte, pick uint, value string, width uint8) {
		inner = inner[:min(len(inner), long/2)]
		if bytes.ContainsAny(inner, "\r\u0085\u2028\u2029\ufeff") {
			return
		}
		file, err := edit.Open("f.yaml", inner)
		if err != nil {
			return
		}
		all, i, _ := file.Scalars(pick)
		if len(all) == 0 || strings.Contains(all[i].Path, " | ") {
			return
		}
		target := all[i]
		indent := strings.Repeat(" ", 1+int(width%8))
		outer, err := edit.Open("f.yaml", indented(inner, indent))
		if err != nil {
			return
		}
		path := "k | " + target.Path
		at, err := outer.At(path, 0)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		p, err := outer.Plan(edit.Write{Target: at, Value: value})
		if err != nil {
			mustRefuse(t, err)
			return
		}
		alone, err := file.Plan(edit.Write{Target: target, Value: value})
		if err != nil {
			t.Fatalf("refused on its own: %v", err)
		}
		if want := indented(alone.Bytes(), indent); !bytes.Equal(want, p.Bytes()) {
			t.Fatalf("inside (-alone +inside):\n%s", cmp.Diff(string(want), string(p.Bytes())))
		}
	})
}

// indented makes a text the literal block of a file.
func indented(inner []byte, indent string) []byte {
	var b bytes.Buffer
	b.WriteString("k: |\n")
	for line := range strings.SplitAfterSeq(string(inner), "\n") {
		if line != "" && line != "\n" {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
	return b.Bytes()
}
