package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/waveguide-dev/waveguide/gitops"
)

// fewest is how many commits of a line are asked for at least: with fewer, a
// history that is too large is not read at all.
const fewest = 10

// Line returns the newest commits of a line, newest first and along first
// parents: at most so many, and those of which everything is held. What they
// hold beyond the snapshot is fetched with one request, and can be read and
// compared until a later Fetch, Commit or Line needs the room. Where that is too
// large for one fetch fewer commits come.
func (m *Mirror) Line(ctx context.Context, head gitops.Commit, most int) ([]Commit, error) {
	id, err := parseID(string(head))
	if err != nil {
		return nil, err
	}
	m.fetching.Lock()
	defer m.fetching.Unlock()
	line, err := m.line(ctx, id, most)
	if err != nil {
		return nil, fmt.Errorf("fetch the history of %s of %s: %w", head.Short(), m.remote.name, err)
	}
	return line, nil
}

func (m *Mirror) line(ctx context.Context, head ID, most int) ([]Commit, error) {
	st := m.current()
	if st == nil {
		return nil, errors.New("the branch was not fetched yet")
	}
	l := layer{nil, st}
	if !st.full {
		var err error
		if l.objects, err = m.deepen(ctx, head, most); err != nil {
			return nil, err
		}
		st.addSide(l.objects)
	}
	return l.line(head, most)
}

// deepen fetches so many generations of a commit, or as many of them as fit.
func (m *Mirror) deepen(ctx context.Context, head ID, most int) (map[ID]object, error) {
	ctx, cancel := context.WithTimeout(ctx, m.o.Limits.SnapshotTimeout)
	defer cancel()
	for depth := most; ; depth /= 4 {
		objects, err := m.ancestry(ctx, head, depth)
		if err == nil || !errors.Is(err, errPackTooLarge) || depth/4 < fewest {
			return objects, err
		}
	}
}

func (m *Mirror) ancestry(ctx context.Context, head ID, depth int) (map[ID]object, error) {
	s, ad, err := m.remote.upload(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // the work is done, or has failed already
	return m.unpack(ctx, s, ad, head, depth, false)
}

// line follows first parents as far as they are held.
func (l layer) line(id ID, most int) (all []Commit, err error) {
	for len(all) < most {
		c, err := l.commit(id)
		if errors.Is(err, errMissing) && len(all) > 0 {
			return all, nil // here the history that we asked for ends
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if len(c.Parents) == 0 {
			return all, nil
		}
		if id, err = parseID(string(c.Parents[0])); err != nil {
			return nil, err
		}
	}
	return all, nil
}
