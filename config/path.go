package config

import "strings"

// checkPath says why a path of the repository cannot be one; rules says that it
// is one of the rule files, which nothing else may be.
func checkPath(p string, rules bool) string {
	switch {
	case p == "":
		return "it is empty"
	case strings.HasPrefix(p, "/"):
		return "it is absolute; write it from the root of the repository"
	case strings.ContainsAny(p, "\\\x00\n\r"):
		return "it holds a backslash, a line break or NUL"
	case len(p) > 1024:
		return "it is longer than 1024 bytes"
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(p, "/"), "/") {
		switch {
		case segment == "":
			return "it has an empty segment"
		case segment == "." || segment == "..":
			return "it has a segment " + segment
		case !rules && guarded(segment):
			return segment + " is not for environments"
		}
	}
	return ""
}

// guarded says that a segment belongs to Git, the forge, its checks or to the
// rules; comparison ignores case because some file systems do.
func guarded(segment string) bool {
	s := strings.ToLower(segment)
	switch s {
	case ".waveguide", "codeowners", "jenkinsfile", ".circleci", ".forgejo", ".woodpecker", ".buildkite", ".tekton", ".travis.yml",
		".drone.yml", ".woodpecker.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", "appveyor.yml":
		return true
	}
	// .git, .github, .gitlab-ci.yml, .gitea, .gitmodules, .gitattributes.
	return strings.HasPrefix(s, ".git")
}

// overlaps says whether two path templates can name the same file, or one a
// file in the folder of the other. A segment with a template in it is compared
// as what stands before and after the template.
func overlaps(a, b string) bool {
	x, y := strings.Split(strings.TrimSuffix(a, "/"), "/"), strings.Split(strings.TrimSuffix(b, "/"), "/")
	for i := range min(len(x), len(y)) {
		if !unify(x[i], y[i]) {
			return false
		}
	}
	return true
}

func unify(a, b string) bool {
	before, after, is := strings.Cut(a, artifactTemplate)
	before2, after2, is2 := strings.Cut(b, artifactTemplate)
	switch {
	case !is && !is2:
		return strings.EqualFold(a, b)
	case is && is2:
		return overlapStart(before, before2) && overlapEnd(after, after2)
	case is2:
		before, after, b = before2, after2, a
	}
	return len(b) >= len(before)+len(after) && strings.HasPrefix(b, before) && strings.HasSuffix(b, after)
}

func overlapStart(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
func overlapEnd(a, b string) bool   { return strings.HasSuffix(a, b) || strings.HasSuffix(b, a) }
