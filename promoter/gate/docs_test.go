package gate_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

var update = flag.Bool("update", false, "write docs/gates.md instead of comparing it")

const (
	manual = "../../docs/gates.md"
	intro  = `# Gates

A gate is one question that must be answered yes before a version may enter an environment. It answers *pass*, *wait* or *block*, with
one sentence; its word is the file in [promoter/gate](../promoter/gate) and what proposals, checks and metrics say. Gates are asked in
this order. Not knowing is waiting: what a gate needs and nobody could read never passes.

*Before proposing* is before a proposal is opened or gets another version; *before merging* is before its check turns green.

This page is written from the comments in the code: ` + "`go test ./promoter/gate -run GatesManual -update`." + `
`
)

// question is a gate as its manual page shows it.
type question struct {
	word, text string
	asked      string
	passed     []string
}

func TestGatesManual(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	page.WriteString(intro)
	for _, q := range questions(t) {
		fmt.Fprintf(&page, "\n## %s\n\nAsked %s.", q.word, q.asked)
		if len(q.passed) > 0 {
			fmt.Fprintf(&page, " Not asked for %s.", strings.Join(q.passed, " and "))
		}
		fmt.Fprintf(&page, "\n\n%s", markdown(q.text))
	}
	if *update {
		if err := os.WriteFile(manual, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page.String(), string(got)); diff != "" {
		t.Errorf("docs/gates.md differs from the comments of the gates; run this test with -update (-want +got):\n%s", diff)
	}
}

// questions reads the register as it answers, and each gate's comment.
func questions(t *testing.T) []question {
	t.Helper()
	proposing := map[string]bool{}
	early := good()
	early.Step = gate.Propose
	for _, v := range full(t).Check(early) {
		proposing[v.Gate] = true
	}
	types := map[string]string{} // word -> type
	for f := range reflect.TypeFor[gate.Set]().Fields() {
		word, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		typ := f.Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		types[word] = typ.Name()
	}
	var qs []question
	for _, v := range full(t).Check(good()) {
		q := question{word: v.Gate, asked: "before merging", text: typeComment(t, v.Gate+".go", types[v.Gate])}
		if proposing[v.Gate] {
			q.asked = "before proposing and before merging"
		}
		for _, c := range []struct {
			class gate.Class
			name  string
		}{{gate.Rollback, "rollbacks"}, {"emergency/any", "emergencies"}} {
			if !c.class.Asks(v.Gate) {
				q.passed = append(q.passed, c.name)
			}
		}
		qs = append(qs, q)
	}
	return qs
}

// typeComment is the comment of a type in a file of this folder.
func typeComment(t *testing.T, file, name string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.Name == name {
				if text := g.Doc.Text(); text != "" {
					return text
				}
			}
		}
	}
	t.Fatalf("%s has no type %s with a comment", file, name)
	return ""
}

// markdown writes a comment with its example in a YAML block.
func markdown(text string) string {
	var p comment.Parser
	var out strings.Builder
	for i, block := range p.Parse(text).Content {
		if i > 0 {
			out.WriteString("\n")
		}
		if code, ok := block.(*comment.Code); ok {
			fmt.Fprintf(&out, "```%s\n%s```\n", language(code.Text), code.Text)
			continue
		}
		text := new(comment.Printer).Markdown(&comment.Doc{Content: []comment.Block{block}})
		out.Write(bytes.ReplaceAll(text, []byte("\\`"), []byte("`"))) // our comments mark code as Markdown does
	}
	return out.String()
}

// key begins an example that can be written in the rules.
var key = regexp.MustCompile(`^[a-zA-Z]+:`)

// language is yaml for an example with a key, and text for prose.
func language(code string) string {
	if key.MatchString(code) {
		return "yaml"
	}
	return "text"
}
