package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/waveguide-dev/waveguide/gitops"
)

// RefUpdate moves one branch of the remote. Old is what the branch must be
// now; nothing means that it must not exist. An update with neither New nor
// Composed deletes the branch; New alone points it at a commit the remote has.
type RefUpdate struct {
	Branch   string
	Old, New gitops.Commit
	Composed *Composed
}

// Result is what became of one update. Err is [gitops.ErrMoved] when the
// branch was not at Old, [gitops.ErrDenied] when the remote refuses the change,
// another error when it may be tried again.
type Result struct {
	Branch string
	New    gitops.Commit
	Err    error
}

const (
	batchSize  = 100
	saidBytes  = 4 << 10
	noThinCap  = capability.Capability("no-thin")
	goGitAgent = "go-git/"
)

// Push sends updates in batches, each with one pack in one request; every
// update succeeds or fails alone. The error says that a batch was not
// answered: the results then hold what was, and for the rest only the remote
// knows.
func (m *Mirror) Push(ctx context.Context, updates []RefUpdate) ([]Result, error) {
	var out []Result
	for from := 0; from < len(updates); from += batchSize {
		res, err := m.pushBatch(ctx, updates[from:min(from+batchSize, len(updates))])
		out = append(out, res...)
		if err != nil {
			return out, fmt.Errorf("push to %s: %w", m.remote.name, err)
		}
	}
	return out, nil
}

// pending is an update on its way.
type pending struct {
	RefUpdate

	cmd  *packp.Command
	done bool
	err  error
}

func (m *Mirror) pushBatch(ctx context.Context, updates []RefUpdate) ([]Result, error) {
	ctx, cancel := context.WithTimeout(ctx, m.o.Limits.Timeout)
	defer cancel()
	todo, err := prepare(updates)
	if err != nil {
		return nil, err
	}
	m.mu.RLock()
	thin := !m.noThin
	m.mu.RUnlock()
	again, err := m.attempt(ctx, todo, thin)
	if err == nil && again && thin {
		// Once more with whole objects, for servers that cannot complete thin packs.
		if again, err = m.attempt(ctx, todo, false); err == nil && !again {
			m.mu.Lock()
			m.noThin = true
			m.mu.Unlock()
		}
	}
	if err != nil {
		return nil, err
	}
	return m.results(todo), nil
}

func prepare(updates []RefUpdate) ([]*pending, error) {
	todo := make([]*pending, 0, len(updates))
	seen := map[string]bool{}
	for _, u := range updates {
		name := plumbing.NewBranchReferenceName(u.Branch)
		if err := name.Validate(); err != nil || seen[u.Branch] {
			return nil, fmt.Errorf("branch %q is no branch name or is there twice", clean(u.Branch, 80))
		}
		seen[u.Branch] = true
		if u.Composed != nil {
			u.New = u.Composed.ID
		}
		cmd := &packp.Command{Name: name}
		for _, side := range []struct {
			commit gitops.Commit
			id     *plumbing.Hash
		}{{u.Old, &cmd.Old}, {u.New, &cmd.New}} {
			if side.commit == "" {
				continue
			}
			id, err := parseID(string(side.commit))
			if err != nil {
				return nil, err
			}
			*side.id = plumbing.Hash(id)
		}
		todo = append(todo, &pending{RefUpdate: u, cmd: cmd})
	}
	return todo, nil
}

// attempt sends what the remote does not have already. again says that the
// pack could not be unpacked.
func (m *Mirror) attempt(ctx context.Context, todo []*pending, thin bool) (again bool, err error) {
	s, ad, err := m.remote.receive(ctx)
	if err != nil {
		return false, err
	}
	defer s.Close() //nolint:errcheck // the work is done, or has failed already
	settle(todo, ad.refs)
	var send []*pending
	for _, p := range todo {
		if !p.done {
			send = append(send, p)
		}
	}
	if len(send) == 0 {
		return false, nil
	}
	if ad.caps.Supports(noThinCap) || strings.HasPrefix(strings.Join(ad.caps.Get(capability.Agent), ""), goGitAgent) {
		thin = false
	}
	req, said, err := request(ad.caps, send, thin)
	if err != nil {
		return false, err
	}
	report, err := s.ReceivePack(ctx, req)
	if report == nil {
		if err == nil {
			err = errors.New("the remote did not answer")
		}
		return false, explain(err)
	}
	if report.UnpackStatus != "ok" {
		if thin {
			return true, nil
		}
		return true, fmt.Errorf("the remote could not unpack: %s%s", clean(report.UnpackStatus, 200), said)
	}
	return false, m.classify(ctx, send, report, said)
}

// settle compares the remote's branches with what the updates expect.
func settle(todo []*pending, refs map[string]ID) {
	for _, p := range todo {
		now := refs[p.Branch]
		switch {
		case now == ID(p.cmd.New):
			p.done, p.err = true, nil // pushed before, or by our twin: ids are deterministic
		case now != ID(p.cmd.Old):
			p.done, p.err = true, fmt.Errorf("%w: branch %s is at %s, not at %s", gitops.ErrMoved, p.Branch, orNothing(commitOf(now)), orNothing(p.Old))
		}
	}
}

func orNothing(c gitops.Commit) string {
	if c == "" {
		return "nothing"
	}
	return c.Short()
}

func request(caps *capability.List, send []*pending, thin bool) (*packp.ReferenceUpdateRequest, *saying, error) {
	req := packp.NewReferenceUpdateRequestFromCapabilities(caps)
	said := &saying{}
	if caps.Supports(capability.Sideband64k) {
		if err := req.Capabilities.Set(capability.Sideband64k); err != nil {
			return nil, nil, err
		}
		req.Progress = said
	}
	var objects []draftObject
	seen := map[ID]bool{}
	deletesOnly := true
	for _, p := range send {
		req.Commands = append(req.Commands, p.cmd)
		deletesOnly = deletesOnly && p.New == ""
		if p.Composed == nil {
			continue
		}
		for _, o := range p.Composed.objects {
			if !seen[o.id] {
				seen[o.id] = true
				objects = append(objects, o)
			}
		}
	}
	if deletesOnly {
		return req, said, req.Capabilities.Set(capability.DeleteRefs)
	}
	pack, err := writePack(objects, thin)
	req.Packfile = io.NopCloser(bytes.NewReader(pack))
	return req, said, err
}

// classify gives every command its fate. Where the remote only says that it
// could not, its branches are read again to see whether they moved.
func (m *Mirror) classify(ctx context.Context, send []*pending, report *packp.ReportStatus, said *saying) error {
	status := map[string]string{}
	for _, c := range report.CommandStatuses {
		status[c.ReferenceName.String()] = c.Status
	}
	failed := false
	for _, p := range send {
		switch text, answered := status[p.cmd.Name.String()]; {
		case !answered:
			failed, p.err = true, errors.New("the remote did not say what became of the branch")
		case text == "ok":
			p.done = true
		default:
			failed, p.err = true, refusal(text, said)
		}
	}
	if !failed {
		return nil
	}
	s, ad, err := m.remote.receive(ctx)
	if err != nil {
		return err
	}
	settle(undone(send), ad.refs)
	return quiet(s.Close())
}

func undone(todo []*pending) []*pending {
	var out []*pending
	for _, p := range todo {
		if !p.done {
			out = append(out, p)
		}
	}
	return out
}

// refusal tells a branch that was busy from one that may not be changed.
func refusal(text string, said *saying) error {
	for _, busy := range []string{"failed to update ref", "cannot lock ref", "failed to lock", "unable to migrate", "internal server error", "timeout", "already exists", "incorrect old value"} {
		if strings.Contains(strings.ToLower(text), busy) {
			return fmt.Errorf("the remote could not move the branch: %s%s", clean(text, 200), said)
		}
	}
	return fmt.Errorf("%w: %s%s", gitops.ErrDenied, clean(text, 200), said)
}

func (m *Mirror) results(todo []*pending) []Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	refs := maps.Clone(m.refs)
	out := make([]Result, 0, len(todo))
	for _, p := range todo {
		if p.err == nil {
			if p.New == "" {
				delete(refs, p.Branch)
			} else {
				refs[p.Branch] = ID(p.cmd.New)
			}
		}
		out = append(out, Result{Branch: p.Branch, New: p.New, Err: p.err})
	}
	m.refs = refs
	return out
}

// saying keeps the beginning of what the remote's hooks print.
type saying struct{ buf bytes.Buffer }

// Write implements [io.Writer]; it never fails.
func (s *saying) Write(p []byte) (int, error) {
	s.buf.Write(p[:min(len(p), max(0, saidBytes-s.buf.Len()))])
	return len(p), nil
}

// String returns the words as the end of a sentence.
func (s *saying) String() string {
	if text := clean(s.buf.String(), 1000); text != "" {
		return " (the remote says: " + text + ")"
	}
	return ""
}
