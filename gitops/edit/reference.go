package edit

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	reTag        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	reDigest     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$`)
	reRepository = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._/:-]{0,253}[A-Za-z0-9])?$`)
	rePrefix     = regexp.MustCompile(`^(?:[A-Za-z0-9._/:-]*=)?(?:oci://|docker://)?`)
)

// reference is repo[:tag][@digest], with text such as "--image=" or "oci://" before it.
type reference struct {
	prefix, repository, tag, digest string
}

func parseReference(s string) (r reference) {
	r.prefix = rePrefix.FindString(s)
	s, r.digest, _ = strings.Cut(s[len(r.prefix):], "@")
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.Contains(s[i:], "/") {
		s, r.tag = s[:i], s[i+1:]
	}
	r.repository = s
	return r
}

func (r reference) String() string {
	return r.prefix + r.repository + join(r.tag, r.digest, r.tag != "")
}

// join spells the part of a reference behind the repository.
func join(tag, digest string, colon bool) string {
	var s string
	if colon {
		s = ":"
	}
	s += tag
	if digest != "" {
		s += "@" + digest
	}
	return s
}

// written tells a written-out reference from a template such as repo:${TAG}.
func (r reference) written() bool {
	return (r.tag != "" || r.digest != "") && (r.tag == "" || reTag.MatchString(r.tag)) &&
		(r.digest == "" || reDigest.MatchString(r.digest)) && reRepository.MatchString(r.repository)
}

// repository is a name with its registry told apart, in the form in which two spellings are equal.
type repository struct{ registry, path string }

func parseRepository(s string) repository {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "oci://"), "docker://")
	s = strings.TrimSuffix(s, "/")
	registry, path, ok := strings.Cut(s, "/")
	if !ok || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		registry, path = "docker.io", s
	}
	if registry == "index.docker.io" {
		registry = "docker.io"
	}
	if registry == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return repository{registry, path}
}

// needle is what a file must hold to name the repository: the registry may be split off or left out.
func (r repository) needle() string {
	if r.registry == "docker.io" {
		return strings.TrimPrefix(r.path, "library/")
	}
	return r.path
}

// mirrors says whether o can hold the same artifact under another registry or prefix.
func (r repository) mirrors(o repository) bool {
	n := r.needle()
	return o.path == r.path || o.path == n || strings.HasSuffix(o.path, "/"+n)
}

// Needle is the text to search for in files before any parsing: the repository without its registry.
func Needle(repository string) []byte { return []byte(parseRepository(repository).needle()) }

// Mentions is the fast check before any parsing: whether src holds needle as a whole repository name or the end of one,
// not as a part of a longer name. An empty needle is never mentioned.
func Mentions(src, needle []byte) bool { return mentionAt(src, needle, 0) >= 0 }

// mentionAt is the place of the next mention from byte at on, -1 when there is none.
func mentionAt(src, needle []byte, at int) int {
	if len(needle) == 0 {
		return -1
	}
	for {
		i := bytes.Index(src[at:], needle)
		if i < 0 {
			return -1
		}
		i += at
		if (i == 0 || !nameByte(src[i-1])) && nameEnds(src[i+len(needle):]) {
			return i
		}
		at = i + 1
	}
}

// nameEnds says whether a repository name is over before rest; a full stop may end a sentence.
func nameEnds(rest []byte) bool {
	if len(rest) == 0 {
		return true
	}
	if rest[0] == '.' {
		return len(rest) == 1 || !nameByte(rest[1]) && rest[1] != '/'
	}
	return !nameByte(rest[0]) && rest[0] != '/'
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
