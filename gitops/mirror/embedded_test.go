package mirror_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"

	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// embedded serves a repository with go-git's server: no shallow clones, no thin packs, no side band.
type embedded struct {
	root      string
	hideAgent bool
}

func (e embedded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := e.serve(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (e embedded) serve(w http.ResponseWriter, r *http.Request) error {
	srv := server.NewServer(server.NewFilesystemLoader(osfs.New(e.root)))
	repo, call, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	ep := &transport.Endpoint{Path: repo}
	up, err := srv.NewUploadPackSession(ep, nil)
	if err != nil {
		return err
	}
	down, err := srv.NewReceivePackSession(ep, nil)
	if err != nil {
		return err
	}
	ctx := r.Context()
	switch call {
	case "info/refs":
		name := r.URL.Query().Get("service")
		var s transport.Session = up
		if name == "git-receive-pack" {
			s = down
		}
		ar, err := s.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		if e.hideAgent {
			ar.Capabilities.Delete(capability.Agent)
		}
		ar.Prefix = [][]byte{[]byte("# service=" + name), pktline.Flush}
		return ar.Encode(w)
	case "git-upload-pack":
		req := packp.NewUploadPackRequest()
		if err := req.Decode(r.Body); err != nil {
			return err
		}
		for lines := pktline.NewScanner(r.Body); lines.Scan(); {
			if have, ok := strings.CutPrefix(string(lines.Bytes()), "have "); ok {
				req.Haves = append(req.Haves, plumbing.NewHash(strings.TrimSpace(have)))
			}
		}
		resp, err := up.UploadPack(ctx, req)
		if err != nil {
			return err
		}
		return resp.Encode(w)
	}
	req := packp.NewReferenceUpdateRequest()
	if err := req.Decode(r.Body); err != nil {
		return err
	}
	if req.Commands[0].Action() == packp.Delete {
		req.Packfile = nil // which Decode sets always
	}
	report, err := down.ReceivePack(ctx, req)
	if report == nil {
		return err
	}
	var out bytes.Buffer
	if err := report.Encode(&out); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

func TestServerWithoutShallowOrThin(t *testing.T) {
	t.Parallel()
	for _, hideAgent := range []bool{false, true} {
		t.Run(fmt.Sprint("agent hidden ", hideAgent), func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, small())
			u.edit(map[string]string{"top": "second\n"})
			first := u.head()
			u.intercept(func(http.Handler) http.Handler { return embedded{filepath.Dir(u.dir), hideAgent} })
			o := options(t, u.url)
			m := open(t, o)
			fetch(t, m)
			same(t, u, m)
			if line, err := m.Line(t.Context(), m.Head(), 1000); err != nil || len(line) != 2 {
				t.Errorf("the line has %d commits, want 2, %v", len(line), err)
			}
			step := func(name string, forced, all bool, changed ...string) {
				t.Helper()
				up := fetch(t, m)
				if up.New != u.head() || up.Forced != forced || up.All != all || !slices.Equal(up.Changed, changed) {
					t.Errorf("%s: %+v, want forced %v, changed %q", name, up, forced, changed)
				}
				same(t, u, m)
			}
			u.edit(map[string]string{"a/b/one": service("4")})
			step("one commit", false, false, "a/b/one")
			u.edit(map[string]string{"a/b/one": service("5")})
			u.edit(map[string]string{"a/b/two": service("5")})
			step("two commits", false, false, "a/b/one", "a/b/two")
			u.edit(map[string]string{"a/b/one": service("4")})
			step("back to what was pruned", false, false, "a/b/one")
			before := u.requests.Load()
			step("idle", false, false)
			if n := u.requests.Load() - before; n != 1 {
				t.Errorf("an idle Fetch made %d requests, want 1", n)
			}

			c := compose(t, m, map[string]string{"a/b/two": service("6"), "new": "x\n"})
			for range 2 {
				if err := push1(t, m, mirror.RefUpdate{Branch: "waveguide/x", Composed: &c}); err != nil {
					t.Fatal(err)
				}
			}
			u.git("fsck", "--strict")
			theirs := u.commit("theirs", "refs/heads/main^0", map[string]string{"top": "theirs\n"})
			if got, err := m.Commit(context.Background(), theirs); err != nil || got.Author.Name != "Ann" {
				t.Errorf("Commit = %+v, %v", got, err)
			}
			u.git("update-ref", "refs/heads/main", "refs/heads/waveguide/x")
			step("the proposal merged by fast-forward", false, false, "a/b/two", "new")
			u.git("update-ref", "refs/heads/main", string(first))
			step("forced back to the snapshot", true, false, "a/b/one", "a/b/two", "new")
			u.commit("main", "", map[string]string{"other": "history\n"})
			step("rewritten", true, false, "a/b/one", "a/b/two", "a/c/three", "other", "top")
			if err := push1(t, m, mirror.RefUpdate{Branch: "waveguide/x", Old: c.ID}); err != nil {
				t.Errorf("delete: %v", err)
			}
			m2 := open(t, o)
			if up, err := m2.Fetch(context.Background()); err != nil || up.Forced {
				t.Errorf("Fetch after a restart = %+v, %v", up, err)
			}
			same(t, u, m2)
		})
	}
}
