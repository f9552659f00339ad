package main

import (
	"fmt"
	"strings"
)

// difference is a unified difference without context; it knows that lines are
// changed in place or inserted, because that is all an edit does.
func difference(name string, before, after []byte) string {
	a, b := strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	var w strings.Builder
	fmt.Fprintf(&w, "--- a/%s\n+++ b/%s\n", name, name)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
			continue
		case j < len(b) && len(b)-j > len(a)-i && (i >= len(a) || j+1 < len(b) && b[j+1] == a[i]):
			fmt.Fprintf(&w, "@@ -%d,0 +%d @@\n+%s", i, j+1, line(b[j]))
			j++
		default:
			fmt.Fprintf(&w, "@@ -%d +%d @@\n-%s+%s", i+1, j+1, line(a[i]), line(b[j]))
			i, j = i+1, j+1
		}
	}
	return w.String()
}

func line(s string) string {
	if strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n\\ No newline at end of file\n"
}
