package world

import (
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// statements are what lies beside versions in the registry, how often.
type statements map[string]int

// Statement is that a version earned a lane under rules.
type Statement struct {
	Lane    gitops.Lane
	Version gitops.Version
	Rules   string
}

func (s Statement) String() string {
	return Image(s.Lane.Artifact) + "@" + s.Version.Digest + " in " + s.Lane.Environment + " under " + s.Rules
}

// Stated says whether a statement lies beside its version.
func (w *World) Stated(s Statement) bool { return w.statements[s.String()] > 0 }

// State puts a statement beside its version, whether or not it is there.
func (w *World) State(by string, s Statement) {
	w.statements[s.String()]++
	w.note(Deed{By: by, Kind: "publish", Lane: s.Lane, Digest: s.Version.Digest, Text: s.Version.Tag + " under " + s.Rules})
}

// Reported are the open issues of the bot.
func (w *World) Reported() []string {
	var ids []string
	for _, i := range w.issues {
		if i.Author.Name == Bot && i.State == gitops.Open {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// Author is who opened an issue; empty if there is none of that name.
func (w *World) Author(issue string) string {
	for _, i := range w.issues {
		if i.ID == issue {
			return i.Author.Name
		}
	}
	return ""
}

// Statements counts what is said beside a digest.
func (w *World) Statements(digest string) int {
	n := 0
	for about, times := range w.statements {
		if strings.Contains(about, "@"+digest+" ") {
			n += times
		}
	}
	return n
}
