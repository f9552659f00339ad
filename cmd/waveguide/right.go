package main

import (
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
)

// right is who may end stops: people who may write, and those whom the
// daemon's file names.
func right(releasers []string) gitops.Right {
	named := func(name string) bool {
		return slices.ContainsFunc(releasers, func(r string) bool {
			return strings.EqualFold(strings.TrimPrefix(r, "@"), strings.TrimPrefix(name, "@"))
		})
	}
	return func(a gitops.Actor, word gitops.CommandWord) bool {
		return gitops.WritersRight(a, word) || !a.Bot && a.Name != "" && (named(a.Name) || slices.ContainsFunc(a.Teams, named))
	}
}

// owners are the code owners of files as the forge reads them.
func (r *repo) owners(c config.Repository) func(gitops.Commit, []string) gitops.Request {
	return func(at gitops.Commit, paths []string) gitops.Request {
		_, text := ownersFile(c, r, at)
		if text == "" {
			return gitops.Request{}
		}
		return gitops.ParseOwners(c.Forge.Kind, text).Request(paths...)
	}
}
