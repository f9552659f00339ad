package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatHoldsHealthIsThere follows the tests and stories that docs/health.md
// names.
func TestWhatHoldsHealthIsThere(t *testing.T) {
	t.Parallel()
	_, section, ok := strings.Cut(readFile(t, "docs/health.md"), "\n## What may go wrong")
	if !ok {
		t.Fatal("docs/health.md does not say what may go wrong")
	}
	named := regexp.MustCompile("`([a-z/]+): ([^`]+)`").FindAllStringSubmatch(section, -1)
	if len(named) < 60 {
		t.Errorf("it names %d tests, want at least 60", len(named))
	}
	texts := map[string]string{}
	for _, n := range named {
		where, what := n[1], n[2]
		if where == "story" {
			if _, err := os.Stat(filepath.Join(root, "promoter/testdata/story", what+".txtar")); err != nil {
				t.Errorf("there is no story %s", what)
			}
			continue
		}
		if texts[where] == "" {
			texts[where] = testsOf(t, where)
		}
		if !strings.Contains(texts[where], `"`+what+`"`) && !strings.Contains(texts[where], "func "+what+"(") {
			t.Errorf("no test of %s says %q", where, what)
		}
	}
}

// testsOf is the text of all tests of a package.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
