package local

import (
	"context"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/diff"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/waveguide-dev/waveguide/gitops"
)

// block is a paragraph, a heading, a list item or a table of a body. Nothing
// else of Markdown is read, and the template escapes every text.
type block struct {
	Kind string // p, h, li or table
	Text string
	Rows [][]string
}

func blocks(body string) []block {
	var out []block
	paragraph := false
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		last := len(out) - 1
		switch {
		case line == "", strings.HasPrefix(line, "<!--"):
			paragraph = false
		case strings.HasPrefix(line, "|"):
			paragraph = false
			if last < 0 || out[last].Kind != "table" {
				out = append(out, block{Kind: "table"})
				last++
			}
			if strings.Trim(line, "|-: ") != "" {
				out[last].Rows = append(out[last].Rows, cells(line))
			}
		case strings.HasPrefix(line, "#"):
			paragraph = false
			out = append(out, block{Kind: "h", Text: strings.TrimLeft(line, "# ")})
		case strings.HasPrefix(line, "- "), strings.HasPrefix(line, "* "):
			paragraph = false
			out = append(out, block{Kind: "li", Text: line[2:]})
		case paragraph:
			out[last].Text += " " + line
		default:
			paragraph = true
			out = append(out, block{Kind: "p", Text: line})
		}
	}
	return out
}

func cells(row string) []string {
	const bar = "\x00"
	row = strings.ReplaceAll(strings.Trim(row, "|"), `\|`, bar)
	out := strings.Split(row, "|")
	for i := range out {
		out[i] = strings.TrimSpace(strings.ReplaceAll(out[i], bar, "|"))
	}
	return out
}

// diffLine is a line of a diff with its class: file, add, del or same.
type diffLine struct{ Class, Text string }

const (
	maxDiffFiles = 50
	maxDiffLines = 500
	maxDiffBlob  = 1 << 20
	around       = 3
)

// diff is what a proposal changes; when it cannot be shown, it says so.
func (r *repository) diff(ctx context.Context, base, head gitops.Commit) []diffLine {
	store := r.storage()
	before, errBefore := treeOf(store, base)
	after, errAfter := treeOf(store, head)
	if errBefore != nil || errAfter != nil {
		return []diffLine{{"file", "the difference cannot be read"}}
	}
	changes, err := object.DiffTreeContext(ctx, before, after)
	if err != nil {
		return []diffLine{{"file", "the difference cannot be read"}}
	}
	var out []diffLine
	for i, c := range changes {
		if i == maxDiffFiles || len(out) > maxDiffLines {
			return append(out, diffLine{"file", "and more, which is not shown here"})
		}
		name := c.To.Name
		if name == "" {
			name = c.From.Name
		}
		out = append(out, diffLine{"file", name})
		out = append(out, fileDiff(ctx, store, c)...)
	}
	if len(out) > maxDiffLines {
		return append(out[:maxDiffLines:maxDiffLines], diffLine{"file", "and more, which is not shown here"})
	}
	return out
}

// fileDiff is what changes in one file.
func fileDiff(ctx context.Context, store *filesystem.Storage, c *object.Change) []diffLine {
	if size(store.EncodedObjectSize(c.From.TreeEntry.Hash))+size(store.EncodedObjectSize(c.To.TreeEntry.Hash)) > maxDiffBlob {
		return []diffLine{{"same", "too large to be shown here"}}
	}
	patch, err := c.PatchContext(ctx)
	if err != nil {
		return []diffLine{{"same", "cannot be shown"}}
	}
	var out []diffLine
	for _, f := range patch.FilePatches() {
		out = append(out, lines(f)...)
	}
	return out
}

func treeOf(store *filesystem.Storage, id gitops.Commit) (*object.Tree, error) {
	c, err := object.GetCommit(store, plumbing.NewHash(string(id)))
	if err != nil {
		return nil, err
	}
	return c.Tree()
}

func size(n int64, err error) int64 {
	if err != nil {
		return 0 // the side does not exist
	}
	return n
}

func lines(f diff.FilePatch) []diffLine {
	if f.IsBinary() {
		return []diffLine{{"same", "binary"}}
	}
	var out []diffLine
	chunks := f.Chunks()
	for i, c := range chunks {
		text := strings.Split(strings.TrimSuffix(c.Content(), "\n"), "\n")
		switch c.Type() {
		case diff.Add:
			out = appendLines(out, "add", "+ ", text)
		case diff.Delete:
			out = appendLines(out, "del", "- ", text)
		case diff.Equal:
			out = appendLines(out, "same", "  ", context3(text, i == 0, i == len(chunks)-1))
		}
	}
	return out
}

func appendLines(out []diffLine, class, mark string, text []string) []diffLine {
	for _, l := range text {
		out = append(out, diffLine{class, mark + oneLine(l, 400)})
	}
	return out
}

// context3 leaves the lines nearest to a change.
func context3(text []string, first, last bool) []string {
	switch {
	case first && last:
		return nil
	case first && len(text) > around:
		return text[len(text)-around:]
	case last && len(text) > around:
		return text[:around]
	case len(text) > 2*around:
		return append(append(append([]string{}, text[:around]...), "…"), text[len(text)-around:]...)
	}
	return text
}
