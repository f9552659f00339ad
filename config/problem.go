package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many problems one call reports.
const maxProblems = 500

// Problem is one thing that is wrong with a document, and where.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// What says what is wrong in one sentence without its end.
	What string `json:"what"`
	// Hint says what to try; it may be empty.
	Hint string `json:"hint,omitempty"`
	// Document is kind and name, as far as they could be read.
	Document string `json:"document,omitempty"`
}

// Error is the problem as editors and people read it.
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.What)
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// String is Problem.Error.
func (p Problem) String() string { return p.Error() }

// Problems are all problems of one reading, in the order of files and lines.
type Problems []Problem

// Error is one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// sorted is the problems in reading order, without repetitions, bounded.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.What, b.What))
	})
	ps = slices.Compact(ps)
	if len(ps) > maxProblems {
		more := len(ps) - maxProblems
		last := ps[maxProblems]
		last.What, last.Hint = fmt.Sprintf("and %d more problems from here on", more), ""
		ps = append(ps[:maxProblems:maxProblems], last)
	}
	return ps
}

// orNil keeps an empty list from being a non-nil error.
func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// maxListed bounds how many names a hint lists.
const maxListed = 12

// nearest is `did you mean "x"?` for the known name closest to a misspelled
// one; if none is close, it lists the names there are, unless they are many.
func nearest(name string, known []string) string {
	if k := closest(name, known); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	var names []string
	for _, k := range known {
		if k != "" && !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	switch {
	case len(names) > maxListed:
		return ""
	case len(names) == 0:
		return "there is none"
	case len(names) == 1:
		return "there is only " + names[0]
	}
	return "write one of " + strings.Join(names, ", ")
}

// checkKnown reports a name that is written and that nothing has.
func (d *document) checkKnown(what, name string, known []string, at []any) {
	if name != "" && !slices.Contains(known, name) {
		d.reportAt(at, nearest(name, known), "unknown %s %q", what, clip(name))
	}
}

// closest is the known name with the smallest edit distance of at most a
// third of the word.
func closest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	best, least := "", max(2, len(name)/3)+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if len(k) > 64 || k == name {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
