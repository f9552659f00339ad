package splice

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

const maxEmbedding = 3

// Embedded parses the text of a literal block scalar as YAML of its own.
func (t *Tree) Embedded(n *yaml.Node) (*Tree, error) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 {
		return nil, Refuse(ErrBlock, t.Line(n), "%s is not a literal block scalar, so there is no embedded YAML to go into", Describe(n))
	}
	depth := 1
	for o := t; o.Outer != nil; o = o.Outer {
		depth++
	}
	if depth > maxEmbedding {
		return nil, Refuse(ErrTooLarge, t.Line(n), "embedded YAML is nested more than %d deep", maxEmbedding)
	}
	sp, err := t.Range(n)
	if err != nil {
		return nil, err
	}
	b, err := t.block(n, sp)
	if err != nil {
		return nil, err
	}
	var text []byte
	starts := make([]int, 0, len(b.Lines))
	for _, l := range b.Lines {
		starts = append(starts, len(text))
		text = append(text, t.Text[l.Start:l.End]...)
		text = append(text, '\n')
	}
	if strings.TrimRight(string(text), "\n") != strings.TrimRight(n.Value, "\n") {
		return nil, Refuse(ErrBlock, t.Line(n), "its lines cannot be told apart")
	}
	base := t.lineBase + n.Line
	if len(b.Lines) > 0 {
		base = t.lineBase + t.LineAt(b.Lines[0].Start) - 1
	}
	in, err := parse(YAML, text)
	if err != nil {
		return nil, Refuse(ErrSyntax, t.Line(n), "the embedded text is not YAML: %v", err)
	}
	in.Outer, in.host, in.text, in.starts, in.lineBase = t, n, b.Lines, starts, base
	return in, nil
}

// block maps the lines of the block scalar at sp.
func (t *Tree) block(n *yaml.Node, sp span.Span) (span.Block, error) {
	b, err := t.Block(n, sp.Start)
	if err != nil {
		return b, Refuse(ErrBlock, t.Line(n), "%v", err)
	}
	return b, nil
}
