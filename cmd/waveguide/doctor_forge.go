package main

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// forge looks at a repository's forge: whether it can be reached, what the bot
// may do, what the branch demands and who passes by it. It reads and tries
// nothing.
func (p *patient) forge(ctx context.Context, r config.Repository) {
	forge, err := openForge(r, p.secrets)
	if !p.note(r.Name+": forge client", err) {
		return
	}
	me, err := forge.Whoami(ctx)
	if !p.note(r.Name+": forge token", err) {
		return
	}
	protection, err := forge.Protection(ctx)
	if !p.note(r.Name+": branch rules, read as "+me.Name, err) {
		return
	}
	for _, f := range protection.Findings() {
		p.found = append(p.found, finding{What: r.Name + ": " + f.What, State: string(f.State), Why: f.Why})
	}
	if !protection.NoIssues {
		_, err = forge.Pauses(ctx)
		p.note(r.Name+": pause issues can be read", err)
	}
}

// owners looks at whether rules and production belong to somebody who is asked.
func (p *patient) owners(r config.Repository, git *repo, at gitops.Commit, routes []promoter.Route) {
	if r.Forge.Kind == "local" {
		return // it knows no code owners
	}
	name, text := ownersFile(r, git, at)
	if name == "" {
		p.risk(r.Name+": code owners", fmt.Sprintf("there is no CODEOWNERS file: write one that gives %s/ and the production paths to those who answer for them", r.Rules))
		return
	}
	owners := gitops.ParseOwners(r.Forge.Kind, text)
	unowned := func(what, file string) {
		if len(owners.Of(file)) == 0 {
			p.risk(r.Name+": code owners", fmt.Sprintf("%s gives %s to nobody, and %s", name, file, what))
		}
	}
	unowned("the owners of the code owners' file decide who owns anything", name)
	for _, f := range append(slices.Clone(r.Governance.Files), path.Join(r.Rules, "any.yaml")) {
		unowned("rules are kept there", path.Clean(f))
	}
	for _, s := range lanes(routes) {
		if s.Labels["stage"] == "prod" {
			unowned("it is production", path.Join(s.Path, "any.yaml"))
		}
	}
}

// ownersFile is the CODEOWNERS file that the forge would read.
func ownersFile(r config.Repository, git *repo, at gitops.Commit) (name, text string) {
	for _, name := range gitops.OwnersFiles(r.Forge.Kind) {
		if data, mode, err := git.Read(at, name); err == nil && mode.IsFile() {
			return name, string(data)
		}
	}
	return "", ""
}
