package signals

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Matcher is one condition on a label, as alerts are selected by: service="a",
// severity=~"page|critical", and with != and !~ their opposites. A label that
// is not there is empty.
type Matcher struct {
	Label string
	value string
	regex *regexp.Regexp
	not   bool
}

// maxMatchers bounds a list of matchers.
const maxMatchers = 32

// ParseMatchers reads matchers separated by commas, with or without braces
// around them, each in its own form or bare where the value is one word.
func ParseMatchers(text string) ([]Matcher, error) {
	rest := strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(rest, "{"); ok {
		if rest, ok = strings.CutSuffix(inner, "}"); !ok {
			return nil, errors.New("a brace is not closed")
		}
	}
	form := regexp.MustCompile(`^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^\s",{}=!~]*)\s*(?:,|$)`)
	var list []Matcher
	for strings.TrimSpace(rest) != "" {
		m := form.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%.60q is no matcher; write label=\"value\"", strings.TrimSpace(rest))
		}
		one, err := newMatcher(m[1], m[2], m[3])
		if err != nil {
			return nil, err
		}
		list = append(list, one)
		rest = rest[len(m[0]):]
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("there is no matcher; write label=\"value\"")
	case len(list) > maxMatchers:
		return nil, fmt.Errorf("there are more than %d matchers", maxMatchers)
	}
	return list, nil
}

func newMatcher(label, op, value string) (Matcher, error) {
	if strings.HasPrefix(value, `"`) {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			return Matcher{}, fmt.Errorf("the value of %s cannot be read; quote it as in label=\"value\"", label)
		}
	}
	m := Matcher{Label: label, value: value, not: op[0] == '!'}
	if strings.HasSuffix(op, "~") {
		var err error
		if m.regex, err = regexp.Compile("^(?:" + value + ")$"); err != nil {
			return Matcher{}, fmt.Errorf("the pattern of %s cannot be read: %w", label, err)
		}
	}
	return m, nil
}

// Matches says whether labels meet the condition.
func (m Matcher) Matches(labels map[string]string) bool {
	v := labels[m.Label]
	if m.regex != nil {
		return m.regex.MatchString(v) != m.not
	}
	return (v == m.value) != m.not
}
