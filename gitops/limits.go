package gitops

import (
	"strings"
	"unicode/utf8"
)

// Limits are how long a forge lets texts be, in characters; zero is no limit.
type Limits struct{ Title, Body, Label, Check int }

// CutLine makes a text one line of at most so many characters. The beginning,
// which is the important part, stays.
func CutLine(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if most <= 0 || utf8.RuneCountInString(text) <= most {
		return text
	}
	return cutRunes(text, most-1) + "…"
}

// cutNote ends a text that was cut.
const cutNote = "\n\n_The rest does not fit here: the check links to all of it._"

// CutBody makes Markdown fit into so many characters. Whole blocks stay from
// the beginning, where the important ones are; what a cut would leave open is
// closed, and an invisible last line stays.
func CutBody(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if most <= 0 || utf8.RuneCountInString(text) <= most {
		return text
	}
	tail := cutNote
	if i := strings.LastIndexByte(strings.TrimRight(text, "\n"), '\n'); i >= 0 {
		if last := strings.TrimSpace(text[i:]); strings.HasPrefix(last, "<!--") && strings.HasSuffix(last, "-->") {
			tail += "\n\n" + last
			text = text[:i]
		}
	}
	// Closing tags and fences may be added; this is room for them.
	const room = 200
	left := most - utf8.RuneCountInString(tail) - room
	if left <= 0 {
		return cutRunes(text, most)
	}
	kept := cutRunes(text, left)
	if i := strings.LastIndex(kept, "\n\n"); i > 0 {
		kept = kept[:i]
	} else if i := strings.LastIndexByte(kept, '\n'); i > 0 {
		kept = kept[:i]
	}
	return closed(kept, room) + tail
}

// closed closes the fence and the folded parts that a cut left open.
func closed(text string, room int) string {
	fence := ""
	depth := 0
	for line := range strings.Lines(text) {
		if mark := fenceOf(line); mark != "" && (fence == "" || fence == mark) {
			if fence == "" {
				fence = mark
			} else {
				fence = ""
			}
			continue
		}
		if fence == "" {
			depth += strings.Count(line, "<details") - strings.Count(line, "</details>")
		}
	}
	end := ""
	if fence != "" {
		end = "\n" + fence
	}
	for range max(0, min(depth, (room-len(end))/len("\n\n</details>"))) {
		end += "\n\n</details>"
	}
	return text + end
}

func cutRunes(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i]
		}
		n++
	}
	return text
}
