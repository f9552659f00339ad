package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// facts is a file of what is known, for deciding without a world.
type facts struct {
	Versions map[string][]signals.Version `yaml:"versions"`
	Lanes    []laneFacts                  `yaml:"lanes"`
	Pauses   []gitops.Pause               `yaml:"pauses"`
}

// laneFacts is what is known of one lane.
type laneFacts struct {
	Environment string            `yaml:"environment"`
	Artifact    string            `yaml:"artifact"`
	Facts       signals.Facts     `yaml:",inline"`
	Proposals   []gitops.Proposal `yaml:"proposals"`
	Left        []gitops.Left     `yaml:"left"`
}

// offline decides about a checkout with a file of facts.
func offline(daemonFile, checkout, factsFile string, now time.Time) (loop.View, error) {
	view := loop.View{Now: now}
	d, rules, err := readRules(daemonFile, checkout, now)
	var problems config.Problems
	if err != nil && (rules == nil || !errors.As(err, &problems)) {
		return view, err
	}
	for _, p := range problems {
		view.Problems = append(view.Problems, p.String())
	}
	known, err := readFacts(factsFile)
	if err != nil {
		return view, err
	}
	view.Routes = rules.Routes
	there, err := inCheckout(checkout, rules.Routes, known)
	if err != nil {
		return view, err
	}
	for _, r := range rules.Routes {
		s := promoter.Snapshot{
			Now: now, Route: r, Versions: known.Versions[r.Artifact],
			World: promoter.World{Pauses: known.Pauses, Bases: map[string]gitops.Commit{d.Repositories[0].Name: "checkout"}},
		}
		for stop := range r.Stops() {
			k := there[stop.Lane].known
			k.Needs = stop.Needs(now, there.find)
			s.Lanes = append(s.Lanes, k)
		}
		view.Lanes = append(view.Lanes, s.Lanes)
		view.Plans = append(view.Plans, promoter.Decide(s))
	}
	view.Plans = promoter.Admit(view.Plans)
	return view, nil
}

// checkedOut are the stops of all rules with what a checkout and a file of facts
// say of them.
type checkedOut map[gitops.Lane]site

type site struct {
	stop  *promoter.Stop
	known promoter.Lane
}

func inCheckout(checkout string, routes []promoter.Route, known facts) (checkedOut, error) {
	all := checkedOut{}
	for _, r := range routes {
		for stop := range r.Stops() {
			files, err := checkoutFiles(checkout, stop.Path, string(edit.Needle(r.Image)))
			if err != nil {
				return nil, err
			}
			k := known.lane(stop.Lane)
			request, err := requested(checkout, files, r.Image, *stop)
			if err != nil {
				return nil, err
			}
			k.Desired = loop.Desired(files, request, "checkout")
			k.Desired.Left = append(k.Desired.Left, known.left(stop.Lane)...)
			all[stop.Lane] = site{stop, k}
		}
	}
	return all, nil
}

func (c checkedOut) find(at gitops.Lane) (*promoter.Stop, promoter.Lane, bool) {
	k, ok := c[at]
	return k.stop, k.known, ok
}

// readFacts reads a file of facts strictly; no file is no facts.
func readFacts(path string) (facts, error) {
	var f facts
	if path == "" {
		return f, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return f, hinted{usage{fmt.Errorf("%s: %w", path, err)}, "docs/facts.md shows what a file of facts holds"}
	}
	return f, nil
}

func (f facts) lane(l gitops.Lane) promoter.Lane {
	for _, k := range f.Lanes {
		if k.Environment == l.Environment && k.Artifact == l.Artifact {
			return promoter.Lane{Lane: l, Facts: k.Facts, Proposals: k.Proposals}
		}
	}
	return promoter.Lane{Lane: l}
}

func (f facts) left(l gitops.Lane) []gitops.Left {
	for _, k := range f.Lanes {
		if k.Environment == l.Environment && k.Artifact == l.Artifact {
			return k.Left
		}
	}
	return nil
}

// checkoutFiles are the regular files under a path that hold the text.
func checkoutFiles(checkout, under, text string) (map[string][]byte, error) {
	files := map[string][]byte{}
	root, err := os.OpenRoot(checkout)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	err = filepath.WalkDir(filepath.Join(checkout, filepath.FromSlash(under)), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() || strings.Contains(path, ".git"+string(filepath.Separator)) {
			return err
		}
		name, err := filepath.Rel(checkout, path)
		if err != nil {
			return err
		}
		src, err := root.ReadFile(name)
		if err != nil || !edit.Mentions(src, []byte(text)) && len(edit.Markers(src)) == 0 {
			return err
		}
		files[filepath.ToSlash(name)] = src
		return err
	})
	return files, err
}

// copyMemory copies what a daemon remembers into another store. No daemon
// having run yet is nothing to copy.
func copyMemory(ctx context.Context, from, to string) (err error) {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	src, err := store.Open(ctx, store.Options{Path: from, Holder: "plan", ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := store.Open(ctx, store.Options{Path: to, Holder: "plan"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	for _, bucket := range loop.Buckets() {
		records, err := src.List(ctx, bucket, "")
		if err != nil {
			return err
		}
		if len(records) == 0 {
			continue
		}
		if err := dst.Put(ctx, records...); err != nil {
			return err
		}
	}
	return nil
}
