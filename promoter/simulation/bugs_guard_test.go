package simulation_test

import (
	"bytes"
	"maps"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// bugsOfGuards are faults in what teams cannot loosen.
func bugsOfGuards() []bug {
	return []bug{
		{"guardrails demand nothing", []string{"earned", "approved", "statement"}, documents(func(doc string) string {
			if strings.Contains(doc, "kind: Guardrail") {
				return ""
			}
			return doc
		})},
		{"an exception counts wherever it stands", []string{"frozen"}, func(_ string, o *loop.Options, _ *world.World) {
			o.Rules = excusing{inner: o.Rules}
		}},
		{"authors approve their own work", []string{"approved"}, func(_ string, o *loop.Options, _ *world.World) { o.Authors = nil }},
	}
}

// files changes the rule files before they are read.
type files struct {
	inner loop.Rules

	change func(doc string) string
}

// documents changes every document of the rule files.
func documents(change func(doc string) string) func(string, *loop.Options, *world.World) {
	return func(_ string, o *loop.Options, _ *world.World) { o.Rules = files{o.Rules, change} }
}

func (f files) Rules(all map[string][]byte, now time.Time) (loop.Ruling, error) {
	all = maps.Clone(all)
	for name, data := range all {
		docs := strings.Split(string(data), "---\n")
		for i, doc := range docs {
			docs[i] = f.change(doc)
		}
		all[name] = []byte(strings.Join(docs, "---\n"))
	}
	return f.inner.Rules(all, now)
}

// excusing takes every exception for one that counts.
type excusing struct{ inner loop.Rules }

func (e excusing) Rules(all map[string][]byte, now time.Time) (loop.Ruling, error) {
	excused := false
	for _, data := range all {
		excused = excused || bytes.Contains(data, []byte("kind: Exception"))
	}
	cut := files{e.inner, func(doc string) string {
		if strings.Contains(doc, "kind: Exception") {
			return ""
		}
		return doc
	}}
	ruling, err := cut.Rules(all, now)
	for i := range ruling.Routes {
		for j := range ruling.Routes[i].Waves {
			for k := range ruling.Routes[i].Waves[j].Stops {
				if excused {
					ruling.Routes[i].Waves[j].Stops[k].Gates.Window = nil
				}
			}
		}
	}
	return ruling, err
}
