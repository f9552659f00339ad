package gitlabtest

import (
	"fmt"
	"slices"
	"strings"
)

// What tests set up or do behind GitLab's back, where people act on pages that
// the API does not have.

// Dir is the project's bare repository.
func (p *Project) Dir() string { return p.repo.dir }

// Propose pushes branches, each with a file of its own, and opens a merge
// request from each.
func (s *Server) Propose(p *Project, who string, branches []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in strings.Builder
	for _, b := range branches {
		fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter %s <%s@example.com> 1790000000 +0000\ndata 6\nchange\nfrom refs/heads/%s^0\nM 100644 inline %s.yaml\ndata 1\n1\n", b, who, who, p.Branch, b)
	}
	if _, err := p.repo.run([]byte(in.String()), "fast-import", "--quiet"); err != nil {
		return err
	}
	now := s.now()
	for _, b := range branches {
		p.merges = append(p.merges, &thread{
			id: s.number(), iid: len(p.merges) + 1, title: "promote " + b, state: "opened", author: s.named(who),
			created: now, updated: now, source: b, target: p.Branch, sourceProject: p.ID,
		})
	}
	return p.refresh(s)
}

func (s *Server) named(name string) *User {
	i := slices.IndexFunc(s.options.Users, func(u User) bool { return u.Name == name })
	return &s.options.Users[i]
}

// RequestChanges is what a reviewer does on the page of a merge request.
func (s *Server) RequestChanges(p *Project, iid int, who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, u := p.merges[iid-1], s.named(who)
	t.reviewers = append(slices.DeleteFunc(t.reviewers, func(r *reviewer) bool { return r.who == u }), &reviewer{u, "requested_changes", s.now()})
	s.note(t, u, "requested changes")
}

// Rewrite changes a comment, or deletes it.
func (s *Server) Rewrite(p *Project, iid int, was, is string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewrite(p.merges[iid-1], was, is)
}

// RewriteIssue is the same on an issue.
func (s *Server) RewriteIssue(p *Project, iid int, was, is string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewrite(p.issues[iid-1], was, is)
}

func (s *Server) rewrite(t *thread, was, is string) {
	t.notes = slices.DeleteFunc(t.notes, func(n *note) bool { return is == "" && n.body == was })
	for _, n := range t.notes {
		if n.body == was {
			n.body, n.edited = is, s.now()
		}
	}
}

// State puts a merge request into a state.
func (s *Server) State(p *Project, iid int, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.merges[iid-1].state, p.merges[iid-1].updated = state, s.now()
}

// Hide leaves a merge request out of lists, as if it slipped between pages.
func (s *Server) Hide(p *Project, iid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.merges[iid-1].hidden = true
}

// Fork makes a merge request one from a branch of a fork.
func (s *Server) Fork(p *Project, iid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.merges[iid-1].sourceProject = p.ID + 1000
}

// Change lets a test change people.
func (s *Server) Change(f func(users []User)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.options.Users)
}

// Set lets a test change the settings of a project.
func (s *Server) Set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
