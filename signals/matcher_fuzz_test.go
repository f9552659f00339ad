package signals_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
)

// FuzzParseMatchers holds that no text ends the program, and that whatever
// is read can be asked.
func FuzzParseMatchers(f *testing.F) {
	for _, text := range []string{`service="a"`, `{a=~"x|y", b!~"\\d", c!="}"}`, `a="`, `a=b,`, "a=~\"(\""} {
		f.Add(text, "a", "x")
	}
	f.Fuzz(func(t *testing.T, text, label, value string) {
		list, err := signals.ParseMatchers(text)
		if err != nil {
			return
		}
		for _, m := range list {
			if m.Label == "" {
				t.Errorf("%q has a matcher without a label", text)
			}
			m.Matches(map[string]string{label: value})
			m.Matches(nil)
		}
	})
}
