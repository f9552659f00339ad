package edit

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	reTag        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	reSemver     = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+([-+][A-Za-z0-9.+-]+)?$`)
	reRef        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}$`) // a tag or branch of Git
	reRepository = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._/:-]{0,253}[A-Za-z0-9])?$`)
	rePrefix     = regexp.MustCompile(`^(?:[A-Za-z0-9._/:-]*=)?(?:oci://|docker://)?`)
	reDefault    = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^${}]*)\}$`)
)

// isDigest says whether s is a digest in full.
func isDigest(s string) bool {
	if rest, ok := strings.CutPrefix(s, "sha256:"); ok {
		return len(rest) == 64 && isHex(rest)
	}
	rest, ok := strings.CutPrefix(s, "sha512:")
	return ok && len(rest) == 128 && isHex(rest)
}

// isCommit says whether s is the id of a commit in full.
func isCommit(s string) bool { return (len(s) == 40 || len(s) == 64) && isHex(s) }

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// reference is repo[:tag][@digest], with text such as "--image=", "oci://" or "${IMAGE:-" before it.
type reference struct {
	prefix, repository, tag, digest, suffix string
}

func parseReference(s string) (r reference) {
	if m := reDefault.FindStringSubmatchIndex(s); m != nil {
		r = parseReference(s[m[2]:m[3]])
		r.prefix, r.suffix = s[:m[2]]+r.prefix, s[m[3]:]
		return r
	}
	r.prefix = rePrefix.FindString(s)
	s, r.digest, _ = strings.Cut(s[len(r.prefix):], "@")
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.Contains(s[i:], "/") {
		s, r.tag = s[:i], s[i+1:]
	}
	r.repository = s
	return r
}

func (r reference) String() string {
	return r.prefix + r.repository + join(r.tag, r.digest, r.tag != "") + r.suffix
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
		(r.digest == "" || isDigest(r.digest)) && reRepository.MatchString(r.repository)
}

// source is the address of a module or bundle with its version in the query: ...?ref=v1, ?version=1.2.3, ?tag=, ?digest=.
type source struct {
	before, value, after string
	key                  string
}

func parseSource(s string) (r source, ok bool) {
	at, query, found := strings.Cut(s, "?")
	if !found {
		return source{}, false
	}
	r.before = at + "?"
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "ref", "version", "tag", "digest":
			if ok {
				return source{}, false
			}
			r.key, r.value, ok = key, value, true
			r.before += key + "="
		default:
			if ok {
				r.after += "&" + part
			} else {
				r.before += part + "&"
			}
		}
	}
	return r, ok
}

// repository is a name with its registry or host told apart, in the form in which two spellings are equal.
type repository struct{ registry, path, sub string }

// parseRepository reads an image's repository, and the addresses of Git, Helm and Terraform for the same thing.
func parseRepository(s string) repository {
	scheme := false
	if strings.ContainsAny(s, ":@?") || strings.Contains(s, "//") || strings.HasSuffix(s, ".git") {
		s, scheme = stripAddress(s)
	}
	s, sub, _ := strings.Cut(s, "//")
	s = strings.TrimSuffix(strings.TrimSuffix(s, "/"), ".git")
	registry, path, ok := strings.Cut(s, "/")
	if (!ok || !strings.ContainsAny(registry, ".:") && registry != "localhost") && !scheme {
		registry, path = "docker.io", s
	}
	if registry == "index.docker.io" {
		registry = "docker.io"
	}
	if registry == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return repository{registry, path, strings.Trim(sub, "/")}
}

// stripAddress takes scheme, user and query away. It tells whether a host must come first.
func stripAddress(s string) (string, bool) {
	s, _, _ = strings.Cut(s, "?")
	s = strings.TrimPrefix(s, "git::")
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok && strings.HasPrefix(s, "git@"): // git@host:path
		return strings.Replace(s[len("git@"):], ":", "/", 1), true
	case !ok:
		return s, false
	case scheme == "tfr":
		if strings.HasPrefix(rest, "/") {
			rest = terraformRegistry + rest
		}
	case scheme == "docker":
		return rest, false
	}
	if host, _, _ := strings.Cut(rest, "/"); strings.Contains(host, "@") {
		rest = rest[strings.IndexByte(rest, '@')+1:]
	}
	return rest, scheme != "oci"
}

const terraformRegistry = "registry.terraform.io"

// is says whether o is the repository that is wanted; a folder counts only if one is wanted.
func (r repository) is(o repository) bool {
	return r.registry == o.registry && r.path == o.path && (r.sub == "" || r.sub == o.sub)
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
// not as a part of a longer name; or its last part as the name of a chart or of a repository under the rest of it. An
// empty needle is never mentioned.
func Mentions(src, needle []byte) bool {
	return mentionAt(src, needle, 0) >= 0 || splitMention(src, needle)
}

// splitMention finds a name whose last part stands on a line of its own: chart: app, or name: app with the rest elsewhere.
func splitMention(src, needle []byte) bool {
	i := bytes.LastIndexByte(needle, '/')
	if i < 0 {
		return false
	}
	rest := mentionAt(src, needle[:i], 0) >= 0
	if !rest && !bytes.Contains(src, []byte("chart")) {
		return false
	}
	base := needle[i+1:]
	for at := mentionAt(src, base, 0); at >= 0; at = mentionAt(src, base, at+1) {
		before := bytes.TrimRight(src[:at], " \t\"'")
		if n := len(before); n == 0 || before[n-1] != ':' && before[n-1] != '=' {
			continue
		}
		before = bytes.TrimRight(before[:len(before)-1], " \t\"'")
		for _, key := range []string{"chart", "name", "repository", "image"} {
			if bytes.HasSuffix(before, []byte(key)) && (rest || key == "chart") {
				return true
			}
		}
	}
	return false
}

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

// nameEnds says whether a repository name is over before rest. A full stop may end a sentence, .git and // a repository.
func nameEnds(rest []byte) bool {
	if len(rest) == 0 {
		return true
	}
	switch rest[0] {
	case '/':
		return len(rest) == 1 || !nameByte(rest[1])
	case '.':
		if bytes.HasPrefix(rest, []byte(".git")) {
			rest = rest[3:]
		}
		return len(rest) == 1 || !nameByte(rest[1]) && (rest[1] != '/' || len(rest) > 2 && rest[2] == '/')
	}
	return !nameByte(rest[0])
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
