package local

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	uploadPack     = "git-upload-pack"
	receivePack    = "git-receive-pack"
	maxNegotiation = 8 << 20
)

func (s *Server) routeGit(mux *http.ServeMux) {
	mux.HandleFunc("GET /{git}/info/refs", s.advertise)
	mux.HandleFunc("POST /{git}/"+uploadPack, s.upload)
	mux.HandleFunc("POST /{git}/"+receivePack, s.receive)
}

// gitRequest is the repository and the user of a request, or nil after it has
// been answered. Who is unknown learns nothing about what exists.
func (s *Server) gitRequest(w http.ResponseWriter, r *http.Request, least gitops.Permission) (*repository, *user) {
	u := s.authorized(r)
	if u == nil {
		unauthorized(w)
		return nil, nil
	}
	name, ok := strings.CutSuffix(r.PathValue("git"), ".git")
	repo := s.repository(name)
	if !ok || repo == nil {
		http.Error(w, "no such repository", http.StatusNotFound)
		return nil, nil
	}
	if !may(u.actor, least) {
		http.Error(w, fmt.Sprintf("%s may not do that in %s: %s permission is needed", u.actor.Name, name, least), http.StatusForbidden)
		return nil, nil
	}
	return repo, u
}

func (s *Server) advertise(w http.ResponseWriter, r *http.Request) {
	service := r.URL.Query().Get("service")
	least := gitops.PermissionRead
	switch service {
	case uploadPack:
	case receivePack:
		least = gitops.PermissionWrite
	default:
		http.Error(w, "only the smart protocol is spoken here: use git 1.6.6 or newer", http.StatusForbidden)
		return
	}
	repo, u := s.gitRequest(w, r, least)
	if u == nil {
		return
	}
	refs, err := repo.advertised(service)
	if err != nil {
		http.Error(w, "the repository cannot be read", http.StatusInternalServerError)
		return
	}
	header(w, "application/x-"+service+"-advertisement")
	e := pktline.NewEncoder(w)
	if err := errors.Join(e.EncodeString("# service="+service+"\n"), e.Flush()); err != nil {
		return
	}
	_ = refs.Encode(w) // the client is gone
}

func header(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// advertised lists branches and tags. Thin packs and shallow fetches are left
// out on purpose: the library's server half can do neither.
func (r *repository) advertised(service string) (*packp.AdvRefs, error) {
	r.mu.Lock()
	refs, err := r.refs()
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ar := packp.NewAdvRefs()
	caps := []capability.Capability{capability.OFSDelta}
	if service == receivePack {
		caps = append(caps, capability.ReportStatus, capability.DeleteRefs, "no-thin")
	} else {
		caps = append(caps, "multi_ack_detailed", "allow-tip-sha1-in-want", "allow-reachable-sha1-in-want")
	}
	for _, c := range caps {
		if err := ar.Capabilities.Set(c); err != nil {
			return nil, fmt.Errorf("advertise %s: %w", c, err)
		}
	}
	if err := ar.Capabilities.Set(capability.Agent, "waveguide-forge/1"); err != nil {
		return nil, fmt.Errorf("advertise the agent: %w", err)
	}
	for name, id := range refs {
		ar.References[name.String()] = id
	}
	main := plumbing.NewBranchReferenceName(r.protected)
	if id, ok := refs[main]; ok && service == uploadPack {
		ar.Head = &id
		if err := ar.Capabilities.Set(capability.SymRef, "HEAD:"+main.String()); err != nil {
			return nil, fmt.Errorf("advertise HEAD: %w", err)
		}
	}
	return ar, nil
}

// body is what a Git client sent, unpacked and bounded both ways.
func body(w http.ResponseWriter, r *http.Request, most int64) (io.Reader, error) {
	in := io.Reader(http.MaxBytesReader(w, r.Body, most))
	if r.Header.Get("Content-Encoding") != "gzip" {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the request is not gzip as it says")
	}
	return io.LimitReader(z, most), nil
}

func sortedNames(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
