package signals_test

import (
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
)

func TestMatchers(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"service": "order-api", "severity": "page", "note": `a "b", c`}
	for text, want := range map[string]bool{
		`service="order-api"`:                               true,
		`service="order"`:                                   false,
		`service=~"order.*"`:                                true,
		`service=~"order"`:                                  false, // patterns are anchored
		`service!="order-api"`:                              false,
		`service!~"order.*"`:                                false,
		`severity=~"page|critical", service="order-api"`:    true,
		` { severity = "page" , service = "order-api" , } `: true,
		`severity=page`:                                     true,
		`team=""`:                                           true, // what is not there is empty
		`team!=""`:                                          false,
		`team=~"(?:shop)?"`:                                 true,
		`note="a \"b\", c"`:                                 true,
		`service="order-api",severity="critical"`:           false,
		`service="order-api", alertname!="Watchdog"`:        true,
	} {
		list, err := signals.ParseMatchers(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := true
		for _, m := range list {
			got = got && m.Matches(labels)
		}
		if got != want {
			t.Errorf("%s matches: %t, want %t", text, got, want)
		}
	}
}

func TestMatchersRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "{}", "{", `{a="b"`, "a", "a=b c", `a="b" c="d"`, `a="b`, `a=="b"`, `=b`, `1a="b"`, `a=~"("`, `a="\q"`,
		strings.Repeat(`a="b",`, 33), "a='b c'",
	} {
		if list, err := signals.ParseMatchers(text); err == nil {
			t.Errorf("%q is read as %v, want an error", text, list)
		}
	}
}
