package local

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// The limits of what people and programs write.
const (
	maxTitle   = 200
	maxBody    = 48 << 10
	maxLabel   = 64
	maxReason  = 500
	maxLabels  = 50
	maxThread  = 1000
	maxEvents  = 200
	maxCheck   = 2000
	maxChecks  = 50
	maxThreads = 100_000
)

func checkCheck(c gitops.Check) error {
	switch c.State {
	case gitops.CheckPending, gitops.CheckSuccess, gitops.CheckFailure:
	default:
		return refuse(http.StatusUnprocessableEntity, "check state %.20q is none of pending, success, failure", c.State)
	}
	if err := checkText("check", c.Name+c.Text+c.Target, maxCheck, false); err != nil || c.Name == "" || len(c.Name) > maxLabel {
		return refuse(http.StatusUnprocessableEntity, "the check's name or text is empty, too long or not plain text")
	}
	return nil
}

func checkLabel(name string) error {
	if name == "" || strings.TrimSpace(name) != name {
		return refuse(http.StatusUnprocessableEntity, "label %.70q is empty or has blanks at an end", name)
	}
	return checkText("label", name, maxLabel, true)
}

// checkText bounds a text in characters and keeps out
// what would act on a terminal.
func checkText(what, text string, most int, line bool) error {
	if !utf8.ValidString(text) {
		return refuse(http.StatusUnprocessableEntity, "the %s is not UTF-8", what)
	}
	if utf8.RuneCountInString(text) > most {
		return refuse(http.StatusUnprocessableEntity, "the %s is longer than %d: shorten it", what, most)
	}
	for _, c := range text {
		if unicode.IsControl(c) && (line || c != '\n' && c != '\t' && c != '\r') {
			return refuse(http.StatusUnprocessableEntity, "the %s has control characters", what)
		}
	}
	return nil
}

// oneLine is a text without line breaks and control characters, cut at most.
func oneLine(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func short(id plumbing.Hash) string {
	if id.IsZero() {
		return "nothing"
	}
	return gitops.Commit(id.String()).Short()
}
