package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds of what is read.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 200
	maxDepth     = 64
	maxDocuments = 1000
	// APIVersion is the version of every document.
	APIVersion = "waveguide.dev/v1alpha1"
)

// refused is the tag of a node that was reported already.
const refused = "!!refused"

// File is one file of the rules, by its path in the repository.
type File struct {
	Name string
	Data []byte
}

// document is one YAML document of a file.
type document struct {
	file string
	line int
	kind string
	name string
	// root is the mapping of the document; nil when it is no mapping.
	root     *yaml.Node
	problems []Problem
	// broken are the keys of the root of which something could not be read.
	broken map[string]bool
}

// title is kind and name for people.
func (d *document) title() string {
	return strings.TrimSpace(d.kind + " " + d.name)
}

// why is the first problem of a broken document, for those it holds.
func (d *document) why() string {
	if len(d.problems) == 0 {
		return ""
	}
	first := Problems(append([]Problem(nil), d.problems...)).sorted()[0]
	if t := d.title(); t != "" {
		return fmt.Sprintf("%s is broken: %s", t, first)
	}
	return "a document is broken: " + first.String()
}

// report adds a problem at a node of the document.
func (d *document) report(n *yaml.Node, hint, format string, args ...any) {
	line, column := d.line, 1
	if n != nil {
		line, column = n.Line, n.Column
	}
	d.problems = append(d.problems, Problem{
		File: d.file, Line: line, Column: column, What: fmt.Sprintf(format, args...), Hint: hint, Document: d.title(),
	})
}

// reportAt adds a problem at the value that a path of keys and indexes leads to,
// or at the nearest thing on the way there.
func (d *document) reportAt(path []any, hint, format string, args ...any) {
	d.report(find(d.root, path), hint, format, args...)
}

// section is the key of the root that a line belongs to.
func (d *document) section(line int) (key string) {
	for i := 0; i+1 < len(d.root.Content) && d.root.Content[i].Line <= line; i += 2 {
		key = d.root.Content[i].Value
	}
	return key
}

// find follows keys and indexes as far as they lead.
func find(n *yaml.Node, path []any) *yaml.Node {
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case string:
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	case int:
		if n != nil && n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	}
	return nil
}

// readFile splits a file into documents and parses each by itself, so that one
// that cannot be parsed leaves the others in force.
func readFile(f File) []*document {
	whole := func(format string, args ...any) []*document {
		d := &document{file: f.Name, line: 1}
		d.report(nil, "", format, args...)
		return []*document{d}
	}
	if len(f.Data) > maxFileBytes {
		return whole("the file has %d bytes, more than the %d that are read", len(f.Data), maxFileBytes)
	}
	if !utf8.Valid(f.Data) {
		return whole("the file is not UTF-8")
	}
	var docs []*document
	for _, c := range split(f.Data) {
		if d := readDocument(f.Name, c); d != nil {
			docs = append(docs, d)
		}
		if len(docs) > maxDocuments {
			return whole("the file has more than %d documents", maxDocuments)
		}
	}
	return docs
}

// chunk is the text of one document and the number of lines before it.
type chunk struct {
	before int
	text   []byte
}

// split cuts a stream at its document markers, which YAML allows nowhere else.
func split(data []byte) []chunk {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var chunks []chunk
	start, startLine, line := 0, 0, 0
	for i := 0; i < len(data); {
		end := len(data)
		if j := bytes.IndexByte(data[i:], '\n'); j >= 0 {
			end = i + j + 1
		}
		if i > start && marks(data[i:end]) {
			chunks = append(chunks, chunk{startLine, data[start:i]})
			start, startLine = i, line
		}
		line++
		i = end
	}
	return append(chunks, chunk{startLine, data[start:]})
}

func marks(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || strings.ContainsRune(" \t\r\n", rune(line[3])))
}

// readDocument parses one document; it is nil if there is nothing in it.
func readDocument(file string, c chunk) *document {
	d := &document{file: file, line: c.before + 1}
	dec := yaml.NewDecoder(bytes.NewReader(c.text))
	var n yaml.Node
	if err := dec.Decode(&n); err != nil {
		if err.Error() == "EOF" {
			return nil
		}
		d.guess(c.text)
		line, what := yamlError(err)
		d.report(&yaml.Node{Line: c.before + line, Column: 1}, "", "this is not YAML: %s", what)
		return d
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 || empty(n.Content[0]) {
		return nil
	}
	d.root = n.Content[0]
	d.check(d.root, c.before, 0)
	if d.root.Kind != yaml.MappingNode {
		d.report(d.root, "begin it with apiVersion, kind and name", "a document is a mapping, not %s", article(d.root))
		d.root = nil
		return d
	}
	d.line = d.root.Line
	var more yaml.Node
	if err := dec.Decode(&more); err == nil || err.Error() != "EOF" {
		d.report(nil, `separate documents by a line "---"`, "something follows the end of the document")
	}
	d.kind, d.name = text(child(d.root, "kind")), text(child(d.root, "name"))
	return d
}

func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// guess reads kind and name of a document that is not YAML, to know whom it
// may concern.
func (d *document) guess(b []byte) {
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "kind:"); ok && d.kind == "" {
			d.kind = word(v)
		}
		if v, ok := strings.CutPrefix(line, "name:"); ok && d.name == "" {
			d.name = word(v)
		}
	}
}

func word(s string) string {
	s, _, _ = strings.Cut(s, " #")
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	if len(s) > 80 {
		return ""
	}
	return s
}

// yamlError is the line and the text of a parser's error.
func yamlError(err error) (int, string) {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(what, "line "); ok {
		number, after, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil && n > 0 {
			return n, after
		}
	}
	return 1, what
}

// check moves the nodes of a document to their lines in the file and refuses
// what makes a document hard to judge: aliases, anchors, tags, merge keys,
// double keys and great depth.
func (d *document) check(n *yaml.Node, before, depth int) {
	n.Line += before
	if depth > maxDepth {
		if depth == maxDepth+1 {
			d.report(n, "", "this is nested deeper than %d levels", maxDepth)
		}
		n.Content = nil
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		d.report(n, "write the value out", "aliases are not allowed")
		// The alias points to a node that is visited at its own place.
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: refused, Line: n.Line, Column: n.Column}
		return
	case n.Anchor != "":
		d.report(n, "write the value out where it is needed", "anchors are not allowed")
	case n.Style&yaml.TaggedStyle != 0:
		d.report(n, "", "tags such as %.40q are not allowed", n.Tag)
		n.Tag = refused
	}
	for _, c := range n.Content {
		d.check(c, before, depth+1)
	}
	if n.Kind == yaml.MappingNode {
		d.checkKeys(n)
	}
}

func (d *document) checkKeys(n *yaml.Node) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode:
			d.report(k, "", "a key is a word, not %s", article(k))
		case k.Tag == "!!merge":
			d.report(k, "write the keys out", "merge keys are not allowed")
		case seen[k.Value] > 0:
			d.report(k, "", "key %.80q stands here a second time, first in line %d", k.Value, seen[k.Value])
		default:
			seen[k.Value] = k.Line
		}
	}
}

// text is the value of a scalar, empty for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || len(n.Value) > 256 {
		return ""
	}
	return n.Value
}

// article is what a node is, with its article, for messages.
func article(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return "a mapping"
	}
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a time"
	}
	return "a text"
}
