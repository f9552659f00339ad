package world

import (
	"cmp"
	"maps"
	"slices"

	"github.com/waveguide-dev/waveguide/signals"
)

// Source is the repository that an artifact is built from.
func Source(artifact string) string { return "https://git.example.com/" + artifact }

// revision is the commit that a build was made from: one of its own.
func (b *Build) revision() string { return string(b.Digest)[7:47] }

// Wrote are the authors of what came into an artifact after one build up to
// another; nobody of what goes back.
func (w *World) Wrote(artifact string, from, to signals.Digest) []string {
	a, b := w.builds[from], w.builds[to]
	if a == nil || b == nil {
		return nil
	}
	who := map[string]bool{}
	for _, o := range w.builds {
		if o.Artifact == artifact && o.Author != "" && o.order > a.order && o.order <= b.order {
			who[o.Author] = true
		}
	}
	return slices.Sorted(maps.Keys(who))
}

// Authors is [World.Wrote] as the source's forge tells it, between two
// revisions.
func (w *World) Authors(source, from, to string) []string {
	var a, b *Build
	for _, d := range slices.SortedFunc(maps.Keys(w.builds), cmp.Compare[signals.Digest]) {
		switch o := w.builds[d]; {
		case Source(o.Artifact) != source:
		case o.revision() == from:
			a = o
		case o.revision() == to:
			b = o
		}
	}
	if a == nil || b == nil {
		return nil
	}
	return w.Wrote(a.Artifact, a.Digest, b.Digest)
}
