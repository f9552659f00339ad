package prose

import (
	"strings"
	"unicode"
)

// maxForeign is how much of a foreign text is shown.
const maxForeign = 300

// Plain takes out of a foreign text what could speak to a terminal: control
// characters, direction marks and invisible ones. It is cut at 300 characters.
func Plain(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxForeign {
			b.WriteString("…")
			break
		}
		n++
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Markdown makes a foreign text show as itself in a proposal: no markup, no
// mention, no link, no HTML.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range Plain(s) {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '@':
			// A zero-width joiner keeps forges from notifying somebody.
			b.WriteString("@\u200d")
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '#', '|', '!', '~':
			b.WriteByte('\\')
			b.WriteRune(r)
		case ':':
			// "https://" becomes no link without its colon and slashes together.
			b.WriteString("&#58;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Code is a foreign text as inline code.
func Code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(Plain(s)) + "`"
}
