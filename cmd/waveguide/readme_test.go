package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/waveguide-dev/waveguide/config"
)

const root = "../.."

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmePathsExist follows every relative link of the written documents.
func TestReadmePathsExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	links := 0
	for _, document := range documents(t) {
		found := link.FindAllStringSubmatch(readFile(t, document), -1)
		for _, match := range found {
			path := filepath.Join(root, filepath.Dir(document), filepath.FromSlash(match[1]))
			if _, err := os.Stat(path); err != nil && !strings.Contains(match[1], "://") {
				t.Errorf("%s points to %s, which does not exist", document, match[1])
			}
		}
		links += len(found)
	}
	if links < 50 {
		t.Errorf("all documents have %d links; does this test still read what it should?", links)
	}
}

// documents are all that is written for readers.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md", "deploy/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, filepath.ToSlash(name))
		}
	}
	return all
}

func TestReadmeTableShowsWhatItLinks(t *testing.T) {
	t.Parallel()
	_, table, ok := strings.Cut(readFile(t, "README.md"), "\n## Where to change things\n")
	if !ok {
		t.Fatal(`README.md has no section "Where to change things"`)
	}
	table, _, _ = strings.Cut(table, "\n## ")
	links := regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`).FindAllStringSubmatch(table, -1)
	if len(links) < 10 {
		t.Errorf("the table has %d paths, want at least 10", len(links))
	}
	for _, l := range links {
		if l[1] != l[2] {
			t.Errorf("the table shows %s and links %s", l[1], l[2])
		}
	}
}

func TestReadmeFirstScreen(t *testing.T) {
	t.Parallel()
	lines := strings.Split(readFile(t, "README.md"), "\n")
	for _, command := range []string{"go run ./cmd/waveguide demo", "go test ./..."} {
		if at := slices.Index(lines, command); at < 0 || at >= 25 {
			t.Errorf("%q stands on line %d of README.md, want it on the first screen", command, at+1)
		}
	}
}

func TestDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	file, err := modfile.Parse("go.mod", []byte(readFile(t, "go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	var required []string
	for _, r := range file.Require {
		if !r.Indirect {
			required = append(required, r.Mod.Path)
		}
	}
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$").FindAllStringSubmatch(readFile(t, "docs/dependencies.md"), -1) {
		listed = append(listed, row[1])
		if len(row[2]) < 20 {
			t.Errorf("%s has no reason in docs/dependencies.md", row[1])
		}
	}
	slices.Sort(required)
	if diff := cmp.Diff(required, listed); diff != "" {
		t.Errorf("docs/dependencies.md differs from go.mod (-go.mod +list):\n%s", diff)
	}
}

// TestReadmeConfigurationLoads reads the README's two examples as the daemon
// would.
func TestReadmeConfigurationLoads(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n").FindAllStringSubmatch(readFile(t, "README.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("README.md has %d YAML examples, want the daemon's file and the rules", len(blocks))
	}
	daemon, err := config.ParseDaemon("waveguide.yaml", []byte(blocks[0][1]))
	if err != nil {
		t.Fatalf("the daemon's file: %v", err)
	}
	with := daemon.Rules(daemon.Repositories[0])
	with.Governance = []string{"shop.yaml"} // one file in the README for both kinds
	rules, err := config.ParseRules([]config.File{{Name: "shop.yaml", Data: []byte(blocks[1][1])}}, with, time.Now())
	if err != nil {
		t.Fatalf("the rules: %v", err)
	}
	if len(rules.Routes) != 1 || len(rules.Held) != 0 {
		t.Errorf("the rules give %d routes and hold %v, want one route and nothing held", len(rules.Routes), rules.Held)
	}
}
