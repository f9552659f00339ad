// Package path reads the expressions that name one scalar of a file, such as spec.containers[name=app].image.
//
// It is an address, not a query: no filters, no wildcards, nothing that could lead to several places. The spellings of
// other tools for the same address (a.0.b, $.a.b, /a/0/b, kustomization:path) are read too. Change this file for the
// language; how an address is followed in a file is in lookup.go of package edit.
package path

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxLength is the limit on the bytes of an expression.
const MaxLength = 2000

const (
	maxSteps = 100
)

// Kind says what a step names.
type Kind int

// The kinds.
const (
	Key    Kind = iota // a.b, ["a.b"], /a/b; digits also count in a sequence
	Index              // [0]
	Select             // [name=app,kind=x]
	Embed              // |
)

// Step is one step of the way.
type Step struct {
	Kind  Kind
	Key   string
	Index int
	Where []Condition
}

// Condition wants the scalar under Keys, seen from the selected node, to read Value.
type Condition struct {
	Keys  []string
	Value string
}

func (s Step) String() string {
	switch s.Kind {
	case Key:
		return spellKey(s.Key)
	case Index:
		return fmt.Sprintf("[%d]", s.Index)
	case Embed:
		return " | "
	case Select:
	}
	var parts []string
	for _, c := range s.Where {
		keys := make([]string, len(c.Keys))
		for i, k := range c.Keys {
			keys[i] = strings.NewReplacer(`\`, `\\`, ".", `\.`, "=", `\=`, "]", `\]`, ",", `\,`, `"`, `\"`, "'", `\'`, "*", `\*`, "?", `\?`).Replace(k)
		}
		parts = append(parts, strings.Join(keys, ".")+"="+spellValue(c.Value))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func spellKey(k string) string {
	if k == "" || strings.ContainsAny(k, ".[]|\"'\\/*~$ \t=?@,") || strings.ContainsFunc(k, func(r rune) bool { return r < 0x20 || r == 0x7F }) {
		return "[" + quoteKey(k) + "]"
	}
	return k
}

func quoteKey(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func spellValue(v string) string {
	if v == "" || v[0] == '=' || strings.ContainsAny(v, "],\"'\\ \t") {
		return quoteKey(v)
	}
	return v
}

// Spell gives the canonical spelling of a path.
func Spell(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		t := s.String()
		if s.Kind == Key && b.Len() > 0 && t[0] != '[' && !strings.HasSuffix(b.String(), " | ") {
			b.WriteByte('.')
		}
		b.WriteString(t)
	}
	return b.String()
}

// reader reads a path expression; its refusals point at the character.
type reader struct {
	s string
	i int
}

// Error says what is wrong with an expression, and at which character, counted from 1.
type Error struct {
	Character int
	Text      string
}

// Error names the character first.
func (e *Error) Error() string { return fmt.Sprintf("character %d: %s", e.Character, e.Text) }

func (r *reader) fail(at int, format string, args ...any) *Error {
	return &Error{Character: len([]rune(r.s[:min(at, len(r.s))])) + 1, Text: fmt.Sprintf(format, args...)}
}

// Parse reads dotted keys, [0], [name=value], ["quoted.key"] and "| ", and the spellings $.a, .a, a.0 and /a/0.
func Parse(s string) ([]Step, error) {
	r := &reader{s: s}
	if len(s) > MaxLength {
		return nil, &Error{Character: MaxLength + 1, Text: fmt.Sprintf("%d bytes long, the limit is %d", len(s), MaxLength)}
	}
	if s == "" {
		return nil, r.fail(0, "the path is empty")
	}
	for i, c := range s {
		if c < 0x20 || c == 0x7F || c == 0xFFFD {
			return nil, r.fail(i, "control characters and broken text have no place in a path")
		}
	}
	if strings.HasPrefix(s, "/") {
		return r.pointer()
	}
	if strings.HasPrefix(s, "$") {
		r.i = 1
		if r.i == len(s) {
			return nil, r.fail(1, "a key is missing behind $")
		}
	}
	if strings.HasPrefix(s[r.i:], ".") && !strings.HasPrefix(s[r.i:], "..") {
		r.i++
	}
	return r.steps()
}

func (r *reader) steps() (out []Step, err error) {
	wantKey := true // a key must follow: at the beginning, behind a dot, behind a bar
	fresh := true   // nothing of this text was addressed yet: a selector may stand here
	for r.i < len(r.s) {
		if len(out) >= maxSteps {
			return nil, r.fail(r.i, "more than %d steps", maxSteps)
		}
		var st Step
		switch c := r.s[r.i]; {
		case c == '[' && (!wantKey || fresh):
			st, err = r.bracket()
		case strings.HasPrefix(strings.TrimLeft(r.s[r.i:], " "), "|") && (!wantKey || fresh && len(out) > 0):
			if wantKey {
				return nil, r.fail(r.i, "a key is missing before |")
			}
			st, err = r.bar()
			if err == nil {
				out, wantKey, fresh = append(out, st), true, true
				continue
			}
		case c == '.' && !wantKey:
			r.i++
			if strings.HasPrefix(r.s[r.i:], ".") {
				return nil, r.fail(r.i, `".." would search the whole file; a path names one place`)
			}
			if r.i == len(r.s) {
				return nil, r.fail(r.i, "a key is missing behind the dot")
			}
			wantKey = true
			continue
		case wantKey:
			st, err = r.key()
		default:
			return nil, r.fail(r.i, "expected '.', '[' or ' | ', found %q", rune(c))
		}
		if err != nil {
			return nil, err
		}
		out, wantKey, fresh = append(out, st), false, false
	}
	if wantKey {
		return nil, r.fail(r.i, "the path ends where a key should follow")
	}
	return out, nil
}

// bar reads " | ", the way into embedded YAML.
func (r *reader) bar() (Step, error) {
	r.i += strings.IndexByte(r.s[r.i:], '|') + 1
	if !strings.HasPrefix(r.s[r.i:], " ") {
		return Step{}, r.fail(r.i, "a blank must follow the bar")
	}
	for strings.HasPrefix(r.s[r.i:], " ") {
		r.i++
	}
	return Step{Kind: Embed}, nil
}

// key reads a bare key up to the next dot, bracket or bar.
func (r *reader) key() (Step, error) {
	var b strings.Builder
	start := r.i
	for r.i < len(r.s) {
		c := r.s[r.i]
		if c == '.' || c == '[' || c == ' ' && strings.HasPrefix(strings.TrimLeft(r.s[r.i:], " "), "|") {
			break
		}
		switch c {
		case '\\':
			r.i++
			if r.i == len(r.s) {
				return Step{}, r.fail(r.i, "nothing follows the backslash")
			}
			c = r.s[r.i]
		case '"', '\'':
			return Step{}, r.fail(r.i, `write a quoted key in brackets: ["a.b"]`)
		case ']':
			return Step{}, r.fail(r.i, "']' without '['")
		case '|':
			return Step{}, r.fail(r.i, "a blank must stand before the bar; quote a key that holds one")
		}
		b.WriteByte(c)
		r.i++
	}
	switch k := b.String(); k {
	case "":
		return Step{}, r.fail(start, "a key is missing here")
	case "*", "**":
		return Step{}, r.fail(start, "%q would name several places; a path names one", k)
	default:
		return Step{Kind: Key, Key: k}, nil
	}
}

// bracket reads [0], ["key"] or [key=value,...].
func (r *reader) bracket() (Step, error) {
	open := r.i
	r.i++
	rest := r.s[r.i:]
	switch {
	case rest == "":
		return Step{}, r.fail(open, "'[' is not closed")
	case rest[0] == '*':
		return Step{}, r.fail(r.i, "[*] would name several places; select one, such as [name=app] or [0]")
	case rest[0] == '?':
		return Step{}, r.fail(r.i, "filters are not known here; write [name=app]")
	case rest[0] == ']':
		return Step{}, r.fail(r.i, "the brackets are empty")
	case rest[0] == '"' || rest[0] == '\'':
		k, err := r.quoted()
		if err != nil {
			return Step{}, err
		}
		if !strings.HasPrefix(r.s[r.i:], "]") {
			return Step{}, r.fail(r.i, "']' is missing")
		}
		r.i++
		return Step{Kind: Key, Key: k}, nil
	}
	if end := closing(rest); end > 0 && !strings.Contains(rest[:end], "=") {
		n, err := strconv.Atoi(rest[:end])
		if err != nil || n < 0 || rest[0] == '+' {
			return Step{}, r.fail(r.i, "%q is neither an index nor a selector such as name=app", rest[:end])
		}
		r.i += end + 1
		return Step{Kind: Index, Index: n}, nil
	}
	st := Step{Kind: Select}
	for {
		c, err := r.condition(open)
		if err != nil {
			return Step{}, err
		}
		st.Where = append(st.Where, c)
		r.i++
		if r.s[r.i-1] == ']' {
			return st, nil
		}
	}
}

// closing is the place of the first ']' without a backslash before it, -1 when there is none.
func closing(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ']':
			return i
		}
	}
	return -1
}

// condition reads key=value and stops on the ',' or ']' behind it.
func (r *reader) condition(open int) (c Condition, err error) {
	var b strings.Builder
	start := r.i
	for ; ; r.i++ {
		if r.i == len(r.s) {
			return c, r.fail(open, "'[' is not closed")
		}
		ch := r.s[r.i]
		switch {
		case ch == '\\' && r.i+1 < len(r.s):
			r.i++
			b.WriteByte(r.s[r.i])
			continue
		case ch == ']' || ch == ',':
			return c, r.fail(r.i, "'=' is missing: write [name=app]")
		case ch != '.' && ch != '=':
			b.WriteByte(ch)
			continue
		}
		if b.Len() == 0 {
			return c, r.fail(start, "a key is missing before %q", rune(ch))
		}
		c.Keys = append(c.Keys, b.String())
		b.Reset()
		if ch == '=' {
			r.i++
			break
		}
	}
	if strings.HasPrefix(r.s[r.i:], "=") {
		return c, r.fail(r.i, "write one '=': [name=app]")
	}
	if strings.HasPrefix(r.s[r.i:], `"`) || strings.HasPrefix(r.s[r.i:], "'") {
		c.Value, err = r.quoted()
	} else if n := strings.IndexAny(r.s[r.i:], "],"); n >= 0 {
		c.Value = r.s[r.i : r.i+n]
		r.i += n
	} else {
		r.i = len(r.s)
	}
	switch {
	case err != nil:
		return c, err
	case r.i == len(r.s):
		return c, r.fail(open, "'[' is not closed")
	case r.s[r.i] != ']' && r.s[r.i] != ',':
		return c, r.fail(r.i, "expected ',' or ']' behind the quoted value")
	}
	return c, nil
}

// quoted reads "text" or 'text'; a backslash takes the next character as it is.
func (r *reader) quoted() (string, error) {
	open, q := r.i, r.s[r.i]
	var b strings.Builder
	for r.i++; r.i < len(r.s); r.i++ {
		switch c := r.s[r.i]; {
		case c == q:
			r.i++
			return b.String(), nil
		case c == '\\' && r.i+1 < len(r.s):
			r.i++
			b.WriteByte(r.s[r.i])
		default:
			b.WriteByte(c)
		}
	}
	return "", r.fail(open, "the quotation mark is not closed")
}

// pointer reads a JSON pointer.
func (r *reader) pointer() (out []Step, err error) {
	at := 1
	for part := range strings.SplitSeq(r.s[1:], "/") {
		if i := strings.IndexByte(part, '~'); i >= 0 && !validTildes(part) {
			return nil, r.fail(at+i, "'~' must be followed by 0 or 1 in a JSON pointer")
		}
		if part == "*" {
			return nil, r.fail(at, `"*" would name several places; a path names one`)
		}
		if len(out) >= maxSteps {
			return nil, r.fail(at, "more than %d steps", maxSteps)
		}
		out = append(out, Step{Kind: Key, Key: strings.NewReplacer("~1", "/", "~0", "~").Replace(part)})
		at += len(part) + 1
	}
	return out, nil
}

func validTildes(s string) bool {
	rest := strings.NewReplacer("~0", "", "~1", "").Replace(s)
	return !strings.Contains(rest, "~")
}
