package gitlabtest

import "slices"

// What tests set up or do behind GitLab's back, where people act on pages that
// the API does not have.

// Propose pushes a branch and opens a merge request from it.
func (s *Server) Propose(p *Project, who, branch, title string) (int, error) {
	if _, err := s.Push(p, who, branch, map[string]string{branch + ".yaml": title}); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	t := &thread{id: s.number(), iid: len(p.merges) + 1, title: title, state: "opened", author: s.named(who), created: now, updated: now, source: branch, target: p.Branch, sourceProject: p.ID}
	p.merges = append(p.merges, t)
	return t.iid, p.refresh(s)
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
	t := p.merges[iid-1]
	t.notes = slices.DeleteFunc(t.notes, func(n *note) bool { return is == "" && n.body == was })
	for _, n := range t.notes {
		if n.body == was {
			n.body = is
		}
	}
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
