package world

import "github.com/waveguide-dev/waveguide/gitops"

// statements are what was said beside digests in the registry, how often.
type statements map[string]int

func statement(lane gitops.Lane, digest string) string {
	return Image(lane.Artifact) + "@" + digest + " in " + lane.Environment
}

// Stated says whether it was said beside a digest that it earned a lane.
func (w *World) Stated(lane gitops.Lane, digest string) bool {
	return w.statements[statement(lane, digest)] > 0
}

// State puts a statement beside a digest, whether or not there is one.
func (w *World) State(by string, lane gitops.Lane, digest, tag string) {
	w.statements[statement(lane, digest)]++
	w.note(Deed{By: by, Kind: "publish", Lane: lane, Digest: digest, Text: tag})
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
