package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// trees reads files of any commit of the GitOps repository.
type trees interface {
	Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error)
}

// ladder binds answers to digests: a revision that was applied is the digest
// that its tree names, and evidence below the environment's lowest rung says
// nothing about what runs.
type ladder struct {
	trees trees
	// sources say where charts come from that name a source of another file; nil
	// where nobody can.
	sources loop.Sources
	image   string
	stop    promoter.Stop
	asked   signals.Question
}

// ladderOf is the ladder of a lane of the routes, which are in order of their
// artifacts.
func ladderOf(routes []promoter.Route, lane gitops.Lane, t trees) ladder {
	i, _ := slices.BinarySearchFunc(routes, lane.Artifact, func(r promoter.Route, name string) int { return cmp.Compare(r.Artifact, name) })
	for ; i < len(routes) && routes[i].Artifact == lane.Artifact; i++ {
		for _, stop := range lanes(routes[i : i+1]) {
			if stop.Lane == lane {
				return ladder{trees: t, image: routes[i].Image, stop: stop}
			}
		}
	}
	return ladder{trees: t}
}

// bind is an answer as the core may count it.
func (l ladder) bind(ctx context.Context, s config.HealthSpec, h signals.Health) signals.Health {
	if h.Digest == "" && h.Rung == signals.RungApplied && h.Revision != "" {
		d, err := l.names(ctx, h.Revision)
		if err != nil {
			return doubt(h, err.Error()+": "+h.Reason)
		}
		h.Digest = d
	}
	if h.Digest != "" && !cmp.Or(h.Rung, signals.RungReported).Reaches(s.Lowest) {
		// It is still about that version; but what runs has to be seen better.
		h.For, h.Digest = h.Digest, ""
		h.Reason += fmt.Sprintf(" (what runs is known as %s; the environment accepts %s or better)", cmp.Or(h.Rung, signals.RungReported), s.Lowest)
	}
	return h
}

// names is the digest that a revision names in the lane. A chart's version is
// the digest that Git means by it.
func (l ladder) names(ctx context.Context, revision string) (signals.Digest, error) {
	if revision == l.asked.Tag && l.asked.Digest != "" {
		return l.asked.Digest, nil
	}
	if l.trees == nil {
		return "", fmt.Errorf("nobody can look up revision %.12s", revision)
	}
	at := gitops.Commit(revision)
	files, err := l.trees.Files(ctx, at, l.stop.Path, string(edit.Needle(l.image)))
	if err != nil {
		return "", fmt.Errorf("revision %.12s cannot be read here: %w", revision, err)
	}
	request := loop.Request(l.image, l.stop)
	if l.sources != nil && loop.Sourced(files) {
		if request.Sources, err = l.sources.Sources(ctx, at); err != nil {
			return "", fmt.Errorf("the sources of charts at revision %.12s cannot be read: %w", revision, err)
		}
	}
	d := loop.Desired(files, request, at)
	switch {
	case d.Presence == gitops.At && d.Version.Digest != "":
		return signals.ParseDigest(d.Version.Digest)
	case d.Presence == gitops.At && d.Version.Tag == l.asked.Tag && l.asked.Digest != "":
		return l.asked.Digest, nil
	}
	return "", fmt.Errorf("revision %.12s names no digest of the artifact", revision)
}

// doubt is an answer that turned out to be about nothing that is known.
func doubt(h signals.Health, why string) signals.Health {
	h.State, h.Reason, h.Since, h.Proven = signals.StateUnknown, why, h.At, false
	if h.Since.IsZero() {
		h.Since = time.Now().UTC()
	}
	return h
}
