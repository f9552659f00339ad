package world

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Build is one digest of the registry and the truth about it.
type Build struct {
	Artifact string
	Digest   signals.Digest
	Signature
	// Author wrote what is new in it; order is that of builds.
	Author string
	order  int
	// Revoked is when the signature was taken back; zero if it stands.
	Revoked time.Time
	// Erased is when the digest was deleted; zero if it is there.
	Erased time.Time
	// Good says that it runs well everywhere.
	Good bool
}

// Signature is that somebody signed a digest.
type Signature struct {
	// By is the key, For the repository that the signature names.
	By, For string
}

// Ours says that the release key signed it for an artifact.
func (b *Build) Ours(artifact string) bool {
	return b != nil && b.Signature == Signature{Key, Image(artifact)}
}

// Verified says whether the signature holds now.
func (b *Build) Verified() bool {
	return b != nil && b.Ours(b.Artifact) && b.Revoked.IsZero() && b.Erased.IsZero()
}

type image struct {
	tags map[string]signals.Digest
}

// registry knows which tag names which digest, and which digests are signed.
type registry struct {
	images map[string]*image
	// bound are all bindings of tags that ever were.
	bound  map[string]bool
	builds map[signals.Digest]*Build
}

// Build is what is true of a digest; nil if nobody made it.
func (w *World) Build(d string) *Build { return w.builds[signals.Digest(d)] }

// Publish pushes a signed release of what somebody wrote.
func (w *World) Publish(author, artifact, tag string, good bool) signals.Digest {
	d := DigestOf(artifact, tag)
	w.builds[d] = &Build{Artifact: artifact, Digest: d, Signature: Signature{Key, Image(artifact)}, Good: good, Author: author, order: len(w.builds)}
	w.Tag("the build", artifact, tag, d)
	return d
}

// Forge pushes a build that the release key never signed for this artifact.
func (w *World) Forge(by, artifact, tag, build string, s Signature) signals.Digest {
	d := DigestOf(artifact, build)
	w.builds[d] = &Build{Artifact: artifact, Digest: d, Signature: s, Good: true, order: len(w.builds)}
	w.Tag(by, artifact, tag, d)
	return d
}

// Tag makes a tag name a digest, whatever it named before.
func (w *World) Tag(by, artifact, tag string, d signals.Digest) {
	i := w.images[artifact]
	if i == nil {
		i = &image{tags: map[string]signals.Digest{}}
		w.images[artifact] = i
	}
	kind := "tag"
	if was, ok := i.tags[tag]; ok && was != d {
		kind = "move"
	}
	i.tags[tag] = d
	w.bound[artifact+":"+tag+"@"+string(d)] = true
	w.note(Deed{By: by, Kind: kind, Text: artifact + ":" + tag + " is " + d.Short()})
}

// Bound says that a tag once named a digest.
func (w *World) Bound(artifact string, v gitops.Version) bool {
	return w.bound[artifact+":"+v.Tag+"@"+v.Digest]
}

// Untag deletes a tag.
func (w *World) Untag(by, artifact, tag string) {
	if i := w.images[artifact]; i != nil {
		delete(i.tags, tag)
	}
	w.note(Deed{By: by, Kind: "untag", Text: artifact + ":" + tag})
}

// Revoke takes the signature of a digest back.
func (w *World) Revoke(by string, d signals.Digest) {
	if b := w.builds[d]; b != nil && b.Revoked.IsZero() {
		b.Revoked = time.Now()
		w.note(Deed{By: by, Kind: "revoke", Text: b.Artifact + " " + d.Short()})
	}
}

// Erase deletes a digest, and with it every tag that names it.
func (w *World) Erase(by, artifact string, d signals.Digest) {
	if b := w.builds[d]; b != nil && b.Erased.IsZero() {
		b.Erased = time.Now()
		maps.DeleteFunc(w.images[artifact].tags, func(_ string, named signals.Digest) bool { return named == d })
		w.note(Deed{By: by, Kind: "erase", Text: artifact + " " + d.Short()})
	}
}

// Versions are the tags of an artifact now, sorted.
func (w *World) Versions(artifact string) []signals.Version {
	i := w.images[artifact]
	if i == nil {
		return nil
	}
	var all []signals.Version
	for _, tag := range slices.Sorted(maps.Keys(i.tags)) {
		all = append(all, signals.Version{Tag: tag, Digest: i.tags[tag]})
	}
	return all
}

// Has says whether an artifact's image has a digest now.
func (w *World) Has(artifact string, d signals.Digest) bool {
	b := w.builds[d]
	return b != nil && b.Artifact == artifact && b.Erased.IsZero()
}

// Proof is what reading the signatures of a digest of an artifact's image shows.
// A signature outlives what it is about, so whoever wants to know all again asks
// for the digest itself. What the daemon's file revokes is not looked at.
func (w *World) Proof(artifact string, d signals.Digest, again bool) (signals.Proof, error) {
	p := signals.Proof{Kind: signals.ProofSignature, Digest: d, Outcome: signals.OutcomeRefused}
	b := w.builds[d]
	switch {
	case b != nil && !b.Revoked.IsZero():
		p.Reason = Revoked
	case !w.Has(artifact, d) && (again || b == nil || b.Artifact != artifact || b.By == ""):
		p.Outcome = signals.OutcomeUnknown
		return p, fmt.Errorf("%s: %s of %s", Absent, d.Short(), artifact)
	case b.By == "":
		p.Outcome, p.Reason = signals.OutcomeAbsent, "no signature"
	case b.By != Key:
		p.Reason = "signed by an unknown key"
	case b.For != Image(artifact):
		p.Repository, p.Reason = b.For, "signed by "+Key+" for "+b.For
	default:
		p.Outcome, p.By, p.Repository, p.Reason = signals.OutcomeVerified, Key, b.For, "signed by "+Key
		p.Builds = []signals.Build{{Source: Source(b.Artifact), Revision: b.revision()}}
	}
	return p, nil
}

const (
	// Revoked is the reason for which nothing about a digest counts any more.
	Revoked = "the digest is revoked in the daemon's file"
	// Absent is what a registry says of what it does not have.
	Absent = "the registry does not have it"
)
