package main

import (
	"context"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// maxWitnesses bounds how many commits are asked for a checkpoint.
const maxWitnesses = 50

// checkpointTrailer begins the line of a commit of ours that names the ledger
// as it was then.
const checkpointTrailer = "Waveguide-Checkpoint: "

// Witness finds the newest checkpoint of every ledger that the commits of the
// protected branch and of our own branches name. It goes back as far as the
// remote hands out commits by their names; what it does not give is not an
// error.
func (r *repo) Witness(ctx context.Context) []store.Checkpoint {
	queue := []gitops.Commit{r.Head()}
	for _, head := range r.Branches(gitops.BranchPrefix) {
		queue = append(queue, head)
	}
	newest := map[string]store.Checkpoint{}
	seen := map[gitops.Commit]bool{}
	for len(queue) > 0 && len(seen) < maxWitnesses && ctx.Err() == nil {
		id := queue[0]
		queue = queue[1:]
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		c, err := r.Commit(ctx, id)
		if err != nil {
			continue
		}
		queue = append(queue, c.Parents...)
		for _, cp := range checkpoints(c.Message) {
			if was, known := newest[cp.Origin]; !known || was.Size < cp.Size {
				newest[cp.Origin] = cp
			}
		}
	}
	var all []store.Checkpoint
	for _, cp := range newest {
		all = append(all, cp)
	}
	slices.SortFunc(all, func(a, b store.Checkpoint) int { return strings.Compare(a.Origin, b.Origin) })
	return all
}

// checkpoints are those that a commit's message names.
func checkpoints(message string) []store.Checkpoint {
	var all []store.Checkpoint
	for line := range strings.Lines(message) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), checkpointTrailer)
		if cp, err := store.ParseCheckpoint(text); ok && err == nil {
			all = append(all, cp)
		}
	}
	return all
}
