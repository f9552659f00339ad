package gate

import (
	"slices"
	"strings"
)

// Version asks whether there is a version to promote that is the candidate,
// newer than what is there, complete, and built for the same platforms. It has
// no settings of its own: which versions are selected is said by the
// artifact's `versions:`.
//
// It blocks when a tag was seen with two digests, in the registry or in Git,
// when a digest is known under another version, when the candidate lacks a
// platform that runs now, and when it is older than what is there. It waits
// while the registry cannot be read: the candidate may be gone, or named by
// another tag, by now.
type Version struct{}

// Check implements [Gate].
func (Version) Check(c Case) Verdict {
	v := c.Candidate
	switch {
	case c.Current.Presence == "absent":
		if c.Current.Problem != "" {
			return wait(c.Promotion, never, "%s is not in %s yet: add it once by hand; these lines mention it and are %s", c.Lane.Artifact, c.Lane.Environment, c.Current.Problem)
		}
		return wait(c.Promotion, never, "%s is not in %s yet: add it once by hand", c.Lane.Artifact, c.Lane.Environment)
	case c.Current.Presence == "":
		return wait("", never, "what Git names in %s is unknown: %s", c.Lane.Environment, orElse(c.Current.Problem, "not read yet"))
	case v.Digest == "":
		return wait("", never, "no version to promote: %s", orElse(c.Why, "none matches the rules"))
	case c.Conflict != "":
		return block("a person with the right", "%s", c.Conflict)
	case c.VersionsUnread != "":
		return wait("", never, "the versions of %s could not be read: %s", c.Lane.Artifact, c.VersionsUnread)
	case c.Backwards:
		return block(c.Promotion, "%s is older than %s, which is there now", v, orElse(c.Current.Version.Tag, c.Running.String()))
	case v.Incomplete:
		return wait("the build", never, "the index of %s names platforms that the registry does not have yet", v)
	}
	var missing []string
	for _, p := range c.Running.Platforms {
		if len(v.Platforms) > 0 && !slices.Contains(v.Platforms, p) {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return block("the build", "%s lacks %s, which what is there now has", v, strings.Join(missing, ", "))
	}
	return pass("%s is the candidate", v)
}
