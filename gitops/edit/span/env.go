package span

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	reEnvName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*`)
	reEnvBare = regexp.MustCompile(`^[A-Za-z0-9_./:@+=,%~^-]*$`)
)

// Env reads lines of NAME=value, as Compose, systemd and shells do.
func Env(text []byte) (*Doc, error) {
	d := newDoc()
	d.Root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	at, line := 0, 1
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		at = 3
	}
	for at < len(text) {
		end, err := d.variable(text, at, line)
		if err != nil {
			return nil, err
		}
		line += 1 + bytes.Count(text[at:end], []byte{'\n'})
		at = end + 1
	}
	return d, nil
}

// variable reads the line at byte at, and gives where it ends.
func (d *Doc) variable(text []byte, at, line int) (int, error) {
	i := at
	skip := func() {
		for i < len(text) && IsBlank(text[i]) {
			i++
		}
	}
	skip()
	if rest := text[i:]; bytes.HasPrefix(rest, []byte("export ")) || bytes.HasPrefix(rest, []byte("export\t")) {
		i += 7
		skip()
	}
	if i >= len(text) || bytes.IndexByte([]byte("#\r\n"), text[i]) >= 0 {
		return lineEnd(text, i), nil
	}
	name := reEnvName.Find(text[i:min(len(text), i+256)])
	key := d.scalar(Span{i, i + len(name)}, line, "!!str", string(name))
	i += len(name)
	skip()
	if len(name) == 0 || i >= len(text) || text[i] != '=' {
		return 0, &SyntaxError{line, "a line that is not NAME=value"}
	}
	i++
	skip()
	v, end := d.assigned(text, i, line)
	if end < 0 {
		return 0, &SyntaxError{line, "the quotation mark is not closed"}
	}
	d.Root.Content = append(d.Root.Content, key, v)
	return end, nil
}

// assigned reads the value at byte i, and gives where its line ends; -1 if it does not.
func (d *Doc) assigned(text []byte, i, line int) (*yaml.Node, int) {
	if i < len(text) && (text[i] == '\'' || text[i] == '"') {
		q := text[i]
		for j := i + 1; j < len(text); j++ {
			switch {
			case text[j] == '\\' && q == '"':
				j++
			case text[j] == q:
				n := d.scalar(Span{i, j + 1}, line, "!!str", string(text[i+1:j]))
				n.Style = yaml.DoubleQuotedStyle
				if q == '\'' {
					n.Style = yaml.SingleQuotedStyle
				}
				end := lineEnd(text, j+1)
				rest := strings.TrimLeft(string(text[j+1:end]), " \t")
				switch {
				case q == '"' && strings.Contains(n.Value, `\`):
					d.Closed[n] = "it holds escapes, which programs read in different ways"
				case strings.TrimRight(rest, "\r") != "" && !strings.HasPrefix(rest, "#"):
					d.Closed[n] = "more text follows the quotation mark"
				}
				return n, end
			}
		}
		return nil, -1
	}
	end := lineEnd(text, i)
	stop := end
	for j := i; j < end; j++ {
		if text[j] == '#' && j > 0 && IsBlank(text[j-1]) {
			stop = j
			break
		}
	}
	v := strings.TrimRight(string(text[i:stop]), " \t\r")
	n := d.scalar(Span{i, i + len(v)}, line, "!!str", v)
	if strings.ContainsAny(v, "\\'\"`") {
		d.Closed[n] = "it holds quotation marks or escapes, which programs read in different ways"
	}
	return n, end
}

// lineEnd is the place of the line feed that ends the line of byte i.
func lineEnd(text []byte, i int) int {
	if n := bytes.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(text)
}

// SpellEnv spells v as the value of a variable in the quotation marks that are there; false if it cannot stand in them.
func SpellEnv(n *yaml.Node, v string) ([]byte, bool) {
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		return []byte("'" + v + "'"), Printable(v) && !strings.Contains(v, "'")
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return []byte(`"` + v + `"`), Printable(v) && !strings.ContainsAny(v, "\"\\$`")
	}
	return []byte(v), reEnvBare.MatchString(v)
}
