package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// artifactTemplate is the template that may stand everywhere.
const artifactTemplate = "${artifact}"

// checkTemplate says what is wrong with the templates of a text, which may be
// the artifact's and others that are named.
func checkTemplate(s string, others ...string) string {
	known := append([]string{artifactTemplate}, others...)
	for rest := s; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			return ""
		}
		rest = rest[i:]
		at := slices.IndexFunc(known, func(t string) bool { return strings.HasPrefix(rest, t) })
		if at < 0 {
			name, _, _ := strings.Cut(rest, "}")
			there := "is only " + artifactTemplate
			if last := len(others) - 1; last >= 0 {
				there = "are " + strings.Join(known[:last+1], ", ") + " and " + others[last]
			}
			return fmt.Sprintf("%q is not a template; there %s", clip(name+"}"), there)
		}
		rest = rest[len(known[at]):]
	}
}

// expand puts the artifact's name where an exact text is wanted: an identity,
// an application, a path segment. Names hold nothing that such a text could
// take for syntax (see isName).
func expand(s, artifact string) string { return strings.ReplaceAll(s, artifactTemplate, artifact) }

// checkURL says why an address cannot be asked.
func checkURL(s string) string {
	if why := checkAsked(s); why != "" {
		return why
	}
	scheme, rest, _ := strings.Cut(s, "://")
	if scheme != "http" && scheme != "https" {
		return "an address begins with https:// or http://"
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	if why := checkHost(host); why != "" {
		return why
	}
	filled, err := sample().address(s)
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(filled)
	switch {
	case err != nil || u.Host == "":
		return "it is not an address"
	case u.User != nil:
		return "an address must not hold credentials"
	}
	return ""
}

// checkHost says why the templates of a host cannot stand there: who asks must
// not be led to another domain.
func checkHost(host string) string {
	for t := range ofVersion("", "") {
		if strings.Contains(host, t) {
			return "a host cannot hold " + t
		}
	}
	for t := range ofLane("", "") {
		if i := strings.LastIndex(host, t); i >= 0 {
			name, _, _ := strings.Cut(host[i+len(t):], ":")
			if !strings.HasPrefix(name, ".") || len(name) < 2 {
				return "after " + t + " a host must go on with a fixed domain, as in ${artifact}.prod.svc"
			}
		}
	}
	return ""
}

// checkQuery says why a query or a list of matchers cannot take a template.
func checkQuery(s string) string {
	if why := checkAsked(s); why != "" {
		return why
	}
	if _, err := sample().query(s); err != nil {
		return err.Error()
	}
	return ""
}

// checkAsked checks the templates of what is asked about a version.
func checkAsked(s string) string {
	return checkTemplate(s, environmentTemplate, tagTemplate, digestTemplate)
}

// checkPlaced checks the templates of what names something in a place.
func checkPlaced(s string) string { return checkTemplate(s, environmentTemplate) }
