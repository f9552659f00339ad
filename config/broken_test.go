package config_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/waveguide-dev/waveguide/config"
)

func names() config.RepositoryRules {
	return config.RepositoryRules{
		Name: "env-gitops", Governance: []string{"base.yaml", "case.yaml"}, Repositories: []string{"env-gitops"},
		Signals: map[string]string{"probe": "probe", "prometheus": "prometheus", "alertmanager": "alertmanager", "argocd": "argocd"},
		Keys:    []string{"release"}, Signers: []string{"scanner"},
	}
}

func base(tb testing.TB) config.File {
	tb.Helper()
	data, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return config.File{Name: "base.yaml", Data: data}
}

func TestBaseIsInOrder(t *testing.T) {
	t.Parallel()
	rules, err := config.ParseRules([]config.File{base(t)}, names(), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Routes) != 1 || len(rules.Held) != 0 {
		t.Errorf("%d routes and %d holds", len(rules.Routes), len(rules.Held))
	}
}

func TestBrokenDocuments(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range archive.Files {
		name := "case.yaml"
		if strings.HasPrefix(f.Name, "team-") {
			name = "team.yaml"
		}
		rules, err := config.ParseRules([]config.File{base(t), {Name: name, Data: f.Data}}, names(), exampleNow())
		if err == nil {
			t.Errorf("%s: no problem was found", f.Name)
			continue
		}
		fmt.Fprintf(&out, "-- %s --\n%s\n%s", f.Name, err.Error(), standstill(rules))
	}
	golden(t, "broken.golden", out.String())
}

// standstill says which lanes move and what is held.
func standstill(r *config.Rules) string {
	var moves, stands []string
	for _, route := range r.Routes {
		for _, w := range route.Waves {
			for _, s := range w.Stops {
				if s.Held == "" {
					moves = append(moves, s.Lane.String())
				} else {
					stands = append(stands, s.Lane.String())
				}
			}
		}
	}
	for _, h := range r.Held {
		for _, a := range h.Artifacts {
			stands = append(stands, "*/"+a)
		}
	}
	slices.Sort(stands)
	return fmt.Sprintf("  moves: %s\n  held:  %s\n", strings.Join(moves, " "), strings.Join(slices.Compact(stands), " "))
}
