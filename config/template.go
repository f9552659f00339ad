package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// artifactTemplate is the one template there is.
const artifactTemplate = "${artifact}"

// checkTemplate says what is wrong with the templates of a text.
func checkTemplate(s string) string {
	for rest := s; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			return ""
		}
		rest = rest[i:]
		if !strings.HasPrefix(rest, artifactTemplate) {
			name, _, _ := strings.Cut(rest, "}")
			return fmt.Sprintf("%q is not a template; there is only %s", clip(name+"}"), artifactTemplate)
		}
		rest = rest[len(artifactTemplate):]
	}
}

// expand puts the artifact's name where an exact text is wanted: an identity,
// an application, a path segment. Names hold nothing that such a text could
// take for syntax (see isName).
func expand(s, artifact string) string { return strings.ReplaceAll(s, artifactTemplate, artifact) }

// checkQuery says why a query or a list of matchers cannot take a template.
func checkQuery(s string) string {
	if why := checkTemplate(s); why != "" {
		return why
	}
	_, err := expandQuery(s, "a")
	if err != nil {
		return err.Error()
	}
	return ""
}

// expandQuery puts the artifact's name into the quoted strings of a PromQL
// query or an Alertmanager matcher. In a regular expression it is escaped, so
// that a dot in a name matches a dot.
func expandQuery(s, artifact string) (string, error) {
	if !strings.Contains(s, artifactTemplate) {
		return s, nil
	}
	var b strings.Builder
	var quote byte
	regex := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.HasPrefix(s[i:], artifactTemplate):
			if quote == 0 {
				return "", fmt.Errorf("%s must stand inside a quoted string", artifactTemplate)
			}
			b.WriteString(inString(artifact, quote, regex))
			i += len(artifactTemplate) - 1
			continue
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			quote = c
			before := strings.TrimRight(s[:i], " \t\n")
			regex = strings.HasSuffix(before, "=~") || strings.HasSuffix(before, "!~")
		case quote != 0 && c == '\\' && quote != '`' && i+1 < len(s):
			b.WriteByte(c)
			i++
			c = s[i]
		case c == quote:
			quote = 0
		}
		b.WriteByte(c)
	}
	if quote != 0 {
		return "", fmt.Errorf("a quoted string does not end")
	}
	return b.String(), nil
}

func inString(artifact string, quote byte, regex bool) string {
	if regex {
		artifact = regexp.QuoteMeta(artifact)
	}
	if quote == '`' {
		return artifact
	}
	return strings.ReplaceAll(artifact, `\`, `\\`)
}

// checkURL says why an address cannot be asked.
func checkURL(s string) string {
	if why := checkTemplate(s); why != "" {
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
	if i := strings.LastIndex(host, artifactTemplate); i >= 0 {
		name, _, _ := strings.Cut(host[i+len(artifactTemplate):], ":")
		if !strings.HasPrefix(name, ".") || len(name) < 2 {
			return "after " + artifactTemplate + " a host must go on with a fixed domain, as in ${artifact}.prod.svc"
		}
	}
	u, err := url.Parse(expand(s, "a"))
	switch {
	case err != nil || u.Host == "":
		return "it is not an address"
	case u.User != nil:
		return "an address must not hold credentials"
	}
	return ""
}

// expandURL puts the artifact's name into an address, as one segment of it.
func expandURL(s, artifact string) string {
	return strings.ReplaceAll(s, artifactTemplate, url.PathEscape(artifact))
}
