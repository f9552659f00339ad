package argocd

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// runs is the version that an application runs: the digest that its pods ask
// for, or else what it applied.
type runs struct {
	digest   signals.Digest
	revision string
	rung     signals.Rung
	// mixed says that it runs several versions.
	mixed string
}

// runs looks at the images of the running pods first. Where they name the
// artifact by a tag, or do not hold it at all, as for a chart, the revision
// that was applied is all that is known.
func (a *application) runs(q Spec) runs {
	images := slices.DeleteFunc(slices.Clone(a.Status.Summary.Images), func(image string) bool {
		return kubernetes.Repository(image) != kubernetes.Repository(q.Image)
	})
	slices.Sort(images)
	var digests []signals.Digest
	tags := 0
	for _, image := range images {
		if d := kubernetes.Digest(image); d != "" {
			digests = append(digests, d)
		} else {
			tags++
		}
	}
	digests = slices.Compact(digests)
	out := a.applied(q)
	switch {
	case len(digests) == 1 && tags == 0:
		out.digest, out.rung = digests[0], signals.RungSpec
	case len(images) > 1:
		out.digest = ""
		out.mixed = fmt.Sprintf("its pods ask for %d versions of the image", len(images))
	}
	return out
}

// applied is what was applied: the digest, or else the version, of a source that
// is the artifact itself, or the commit of the GitOps repository.
func (a *application) applied(q Spec) runs {
	s := a.Status.Sync
	origins, revisions := s.ComparedTo.Sources, s.Revisions
	if len(revisions) == 0 {
		origins, revisions = []origin{s.ComparedTo.Source}, []string{s.Revision}
	}
	var commits []string
	for i, revision := range revisions {
		var from origin
		if i < len(origins) {
			from = origins[i]
		}
		if from.names(q.Image) {
			if d, err := signals.ParseDigest(revision); err == nil {
				return runs{digest: d, rung: signals.RungApplied}
			}
			return runs{revision: kubernetes.Plain(revision), rung: signals.RungApplied}
		}
		if isCommit(revision) && (q.Repository == "" || sameRepository(from.Repository, q.Repository)) {
			commits = append(commits, a.dry(revision))
		}
	}
	slices.Sort(commits)
	if commits = slices.Compact(commits); len(commits) != 1 || commits[0] == "" {
		return runs{}
	}
	return runs{revision: commits[0], rung: signals.RungApplied}
}

// dry is the commit that a hydrated one was made from; empty if that is not
// known.
func (a *application) dry(revision string) string {
	if a.Spec.Hydrator == nil {
		return revision
	}
	if last := a.Status.Hydrator.Last; last != nil && last.Hydrated == revision && isCommit(last.Dry) {
		return last.Dry
	}
	return ""
}

// names says whether a source is the artifact itself.
func (o origin) names(image string) bool {
	at := strings.TrimSuffix(strings.TrimPrefix(o.Repository, "oci://"), "/")
	if o.Chart != "" {
		at += "/" + o.Chart
	}
	return image != "" && kubernetes.Repository(at) == kubernetes.Repository(image)
}

func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// sameRepository compares the addresses of a repository as its readers may
// write them: over HTTP or SSH, with and without .git.
func sameRepository(a, b string) bool { return place(a) == place(b) }

func place(address string) string {
	if host, path, ok := strings.Cut(address, ":"); ok && !strings.Contains(address, "://") {
		address = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.ToLower(u.Hostname()) + strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), ".git")
}
