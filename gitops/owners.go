package gitops

import (
	"regexp"
	"slices"
	"strings"
)

// Owners says who owns which files, as a CODEOWNERS file has it. How such a
// file is read differs from forge to forge: GitHub counts the last line that
// fits, GitLab the last one of each section, Gitea every line, as a regular
// expression.
type Owners struct {
	sections [][]ownedBy
	every    bool
}

type ownedBy struct {
	pattern *regexp.Regexp
	not     bool
	owners  []string
}

// OwnersFiles are the places where a kind of forge looks for the file, the
// first one found counts.
func OwnersFiles(kind string) []string {
	switch kind {
	case "gitlab":
		return []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}
	case "gitea":
		return []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"}
	}
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
}

const (
	maxOwners    = 512 << 10
	maxOwnerLine = 1000
)

var sectionHead = regexp.MustCompile(`^\^?\[[^\]]+\](\[\d+\])?`)

// ParseOwners reads a CODEOWNERS file of that kind of forge. Lines that cannot
// be read own nothing.
func ParseOwners(kind, text string) Owners {
	o := Owners{sections: [][]ownedBy{nil}, every: kind == "gitea"}
	if len(text) > maxOwners {
		text = text[:maxOwners]
	}
	var byDefault []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		head := ""
		if kind == "gitlab" {
			head = sectionHead.FindString(line)
		}
		switch {
		case line == "", strings.HasPrefix(line, "#"), len(line) > maxOwnerLine:
		case head != "":
			o.sections = append(o.sections, nil)
			byDefault = strings.Fields(line[len(head):])
		default:
			add(&o, line, byDefault)
		}
	}
	return o
}

// add puts a line into the last section.
func add(o *Owners, line string, byDefault []string) {
	line, _, _ = strings.Cut(line, " #")
	words := splitEscaped(line)
	one := ownedBy{owners: words[1:]}
	if len(one.owners) == 0 {
		one.owners = byDefault
	}
	expression := globExpression(words[0])
	if o.every {
		words[0], one.not = strings.CutPrefix(words[0], "!")
		expression = "^(?:" + words[0] + ")$"
	}
	var err error
	if one.pattern, err = regexp.Compile(expression); err == nil {
		last := len(o.sections) - 1
		o.sections[last] = append(o.sections[last], one)
	}
}

// splitEscaped splits at blanks that no backslash stands before.
func splitEscaped(line string) []string {
	const blank = "\x00"
	words := strings.Fields(strings.ReplaceAll(line, `\ `, blank))
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], blank, " ")
	}
	return words
}

// globExpression is a pattern of gitignore as a regular expression: one with a
// slash inside is anchored, a folder owns what is below it.
func globExpression(pattern string) string {
	anchored := strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	pattern = strings.TrimPrefix(pattern, "/")
	var b strings.Builder
	b.WriteString("^")
	if !anchored {
		b.WriteString("(?:.*/)?")
	}
	for i := 0; i < len(pattern); i++ {
		switch {
		case strings.HasPrefix(pattern[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case pattern[i] == '*':
			b.WriteString("[^/]*")
		case pattern[i] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	switch {
	case strings.HasSuffix(pattern, "/"):
		b.WriteString(".*$")
	case strings.HasSuffix(pattern, "/*"):
		b.WriteString("$") // files of the folder, not of those below it
	default:
		b.WriteString("(?:/.*)?$")
	}
	return b.String()
}

// Of is who owns a file, in alphabetical order.
func (o Owners) Of(path string) []string {
	var out []string
	for _, s := range o.sections {
		for _, rule := range slices.Backward(s) {
			if rule.pattern.MatchString(path) == rule.not {
				continue
			}
			out = append(out, rule.owners...)
			if !o.every {
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Request turns owners into who is asked: teams are written "@org/team".
func (o Owners) Request(paths ...string) Request {
	var r Request
	for _, path := range paths {
		for _, who := range o.Of(path) {
			name, isName := strings.CutPrefix(who, "@")
			switch {
			case strings.Contains(name, "/") && isName && !slices.Contains(r.Teams, who):
				r.Teams = append(r.Teams, who)
			case isName && !strings.Contains(name, "/") && !slices.Contains(r.Reviewers, name):
				r.Reviewers = append(r.Reviewers, name)
			}
		}
	}
	return r
}
