package span

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"
)

const maxHCL = 512 << 10

// HCL reads a file of Terraform, OpenTofu or Terragrunt, or one of variables. Blocks are mappings: by type, then by
// label; several blocks of one type without a label are a sequence. The arguments of a function are a sequence.
func HCL(text []byte) (*Doc, error) {
	if len(text) > maxHCL {
		return nil, &SyntaxError{0, fmt.Sprintf("%d bytes, the limit for HCL is %d", len(text), maxHCL)}
	}
	if line := tooDeep(text); line > 0 {
		return nil, &SyntaxError{line, fmt.Sprintf("brackets or operators are nested more than %d deep", maxDepth)}
	}
	f, diags := hclsyntax.ParseConfig(text, "", hcl.InitialPos)
	if diags.HasErrors() {
		e := &SyntaxError{0, diags[0].Summary}
		if diags[0].Subject != nil {
			e.Line = diags[0].Subject.Start.Line
		}
		return nil, e
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil, errors.New("not HCL in its own syntax")
	}
	r := &hclReader{text: text, doc: newDoc()}
	r.doc.Root = r.body(body)
	return r.doc, nil
}

// tooDeep is the first line on which more is open than a parser that calls itself should be given. It counts in texts
// and comments too, which is only ever too careful.
func tooDeep(text []byte) int {
	depth, signs, line := 0, 0, 1
	for _, c := range text {
		switch c {
		case '\n':
			line++
			continue
		case ' ', '\t', '\r':
			continue
		case '(', '[', '{', '?':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
		if signs++; c != '!' && c != '-' {
			signs = 0
		}
		if depth > maxDepth || signs > maxDepth {
			return line
		}
	}
	return 0
}

type hclReader struct {
	text []byte
	doc  *Doc
}

func mapping(at hcl.Range) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: at.Start.Line, Column: 1}
}

func (r *hclReader) key(at hcl.Range, name string) *yaml.Node {
	return r.doc.scalar(Span{at.Start.Byte, at.End.Byte}, at.Start.Line, "!!str", name)
}

func (r *hclReader) body(b *hclsyntax.Body) *yaml.Node {
	n := mapping(b.Range())
	attributes := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		attributes = append(attributes, a)
	}
	sort.Slice(attributes, func(i, j int) bool { return attributes[i].NameRange.Start.Byte < attributes[j].NameRange.Start.Byte })
	for _, a := range attributes {
		n.Content = append(n.Content, r.key(a.NameRange, a.Name), r.value(a.Expr))
	}
	bare := map[string]int{}
	for _, k := range b.Blocks {
		if len(k.Labels) == 0 {
			bare[k.Type]++
		}
	}
	for _, k := range b.Blocks {
		r.block(n, k, bare[k.Type])
	}
	return n
}

// block puts a block into the body's mapping; same is how many bare blocks have its type.
func (r *hclReader) block(n *yaml.Node, k *hclsyntax.Block, same int) {
	name, at := k.Type, k.TypeRange
	for i, label := range k.Labels {
		n = r.under(n, r.key(at, name), yaml.MappingNode)
		name, at = label, k.LabelRanges[i]
	}
	body := r.body(k.Body)
	switch {
	case same > 1 && k.Type == "locals":
		m := r.under(n, r.key(at, name), yaml.MappingNode)
		m.Content = append(m.Content, body.Content...)
	case same > 1:
		m := r.under(n, r.key(at, name), yaml.SequenceNode)
		m.Content = append(m.Content, body)
	default:
		n.Content = append(n.Content, r.key(at, name), body)
	}
}

// under is the collection under a key of n, made if it is not there.
func (r *hclReader) under(n, key *yaml.Node, kind yaml.Kind) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key.Value && n.Content[i+1].Kind == kind {
			return n.Content[i+1]
		}
	}
	m := &yaml.Node{Kind: kind, Line: key.Line, Column: 1}
	n.Content = append(n.Content, key, m)
	return m
}

func (r *hclReader) value(e hclsyntax.Expression) *yaml.Node {
	at := e.Range()
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		if v, ok := r.literal(e); ok {
			n := r.doc.scalar(Span{at.Start.Byte, at.End.Byte}, at.Start.Line, "!!str", v)
			n.Style = yaml.DoubleQuotedStyle
			return n
		}
		return r.closed(at, "it is not one text in quotation marks")
	case *hclsyntax.LiteralValueExpr:
		raw := string(r.text[at.Start.Byte:at.End.Byte])
		tag := "!!bool"
		if e.Val.Type().FriendlyName() == "number" {
			tag = "!!float"
		}
		return r.doc.scalar(Span{at.Start.Byte, at.End.Byte}, at.Start.Line, tag, raw)
	case *hclsyntax.ParenthesesExpr:
		return r.value(e.Expression)
	case *hclsyntax.TupleConsExpr:
		return r.sequence(at, "!!seq", e.Exprs)
	case *hclsyntax.FunctionCallExpr:
		return r.sequence(at, "!"+e.Name, e.Args)
	case *hclsyntax.ObjectConsExpr:
		n := mapping(at)
		for _, item := range e.Items {
			kr := item.KeyExpr.Range()
			name := string(r.text[kr.Start.Byte:kr.End.Byte])
			if v, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && v.Type().FriendlyName() == "string" && v.IsKnown() && !v.IsNull() {
				name = v.AsString()
			}
			n.Content = append(n.Content, r.key(kr, name), r.value(item.ValueExpr))
		}
		return n
	}
	return r.closed(at, "it is an expression")
}

// literal is the text of a template without anything to fill in, between quotation marks.
func (r *hclReader) literal(e *hclsyntax.TemplateExpr) (string, bool) {
	at := e.Range()
	if at.End.Byte-at.Start.Byte < 2 || r.text[at.Start.Byte] != '"' || r.text[at.End.Byte-1] != '"' {
		return "", false
	}
	if len(e.Parts) == 0 {
		return "", true
	}
	if !e.IsStringLiteral() {
		return "", false
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		return "", false
	}
	return v.AsString(), true
}

func (r *hclReader) sequence(at hcl.Range, tag string, items []hclsyntax.Expression) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: tag, Line: at.Start.Line, Column: 1}
	for _, e := range items {
		n.Content = append(n.Content, r.value(e))
	}
	return n
}

func (r *hclReader) closed(at hcl.Range, why string) *yaml.Node {
	n := r.doc.scalar(Span{at.Start.Byte, at.End.Byte}, at.Start.Line, "!expression", string(r.text[at.Start.Byte:at.End.Byte]))
	r.doc.Closed[n] = why
	return n
}

// SpellHCL spells v as a text of HCL; a number stays one if v is a whole number.
func SpellHCL(n *yaml.Node, v string) []byte {
	if n.Tag == "!!float" && Integer(v) {
		return []byte(v)
	}
	v = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v)
	return []byte(`"` + strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v) + `"`)
}
