package span

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	rePlain  = regexp.MustCompile(`^(?:[A-Za-z0-9_./$(]|-[A-Za-z0-9_./-])[A-Za-z0-9_./:@+\-~=?&%()$^*#!;<>|]*$`)
	reNumber = regexp.MustCompile(`^[-+]?(0[xXoObB]?[0-9a-fA-F_]+|[0-9][0-9_]*|(\.[0-9_]+|[0-9][0-9_]*\.?[0-9_]*)([eE][-+]?[0-9]+)?|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	reDate   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
)

// Encode spells v in the style the scalar already has, and quotes only where bare text would not be a string.
func Encode(v string, style yaml.Style) []byte {
	switch {
	case style&yaml.SingleQuotedStyle != 0 && Printable(v):
		return []byte("'" + strings.ReplaceAll(v, "'", "''") + "'")
	case style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && plainSafe(v):
		return []byte(v)
	}
	return DoubleQuote(v)
}

// EncodeLike spells v in place of n. A default of a variable, ${A:-b}, stays bare where one stood bare.
func EncodeLike(n *yaml.Node, v string) []byte {
	if n.Style == 0 && interpolated(n.Value) && interpolated(v) && plainSafe(v[2:len(v)-1]) {
		return []byte(v)
	}
	return Encode(v, n.Style)
}

func interpolated(v string) bool { return strings.HasPrefix(v, "${") && strings.HasSuffix(v, "}") }

// plainSafe says whether v can stand bare, in block and flow context, and is a string for YAML 1.1 and 1.2 readers.
func plainSafe(v string) bool {
	return rePlain.MatchString(v) && !strings.HasSuffix(v, ":") && !strings.HasPrefix(v, "...") && !strings.HasPrefix(v, "---") && plainIsString(v)
}

func plainIsString(v string) bool {
	if v == "" || reserved(v) || reNumber.MatchString(v) || reDate.MatchString(v) {
		return false
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Value: v}
	return n.ShortTag() == "!!str"
}

// reserved names the words that some reader takes for a boolean, null or merge key.
func reserved(v string) bool {
	switch strings.ToLower(v) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<", "=":
		return true
	}
	return false
}

func plainRune(r rune) bool {
	switch {
	case r == 0x2028 || r == 0x2029 || r == 0xFEFF:
		return false
	case r >= 0x20 && r <= 0x7E, r >= 0xA0 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000 && r <= 0x10FFFF:
		return true
	}
	return false
}

// Printable says whether all of v can stand in YAML without an escape.
func Printable(v string) bool {
	for _, r := range v {
		if !plainRune(r) {
			return false
		}
	}
	return true
}

// DoubleQuote spells v between double quotation marks.
func DoubleQuote(v string) []byte {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range v {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case plainRune(r):
			b.WriteRune(r)
		case r <= 0xFF:
			fmt.Fprintf(&b, `\x%02X`, r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return []byte(b.String())
}
