package edit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	ref := app + ":1.4.2@" + oldDigest
	both := edit.Version{Tag: "1.5.0", Digest: newDigest}
	field := func(path string) edit.Request { return edit.Request{Path: path, To: both} }
	found := edit.Request{Repository: app, To: both}
	for name, c := range map[string]struct {
		src     string
		request edit.Request
		reason  error
		line    int
	}{
		"not named":                      {"image: " + app + "-data:1.4.2\n", found, edit.ErrNoMatch, 0},
		"named in a comment only":        {"# " + app + "\na: b\n", found, edit.ErrNoMatch, 1},
		"named without a version":        {"a: b\nimage: " + app + "\n", found, edit.ErrNoMatch, 2},
		"a template as the tag":          {"image: " + app + ":${TAG}\n", found, edit.ErrNoMatch, 1},
		"another registry":               {"image: other.example.com/shop/app:1.4.2\n", found, edit.ErrNoMatch, 1},
		"renamed to another image":       {"images:\n- name: " + app + "\n  newName: x.example.com/shop/hardened\n  newTag: 1.4.2\n", found, edit.ErrNoMatch, 2},
		"tag alone, digest asked":        {"image: " + app + ":1.4.2\n", found, edit.ErrPinning, 1},
		"newTag alone, digest asked":     {"images:\n- name: " + app + "\n  newTag: 1.4.2\n", found, edit.ErrPinning, 3},
		"digest in force, tag asked":     {"images:\n- name: " + app + "\n  digest: " + oldDigest + "\n", edit.Request{Repository: app, To: edit.Version{Tag: "1.5.0"}}, edit.ErrPinning, 3},
		"both in force, tag asked":       {"image: " + ref + "\n", edit.Request{Repository: app, To: edit.Version{Tag: "1.5.0"}}, edit.ErrPinning, 1},
		"path to a tag beside a digest":  {"image: {tag: 1.4.2, digest: " + oldDigest + "}\n", edit.Request{Path: "image.tag", To: edit.Version{Tag: "1.5.0"}}, edit.ErrPinning, 1},
		"path to another repository":     {"image: x.example.com/a/b:1.0\n", edit.Request{Repository: app, Path: "image", To: both}, edit.ErrNoMatch, 1},
		"path beside another repository": {"image:\n  repository: x/b\n  tag: 1.0\n  digest: " + oldDigest + "\n", edit.Request{Repository: app, Path: "image.digest", To: both}, edit.ErrNoMatch, 2},
		"a range is a policy":            {"version: '>=1.0 <2'\n", field("version"), edit.ErrRange, 1},
		"a template by path":             {"image: \"repo:{{ .Values.tag }}\"\n", field("image"), edit.ErrTemplate, 1},
		"a shell variable by path":       {"image: repo:${TAG}\n", field("image"), edit.ErrTemplate, 1},
		"no such key":                    {"a: {b: c}\n", field("a.x"), edit.ErrNoMatch, 1},
		"no such item":                   {"a: [b]\n", field("a[1]"), edit.ErrNoMatch, 1},
		"no such document":               {"a: b\n", edit.Request{Path: "a", Document: 2, To: both}, edit.ErrNoMatch, 0},
		"two documents":                  {"a: b\n---\na: c\n", field("a"), edit.ErrAmbiguous, 3},
		"two items of one name":          {"a:\n- {name: x, v: 1}\n- {name: x, v: 2}\n", field("a[name=x].v"), edit.ErrAmbiguous, 3},
		"path to a mapping":              {"a: {b: c}\n", field("a"), edit.ErrNotScalar, 1},
		"duplicate key on the path":      {"a: {b: c}\nx: 1\na: {b: c}\n", field("a.b"), edit.ErrDuplicate, 3},
		"duplicate key above a place":    {"a:\n  image: " + ref + "\na:\n  image: " + ref + "\n", found, edit.ErrDuplicate, 1},
		"duplicate digest":               {"images:\n- name: " + app + "\n  digest: " + oldDigest + "\n  digest: " + oldDigest + "\n", found, edit.ErrDuplicate, 4},
		"an alias on the path":           {"x: &x {b: c}\na: *x\n", field("a.b"), edit.ErrAlias, 2},
		"a merge key on the path":        {"x: &x {b: c}\na: {<<: *x}\n", field("a.b"), edit.ErrAlias, 1},
		"an alias as the tag":            {"t: &t 1.4.2\nimage: {repository: " + app + ", tag: *t}\n", found, edit.ErrAlias, 2},
		"an anchor in use":               {"a: &i " + ref + "\nb: *i\n", found, edit.ErrAnchored, 1},
		"a block of two lines":           {"a: |\n  1.4.2\n  x\n", field("a"), edit.ErrUnwritable, 1},
		"folded text of two lines":       {"image: >\n  " + app + ":1.4\n  2\n", field("image"), edit.ErrUnwritable, 1},
		"SOPS":                           {"image: " + ref + "\nsops:\n  mac: ENC[x]\n", found, edit.ErrSealed, 3},
		// the parser names a line near the fault
		"a Helm template":               {"image: " + ref + "\n{{ if .x }}\na: b\n{{ end }}\n", found, edit.ErrTemplate, 2},
		"YAML 1.2":                      {"%YAML 1.2\n---\nimage: " + ref + "\n", found, edit.ErrDirective, 1},
		"not YAML":                      {"a: [b\nimage: " + ref + "\n", found, edit.ErrSyntax, 1},
		"NUL":                           {"image: " + ref + "\n\x00", found, edit.ErrEncoding, 2},
		"Latin-1":                       {"image: " + ref + " # caf\xe9\n", found, edit.ErrEncoding, 0},
		"UTF-16":                        {"\xff\xfei\x00m\x00", field("i"), edit.ErrEncoding, 1},
		"10 MB":                         {"image: " + ref + "\n" + strings.Repeat("# padding\n", 1<<20), found, edit.ErrTooLarge, 0},
		"too many values":               {"image: " + ref + "\nx: [" + strings.Repeat("a,", 1<<20) + "]\n", found, edit.ErrTooLarge, 0},
		"too many places":               {strings.Repeat("- image: "+ref+"\n", 1200), found, edit.ErrTooLarge, 0},
		"an empty block":                {"a: |\nb: c\n", edit.Request{Path: "a", To: edit.Version{Tag: "z"}}, edit.ErrBlock, 1},
		"embedded too deep":             {"a: |\n  b: |\n    c: |\n      d: |\n        e: f\n", field("a | b | c | d | e"), edit.ErrTooLarge, 4},
		"nothing there, digest asked":   {"a:\n", field("a"), edit.ErrPinning, 1},
		"no version":                    {"a: b\n", edit.Request{Path: "a"}, edit.ErrVersion, 0},
		"a tag that breaks out":         {"a: b\n", edit.Request{Path: "a", To: edit.Version{Tag: "1\nb: c"}}, edit.ErrVersion, 0},
		"a short digest":                {"a: b\n", edit.Request{Path: "a", To: edit.Version{Digest: "sha256:12"}}, edit.ErrVersion, 0},
		"a repository with a tag":       {"a: b\n", edit.Request{Repository: app + ":1", To: both}, edit.ErrVersion, 0},
		"neither path nor repository":   {"a: b\n", edit.Request{To: both}, edit.ErrVersion, 0},
		"all items":                     {"a: [b]\n", field("a[*]"), edit.ErrPath, 0},
		"embedded text that is no YAML": {"a: |\n  [b\n", field("a | b"), edit.ErrSyntax, 1},
		"embedded in quotes":            {"a: 'b: c'\n", field("a | b"), edit.ErrBlock, 1},
		"embedded digest to be added":   {"a: |\n  image:\n    repository: " + app + "\n    tag: 1.4.2\n", edit.Request{Repository: app, To: both, Pin: edit.AddDigest}, edit.ErrUnwritable, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := edit.Promote("f.yaml", []byte(c.src), c.request)
			var r *edit.Refusal
			if !errors.As(err, &r) || !errors.Is(err, c.reason) {
				t.Fatalf("Promote gave %v, want a refusal for %q", err, c.reason)
			}
			if r.Line != c.line {
				t.Errorf("line %d, want %d: %v", r.Line, c.line, err)
			}
			if r.File != "f.yaml" || r.Hint == "" {
				t.Errorf("refusal without file or hint: %+v", r)
			}
			if got.Bytes != nil || got.Edits != nil {
				t.Errorf("a refusal gave output: %+v", got)
			}
		})
	}
}

func TestOpenRefusesLargeFiles(t *testing.T) {
	t.Parallel()
	if _, err := edit.Open("f.yaml", bytes.Repeat([]byte("x"), 6<<20)); !isReason(err, edit.ErrTooLarge) {
		t.Errorf("Open: %v, want %v", err, edit.ErrTooLarge)
	}
}

// TestHostileFiles must end, soon and without panic; what they give is of no matter here.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	ref := app + ":1.4.2@" + oldDigest
	bomb := "a0: &a0 [" + ref + "]\n"
	wide := "m0: &m0 {k: v}\n"
	for i := range 20 {
		n, p := string(rune('a'+i)), string(rune('a'+i-1))
		if i == 0 {
			p = "a0"
		}
		bomb += n + "1: &" + n + " [" + strings.Repeat("*"+p+",", 9) + "*" + p + "]\n"
		if i == 0 {
			p = "m0"
		}
		wide += "w" + n + ": &" + n + " {<<: [" + strings.Repeat("*"+p+",", 9) + "*" + p + "]}\n"
	}
	for name, src := range map[string]string{
		"self merge":         "a: &a {<<: *a, tag: 1}\nimage: " + ref + "\n",
		"self reference":     "a: &a [*a, " + ref + "]\n",
		"alias bomb":         bomb,
		"merge bomb":         wide + strings.Repeat("- x\n", 0) + "y: {<<: [*t, *s], tag: 1, x: " + app + "}\n",
		"deep flow":          strings.Repeat("[", 9000) + ref + strings.Repeat("]", 9000),
		"too deep flow":      strings.Repeat("[", 60000) + ref,
		"deep block":         strings.Repeat("- ", 9000) + ref,
		"deep maps":          strings.Repeat("{a: ", 9000) + ref + strings.Repeat("}", 9000),
		"one line of 1 MB":   "a: \"" + strings.Repeat("x", 1<<20) + "\"\nimage: " + ref + "\n",
		"only breaks":        strings.Repeat("\r", 1<<18) + "image: " + ref,
		"null places":        "? " + app + "\n? &x\n! : ! &b\n! \n",
		"lone surrogate":     "a: \"\\ud800\"\nimage: " + ref + "\n",
		"many mentions":      strings.Repeat("# "+app+"\n", 20000) + "image: " + ref + "\n",
		"embedded in itself": "a: |\n  b: |\n    c: |\n      d: |\n        e: |\n          image: " + ref + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"", "y.k", "a.b.c", "a[0]", "a | b"} {
				got, err := edit.Promote(name, []byte(src), edit.Request{Repository: app, Path: path, To: edit.Version{Tag: "1.5.0", Digest: newDigest}})
				var r *edit.Refusal
				if err != nil && !errors.As(err, &r) {
					t.Errorf("path %q: %v is no refusal", path, err)
				}
				if err == nil && len(got.Edits) == 0 {
					t.Errorf("path %q: neither edited nor refused", path)
				}
			}
		})
	}
}

func TestPathErrorsPointAtTheCharacter(t *testing.T) {
	t.Parallel()
	f, err := edit.Open("f.yaml", []byte("a: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                        "the path is empty",
		"a[*].b":                  "character 3: [*] would name several places",
		"é[*]":                    "character 3: [*] would name several places",
		"a..b":                    "character 3: \"..\" would search the whole file",
		"..a":                     "character 1: a key is missing here",
		"a.":                      "character 3: a key is missing behind the dot",
		"$":                       "character 2: a key is missing behind $",
		"a.*":                     "character 3: \"*\" would name several places",
		"a[?(@.name=='x')]":       "character 3: filters are not known here",
		"a[name==x]":              "character 8: write one '='",
		"a[name=x":                "character 2: '[' is not closed",
		"a[":                      "character 2: '[' is not closed",
		"a[]":                     "character 3: the brackets are empty",
		"a[x]":                    "character 3: \"x\" is neither an index nor a selector",
		"a[-1]":                   "character 3: \"-1\" is neither an index nor a selector",
		"a[=x]":                   "character 3: a key is missing before '='",
		"a[b=c,d]":                "character 8: '=' is missing",
		"a[b='c'd]":               "character 8: expected ',' or ']'",
		`a["b]`:                   "character 3: the quotation mark is not closed",
		`a["b"`:                   "character 6: ']' is missing",
		`a."b"`:                   "character 3: write a quoted key in brackets",
		"a]":                      "character 2: ']' without '['",
		"a|b":                     "character 2: a blank must stand before the bar",
		"a |b":                    "character 4: a blank must follow the bar",
		"a | ":                    "character 5: the path ends where a key should follow",
		"[a=b]c":                  "character 6: expected '.', '[' or ' | '",
		`a\`:                      "character 3: nothing follows the backslash",
		"/a~2":                    "character 3: '~' must be followed by 0 or 1",
		"/a/*":                    "character 4: \"*\" would name several places",
		"a\nb":                    "character 2: control characters",
		strings.Repeat("a", 3000): "3000 bytes long",
		strings.Repeat("a.", 300): "more than 100 steps",
		strings.Repeat("/a", 300): "more than 100 steps",
	} {
		_, err := f.At(path, 0)
		if !errors.Is(err, edit.ErrPath) || !strings.Contains(err.Error(), want) {
			t.Errorf("At(%.20q) = %v, want a text with %q", path, err, want)
		}
	}
}

func TestRefusalText(t *testing.T) {
	t.Parallel()
	_, err := edit.Promote("prod/app.yaml", []byte("a:\n  image: "+app+":1.4.2\n"), edit.Request{Repository: app, To: edit.Version{Digest: newDigest}})
	var r *edit.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("Promote: %v, want a refusal", err)
	}
	want := `prod/app.yaml:2: a.image: pinning: only the tag "1.4.2" stands there, and there is no place for the digest
pin it once by hand or ask for adding the digest`
	if d := cmp.Diff(want, err.Error()+"\n"+r.Hint); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

func isReason(err, reason error) bool {
	var r *edit.Refusal
	return errors.As(err, &r) && errors.Is(err, reason)
}

// TestRefusalsOfForms covers what stands in the formats of many tools and is no version to replace.
func TestRefusalsOfForms(t *testing.T) {
	t.Parallel()
	image := edit.Version{Tag: "1.5.0", Digest: newDigest}
	git := edit.Version{Tag: "v1.5.0", Digest: newSHA}
	for name, c := range map[string]struct {
		file, repository, src string
		to                    edit.Version
		reason                error
		line                  int
	}{
		"a range of a dependency":    {"Chart.yaml", chart, "name: app\nrepository: oci://registry.example.com/charts\nversion: ~1.4\n", image, edit.ErrRange, 3},
		"a part of a version":        {"a.yaml", chart, "repoURL: registry.example.com/charts\nchart: app\ntargetRevision: 1.x\n", image, edit.ErrRange, 3},
		"a range of a source":        {"a.yaml", app, "url: oci://APP\nref: {semver: '>=1'}\n", image, edit.ErrRange, 2},
		"a branch of a source":       {"a.yaml", module, "url: https://git.example.com/acme/modules\nref: {branch: main}\n", git, edit.ErrRange, 2},
		"a branch of an Application": {"a.yaml", module, "repoURL: https://git.example.com/acme/modules\ntargetRevision: main\n", git, edit.ErrRange, 2},
		"HEAD":                       {"a.yaml", module, "repoURL: https://git.example.com/acme/modules\ntargetRevision: HEAD\n", git, edit.ErrRange, 2},
		"a branch of a module":       {"a.tf", module, "source = \"git::https://git.example.com/acme/modules?ref=main\"\n", git, edit.ErrRange, 1},
		"a constraint of a module":   {"a.tf", "tf.example.com/acme/vpc/aws", "source = \"tf.example.com/acme/vpc/aws\"\nversion = \"~> 1.4\"\n", image, edit.ErrRange, 2},
		"a template alone":           {"a.yaml", app, "image: APP\ntag: '{{.tag}}'\n", image, edit.ErrTemplate, 2},
		"an expression":              {"a.tf", app, "repository = \"APP\"\ntag = var.tag\n", image, edit.ErrTemplate, 2},
		"an interpolated reference":  {"a.tf", app, "image = \"APP:${var.tag}\"\n", image, edit.ErrNoMatch, 1},
		"a commit where a digest is": {"a.yaml", app, "image: APP@OLD\n", git, edit.ErrVersion, 1},
		"a digest where a commit is": {"a.yaml", module, "url: https://git.example.com/acme/modules\nref: {commit: " + oldSHA + "}\n", image, edit.ErrVersion, 2},
		"only a tag for a commit":    {"a.yaml", module, "url: https://git.example.com/acme/modules\nref: {commit: " + oldSHA + "}\n", edit.Version{Tag: "v1"}, edit.ErrPinning, 2},
		"no version of a chart":      {"Chart.yaml", chart, "name: app\nrepository: oci://registry.example.com/charts\nversion: 1.4.2\n", edit.Version{Tag: "latest"}, edit.ErrVersion, 3},
		"SOPS in JSON":               {"a.json", app, "{\"image\": \"APP@OLD\", \"sops\": {\"mac\": \"x\"}}", image, edit.ErrSealed, 1},
		"SOPS in variables":          {"a.env", app, "A=APP@OLD\nsops_mac=x\n", image, edit.ErrSealed, 2},
		"JSON with comments":         {"a.json", app, "// x\n{\"image\": \"APP@OLD\"}", image, edit.ErrSyntax, 1},
		"a key twice in JSON":        {"a.json", app, "{\"image\": \"APP@OLD\",\n\"image\": \"APP@OLD\"}", image, edit.ErrDuplicate, 1},
		"a variable twice":           {"a.env", app, "A=APP@OLD # x\nA=APP@OLD\n", image, edit.ErrDuplicate, 1},
		"no HCL":                     {"a.tf", app, "image = APP@OLD {\n", image, edit.ErrSyntax, 1},
		"no variables":               {"a.env", app, "A=1\nAPP@OLD\n", image, edit.ErrSyntax, 2},
		"bare HCL in quotes":         {"a.env", app, "A=x'APP@OLD'\n", image, edit.ErrNoMatch, 1},
	} {
		_, err := edit.Promote(c.file, []byte(digests(c.src)), edit.Request{Repository: c.repository, To: c.to})
		var r *edit.Refusal
		if !isReason(err, c.reason) || !asRefusal(err, &r) || r.Line != c.line || r.Hint == "" {
			t.Errorf("%s: Promote gave %v, want %v at line %d", name, err, c.reason, c.line)
		}
	}
}

func asRefusal(err error, r **edit.Refusal) bool { return errors.As(err, r) }
