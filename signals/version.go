package signals

import (
	"fmt"
	"time"
)

// Digest is an OCI content digest, "sha256:" and 64 lower-case hexadecimal
// digits (OCI image specification, descriptor). It is the identity of a
// version; tags only nominate.
type Digest string

// ParseDigest accepts a sha256 digest and nothing else.
func ParseDigest(s string) (Digest, error) {
	const prefix = "sha256:"
	if len(s) != len(prefix)+64 || s[:len(prefix)] != prefix {
		return "", fmt.Errorf("digest %.80q is not sha256: and 64 hexadecimal digits", s)
	}
	for _, c := range s[len(prefix):] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("digest %.80q is not sha256: and 64 lower-case hexadecimal digits", s)
		}
	}
	return Digest(s), nil
}

// Short is the digest as people read it: "sha256:" and twelve digits.
func (d Digest) Short() string {
	if len(d) > 19 {
		return string(d[:19])
	}
	return string(d)
}

// Version is one immutable build of an artifact as a registry showed it. Tag,
// annotations and Created come from whoever may push and only nominate.
type Version struct {
	Digest Digest `json:"digest" yaml:"digest"`
	Tag    string `json:"tag" yaml:"tag"`

	// Created is the artifact's own claim. It orders nothing.
	Created time.Time `json:"created,omitzero" yaml:"created,omitempty"`
	// Pushed is the registry's word for when the digest arrived, if it says.
	Pushed time.Time `json:"pushed,omitzero" yaml:"pushed,omitempty"`
	// FirstSeen is our own first sight of this tag naming this digest.
	FirstSeen time.Time `json:"firstSeen,omitzero" yaml:"firstSeen,omitempty"`
	// Gone is when the tag was first seen to name another digest or to be
	// missing; zero while the binding stands.
	Gone time.Time `json:"gone,omitzero" yaml:"gone,omitempty"`

	// Platforms are os/architecture[/variant], sorted; empty if unknown.
	Platforms []string `json:"platforms,omitempty" yaml:"platforms,omitempty"`
	// Incomplete says that an index names a child the registry does not have.
	Incomplete bool `json:"incomplete,omitempty" yaml:"incomplete,omitempty"`

	// Revision and Source are the image's annotations, for display only.
	Revision string `json:"revision,omitempty" yaml:"revision,omitempty"`
	Source   string `json:"source,omitempty" yaml:"source,omitempty"`
}

// String is the tag and the short digest.
func (v Version) String() string {
	switch {
	case v.Digest == "" && v.Tag == "":
		return "none"
	case v.Tag == "":
		return v.Digest.Short()
	case v.Digest == "":
		return v.Tag
	}
	return v.Tag + " (" + v.Digest.Short() + ")"
}

// Known is the earliest time that does not come from the artifact itself: the
// registry's push time or our own first sight. Zero means unknown.
func (v Version) Known() time.Time {
	if v.Pushed.IsZero() || !v.FirstSeen.IsZero() && v.FirstSeen.Before(v.Pushed) {
		return v.FirstSeen
	}
	return v.Pushed
}
