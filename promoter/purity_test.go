package promoter_test

import (
	"go/doc"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/waveguide-dev/waveguide/"

// list runs go list in the module's root and gives its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// What decides can be replayed only if nothing it reaches touches the world.
func TestPurePackagesReachNothingOfTheWorld(t *testing.T) {
	t.Parallel()
	world := []string{"net", "net/http", "os/exec", "database/sql", "log/slog", "testing"}
	for _, pure := range []string{"signals", "gitops", "gitops/edit", "gitops/edit/finder", "promoter", "promoter/gate", "promoter/prose", "promoter/loop/trail", "config"} {
		t.Run(pure, func(t *testing.T) {
			t.Parallel()
			deps := list(t, "-deps", "./"+pure)
			if !slices.Contains(deps, module+pure) {
				t.Fatalf("go list -deps ./%s does not name the package itself: %v", pure, deps)
			}
			for _, w := range world {
				if slices.Contains(deps, w) {
					t.Errorf("%s reaches %s; what touches the world belongs in a subpackage", pure, w)
				}
			}
		})
	}
}

// mayImport are the arrows between packages that depth alone would forbid.
func mayImport(from, to string) bool {
	switch to {
	case "signals/sigstore":
		return from == "signals/sigstore/signer"
	case "signals/kubernetes":
		return from == "signals/argocd" || from == "signals/flux"
	case "signals/signalstest": // helps the fakes of other sources
		return strings.HasSuffix(from, "test")
	case "gitops/keep", "gitops/limit", "gitops/webhook": // know nothing of any forge
		return true
	}
	return false
}

// forbidden says why the package from must not import the package to; empty if
// it may.
func forbidden(from, to string) string {
	top, rest, deep := strings.Cut(from, "/")
	if top != "signals" && top != "gitops" {
		return ""
	}
	if !deep {
		return "a vocabulary imports nothing of ours"
	}
	own, _, _ := strings.Cut(rest, "/")
	switch {
	case to == top, strings.HasPrefix(to+"/", top+"/"+own+"/"), mayImport(from, to), own == top+"test":
		return ""
	default:
		return "an adapter imports only its own vocabulary"
	}
}

func TestArrowsPointInward(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		names := strings.Fields(line)
		from := strings.TrimPrefix(names[0], module)
		for _, name := range names[1:] {
			to, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			seen++
			if why := forbidden(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d imports between our packages were seen", seen)
	}
}

func TestForbiddenArrows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"signals", "gitops", false},
		{"gitops", "signals", false},
		{"gitops", "gitops/edit", false},
		{"signals/registry", "signals", true},
		{"signals/registry", "signals/probe", false},
		{"signals/probe", "config", false},
		{"signals/sigstore/signer", "signals/sigstore", true},
		{"signals/sigstore", "signals/sigstore/statement", true},
		{"signals/flux", "signals/kubernetes", true},
		{"signals/kubernetes", "signals/flux", false},
		{"signals/sigstore", "signals/sigstoretest", false},
		{"signals/registry/registrytest", "signals/signalstest", true},
		{"signals/registry", "signals/signalstest", false},
		{"gitops/mirror", "gitops", true},
		{"gitops/mirror", "gitops/edit", false},
		{"gitops/local", "promoter", false},
		{"gitops/gitopstest", "gitops/mirror", true},
		{"promoter/loop", "promoter", true},
		{"cmd/waveguide", "gitops/mirror", true},
	} {
		if got := forbidden(tt.from, tt.to) == ""; got != tt.ok {
			t.Errorf("forbidden(%q, %q) allows it: %t, want %t", tt.from, tt.to, got, tt.ok)
		}
	}
}

// sentence matches the end of one: a mark that is followed by space or nothing.
var sentence = regexp.MustCompile(`[.?!](\s|$)`)

func TestEveryPackageIsIntroduced(t *testing.T) {
	t.Parallel()
	for _, line := range list(t, "-f", `{{.Dir}} {{.ImportPath}} {{join .GoFiles " "}}`, "./...") {
		names := strings.Fields(line)
		if len(names) < 3 {
			continue // only tests
		}
		dir, path := names[0], names[1]
		var comments []string
		for _, name := range names[2:] {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				comments = append(comments, file.Doc.Text())
			}
		}
		text := strings.Join(comments, "\n")
		if n := len(sentence.FindAllString(text, -1)); n < 2 {
			t.Errorf("%s: its package comment has %d sentences, want at least what it is and where to change it: %q",
				path, n, new(doc.Package).Synopsis(text))
		}
	}
}
