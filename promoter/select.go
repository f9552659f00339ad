package promoter

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/waveguide-dev/waveguide/signals"
)

// Selector says which tags of a repository are versions and in which order. A
// version's own creation time never orders anything.
type Selector struct {
	// Exactly one of these is set.
	Semver  string `json:"semver,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	Channel string `json:"channel,omitempty"`
	Newest  string `json:"newest,omitempty"`
	// SortBy is the named group of Pattern that orders, as a number.
	SortBy string `json:"sortBy,omitempty"`

	constraint *semver.Constraints
	pattern    *regexp.Regexp
	group      int
}

// NewSelector compiles a selector and says what is wrong with it.
func NewSelector(s Selector) (Selector, error) {
	set := 0
	for _, v := range []string{s.Semver, s.Pattern, s.Channel, s.Newest} {
		if v != "" {
			set++
		}
	}
	if set != 1 {
		return s, fmt.Errorf("exactly one of semver, pattern, channel and newest selects versions, not %d", set)
	}
	if s.SortBy != "" && s.Pattern == "" {
		return s, fmt.Errorf("sortBy names a group of pattern, and there is no pattern")
	}
	var err error
	switch {
	case s.Semver != "":
		if s.constraint, err = semver.NewConstraint(s.Semver); err != nil {
			return s, fmt.Errorf("semver %.80q: %w; write it as in \">=2.0.0 <3.0.0\"", s.Semver, err)
		}
	case s.Pattern != "":
		if s.pattern, err = regexp.Compile("^(?:" + s.Pattern + ")$"); err != nil {
			return s, fmt.Errorf("pattern %.80q: %w", s.Pattern, err)
		}
		if s.group = s.pattern.SubexpIndex(s.SortBy); s.group < 0 {
			return s, fmt.Errorf("pattern %.80q has no group (?P<%s>…) to sort by", s.Pattern, s.SortBy)
		}
	case s.Newest != "":
		if s.pattern, err = regexp.Compile("^(?:" + s.Newest + ")$"); err != nil {
			return s, fmt.Errorf("newest %.80q: %w", s.Newest, err)
		}
	}
	return s, nil
}

// Selects says whether a tag is a version.
func (s Selector) Selects(tag string) bool { return s.read(tag).selected }

// Compare orders two selected versions: negative if a comes before b, zero if
// nothing tells them apart.
func (s Selector) Compare(a, b signals.Version) int {
	return s.order(s.read(a.Tag), s.read(b.Tag), a, b)
}

// reading is what a selector makes of a tag: whether it is a version, and its
// place in the order where the tag tells it.
type reading struct {
	selected bool
	release  *semver.Version
	number   uint64
	ordered  bool
}

func (s Selector) read(tag string) (r reading) {
	switch {
	case s.constraint != nil:
		v, err := release(tag)
		if err != nil {
			return r
		}
		return reading{selected: s.constraint.Check(v), release: v, ordered: true}
	case s.Channel != "":
		r.selected = tag == s.Channel
	case s.pattern != nil && s.SortBy != "":
		n, err := s.number(tag)
		return reading{selected: err == nil, number: n, ordered: err == nil}
	case s.pattern != nil:
		r.selected = s.pattern.MatchString(tag)
	}
	return r
}

// order is [Selector.Compare] of tags that are read already.
func (s Selector) order(x, y reading, a, b signals.Version) int {
	switch byTag := s.constraint != nil || s.SortBy != ""; {
	case byTag && (!x.ordered || !y.ordered):
		return 0
	case s.constraint != nil:
		return x.release.Compare(y.release)
	case byTag:
		return cmp.Compare(x.number, y.number)
	}
	return a.Known().Compare(b.Known())
}

// release parses a full semantic version, a leading v allowed. A floating tag
// such as 1.2 names no version.
func release(tag string) (*semver.Version, error) {
	return semver.StrictNewVersion(strings.TrimPrefix(tag, "v"))
}

// number is the sort key of a tag.
func (s Selector) number(tag string) (uint64, error) {
	m := s.pattern.FindStringSubmatch(tag)
	if m == nil {
		return 0, fmt.Errorf("tag %.80q does not match", tag)
	}
	return strconv.ParseUint(m[s.group], 10, 64)
}

// String says the selector in one line.
func (s Selector) String() string {
	switch {
	case s.Semver != "":
		return "semver " + s.Semver
	case s.Pattern != "":
		return "pattern " + s.Pattern
	case s.Channel != "":
		return "channel " + s.Channel
	}
	return "newest of " + s.Newest
}
