package loop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// lookDesired reads what lanes name at a commit: those that were touched, or
// all if none are given.
func (l *Loop) lookDesired(ctx context.Context, now time.Time, at gitops.Commit, touched map[gitops.Lane]struct{}) error {
	if l.lookSources(ctx, at) {
		touched = nil
	}
	lanes := inOrder(touched)
	if touched == nil {
		lanes = inOrder(l.atlas.stops)
	}
	for _, lane := range lanes {
		s := l.atlas.stops[lane]
		l.lookLane(ctx, now, l.ruling.Routes[s.route].Image, *s.stop, at)
		l.queue.add(s.route)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// lookLane reads what one lane names at a commit. A look that was cut short
// leaves what was known.
func (l *Loop) lookLane(ctx context.Context, now time.Time, image string, stop promoter.Stop, at gitops.Commit) {
	k := l.lanes[stop.Lane]
	files, err := l.Repo.Files(ctx, at, stop.Path, string(edit.Needle(image)))
	if ctx.Err() != nil {
		return
	}
	k.read++
	if err != nil {
		k.desired = gitops.Desired{Commit: at, Problem: l.gist("files of "+stop.Lane.String(), err)}
		return
	}
	if !l.charts && Sourced(files) {
		l.charts = true
		l.lookSources(ctx, at)
	}
	k.desired = Desired(files, l.request(image, stop), at)
	if k.desired.Presence == gitops.At {
		was := k.Version
		if k.moved(k.desired.Version, now); was != (gitops.Version{}) && was != k.Version {
			l.enters(k, was, at, now)
		}
	}
}

// Request is what leads to the places of an artifact in the files of a stop.
func Request(image string, s promoter.Stop) edit.Request {
	r := edit.Request{Repository: image, Artifact: s.Lane.Artifact, Path: s.Place}
	if s.Pin {
		r.Pin = edit.AddDigest
	}
	return r
}

// Desired folds the places of all files of a lane.
func Desired(files map[string][]byte, r edit.Request, at gitops.Commit) gitops.Desired {
	d := gitops.Desired{Presence: gitops.Absent, Commit: at}
	var mentioned []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !written(name, files[name], r) {
			continue
		}
		places, lines, err := placesIn(name, files[name], r)
		if err != nil {
			return gitops.Desired{Commit: at, Problem: err.Error()}
		}
		d.Places, mentioned = append(d.Places, places...), append(mentioned, lines...)
	}
	for i, p := range d.Places {
		switch {
		case i == 0:
			d.Presence, d.Version = gitops.At, p.Version
		case p.Version != d.Version:
			d.Presence = gitops.Mixed
		}
	}
	switch {
	case d.Presence == gitops.Mixed:
		d.Version = gitops.Version{}
	case d.Presence == gitops.Absent && len(mentioned) > 0:
		d.Problem = "not understood: " + few(mentioned)
	}
	return d
}

// placesIn are the places of one file, and the lines that mention the artifact
// and are not understood.
func placesIn(name string, src []byte, r edit.Request) (places []gitops.Place, lines []string, err error) {
	f, err := edit.Open(name, src)
	if errors.Is(err, edit.ErrTemplate) {
		return nil, nil, nil // another program makes the file of it
	}
	if err != nil {
		return nil, nil, err
	}
	hits, mentions, err := f.Places(r)
	for _, h := range hits {
		places = append(places, gitops.Place{File: name, Line: h.Line, Path: h.Path, Version: gitops.Version{Tag: h.Tag, Digest: h.Digest}})
	}
	for _, m := range mentions {
		lines = append(lines, fmt.Sprintf("%s:%d", name, m.Line))
	}
	return places, lines, err
}

// few are the first of many.
func few(all []string) string {
	const enough = 5
	if len(all) > enough {
		all = append(all[:enough:enough], fmt.Sprintf("and %d more", len(all)-enough))
	}
	return strings.Join(all, ", ")
}

// written says that a file is one that versions are written into. Others may
// mention the image: pages, scripts.
func written(name string, src []byte, r edit.Request) bool {
	return (r.Path != "" || edit.Known(name)) && edit.Names(src, r)
}

func openError(name string, src []byte) error {
	_, err := edit.Open(name, src)
	return err
}

// Edited are the files of a lane after the edit that makes every place name a
// version, with what the rules want written beside it. Files that name it
// already are left out.
func Edited(files map[string][]byte, r edit.Request, beside []promoter.Metadata, to gitops.Version, revision string) (map[string][]byte, error) {
	r.To = edit.Version{Tag: to.Tag, Digest: to.Digest}
	for _, m := range beside {
		if revision == "" && strings.Contains(m.Value, "${revision}") {
			return nil, fmt.Errorf("%s needs the source revision of %s, which no proof names", m.Path, to.Tag)
		}
		value := strings.NewReplacer("${tag}", to.Tag, "${digest}", to.Digest, "${revision}", revision).Replace(m.Value)
		r.Metadata = append(r.Metadata, edit.Field{Path: m.Path, Value: value})
	}
	out := map[string][]byte{}
	for name, src := range files {
		if !written(name, src, r) {
			continue
		}
		res, err := edit.Promote(name, src, r)
		if errors.Is(err, edit.ErrTemplate) && errors.Is(openError(name, src), edit.ErrTemplate) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(res.Edits) > 0 {
			out[name] = res.Bytes
		}
	}
	return out, nil
}

// exam is what was read of a proposal's head: it stands until the head or the
// lane's files move.
type exam struct {
	head    gitops.Commit
	ruling  *promoter.Route
	read    int
	base    gitops.Commit
	from    gitops.Version
	to      gitops.Version
	class   string
	edited  string
	behind  bool
	unknown string
}

// examine reads from the files of a proposal's head what it really changes,
// and says how that differs from the planned edit.
func (l *Loop) examine(ctx context.Context, k *lane, p gitops.Proposal) gitops.Proposal {
	s := l.atlas.stops[p.Lane]
	r := &l.ruling.Routes[s.route]
	was, ours := k.made(p.Head)
	if ours && p.State != gitops.Open {
		p.Class, p.From, p.To = was.Class, was.From, was.To
		return p
	}
	x := k.exam
	if x.head != p.Head || x.ruling != r || x.read != k.read || x.unknown != "" || p.State != gitops.Open {
		x = l.inspect(ctx, *r, *s.stop, p, ours)
		x.head, x.ruling, x.read, x.class = p.Head, r, k.read, was.Class
	}
	if p.State == gitops.Open {
		k.exam = x
	}
	p.Class, p.Base, p.From, p.To, p.Edited, p.Behind = x.class, x.base, x.from, x.to, x.edited, x.behind
	if x.unknown != "" {
		p.Unread = x.unknown
	}
	return p
}

// inspect compares the files of a proposal's head with the planned edit.
func (l *Loop) inspect(ctx context.Context, r promoter.Route, s promoter.Stop, p gitops.Proposal, ours bool) (x exam) {
	d, err := l.Repo.Delta(ctx, "", p.Head)
	if err != nil {
		x.unknown = l.gist("head of proposal "+p.ID, err)
		return x
	}
	x.base = d.Parent
	// What would be merged is what the head's files say, whoever wrote them.
	files, err := l.Repo.Files(ctx, p.Head, s.Path, string(edit.Needle(r.Image)))
	if err != nil {
		x.unknown = l.gist("head of proposal "+p.ID, err)
		return x
	}
	if is := Desired(files, l.request(r.Image, s), p.Head); is.Presence == gitops.At {
		x.to = is.Version
	}
	before, after := map[string][]byte{}, map[string][]byte{}
	for name, change := range d.Files {
		if change[0] == nil || change[1] == nil {
			x.edited = fmt.Sprintf("%s was added or removed", name)
			return x
		}
		before[name], after[name] = change[0], change[1]
	}
	was, is := Desired(before, l.request(r.Image, s), d.Parent), Desired(after, l.request(r.Image, s), p.Head)
	x.from = was.Version
	if !ours { // a commit that we pushed is what we planned
		x.edited = l.difference(r, s, d, is, before, after)
	}
	if p.State != gitops.Open {
		return x
	}
	if x.behind, err = l.behind(ctx, r, s, before, x.to); err != nil {
		x.unknown = l.gist("head of proposal "+p.ID, err)
	}
	x.behind = x.behind || !slices.Contains(l.trunk.Heads, x.base)
	return x
}

// difference says how a proposal's head differs from the edit that was planned;
// empty if it is exactly that.
func (l *Loop) difference(r promoter.Route, s promoter.Stop, d Delta, is gitops.Desired, before, after map[string][]byte) string {
	if d.Author != l.Email {
		return "its newest commit is not by the bot"
	}
	if is.Presence != gitops.At {
		return "it does not name one version of " + r.Artifact
	}
	planned, err := Edited(before, l.request(r.Image, s), s.Metadata, is.Version, l.revision(s.Lane, is.Version))
	if err != nil {
		return err.Error()
	}
	for name, have := range after {
		if !inside(name, s.Path) {
			return name + " is outside of " + s.Path
		}
		if want, ok := planned[name]; !ok || !bytes.Equal(want, have) {
			return name + " has changes that are not the planned edit"
		}
	}
	return ""
}

// inside says whether a file is the path or below it.
func inside(name, path string) bool {
	return name == path || strings.HasPrefix(name, strings.TrimSuffix(path, "/")+"/")
}

// end notes what became of a proposal. One that cannot be read is read again,
// and what a closed one rejected is unknown meanwhile.
func (l *Loop) end(ctx context.Context, k *lane, p gitops.Proposal) {
	read := l.heed(l.examine(ctx, k, p))
	k.ended = slices.DeleteFunc(slices.Clone(k.ended), func(e gitops.Proposal) bool { return e.ID == p.ID })
	k.ended = append([]gitops.Proposal{read}, k.ended...)
	if read.Unread != "" {
		l.unfinished = append(l.unfinished, p)
		return
	}
	l.ended[p.ID] = read
	l.people.tell(p)
}

// behind says that merging would not be exactly the planned edit of the newest
// commit: a file changed since, another one names the artifact by now, or the
// protected branch does not hold what the proposal was made on.
func (l *Loop) behind(ctx context.Context, r promoter.Route, s promoter.Stop, before map[string][]byte, to gitops.Version) (bool, error) {
	files, err := l.Repo.Files(ctx, l.head, s.Path, string(edit.Needle(r.Image)))
	if err != nil {
		return false, err
	}
	now, err := Edited(files, l.request(r.Image, s), s.Metadata, to, l.revision(s.Lane, to))
	if err != nil || len(now) != len(before) {
		return true, nil //nolint:nilerr // the edit is computed again, and says what is wrong
	}
	for name := range now {
		if !bytes.Equal(files[name], before[name]) {
			return true, nil
		}
	}
	return false, nil
}

// revision is the source revision that proofs name for a version.
func (l *Loop) revision(at gitops.Lane, v gitops.Version) string {
	k := l.lanes[at]
	if k == nil {
		return ""
	}
	_, revision := k.facts().Revision(signals.Digest(v.Digest))
	if known := l.versions[at.Artifact]; revision == "" && known != nil {
		return known.Origins[signals.Digest(v.Digest)].Revision // proofs of what is there are not kept
	}
	return revision
}
