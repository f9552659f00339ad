package edit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// OLD and NEW stand for digests in the tables of this file.
func digests(s string) string {
	return strings.NewReplacer("OLD", oldDigest, "NEW", newDigest, "APP", app).Replace(s)
}

func TestPromoteForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src, want string
		request   edit.Request
	}{
		"tag only, tag asked":                 {"image: APP:1.4.2\n", "image: APP:1.5.0\n", edit.Request{To: edit.Version{Tag: "1.5.0"}}},
		"digest only keeps its form":          {"image: APP@OLD\n", "image: APP@NEW\n", edit.Request{To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"both stand, digest asked":            {"image: APP:1.4.2@OLD\n", "image: APP:1.4.2@NEW\n", edit.Request{To: edit.Version{Digest: newDigest}}},
		"a reference is lengthened":           {"image: APP:1.4.2 # x\n", "image: APP:1.5.0@NEW # x\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"a line for kustomize":                {"images:\n- name: APP\n  newTag: 1.4.2 # x\n\n# end\n", "images:\n- name: APP\n  newTag: 1.5.0 # x\n  digest: NEW\n\n# end\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"a line, the tag stays":               {"images:\n- name: APP\n  newTag: 1.4.2", "images:\n- name: APP\n  newTag: 1.4.2\n  digest: NEW", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.4.2", Digest: newDigest}}},
		"a line with CRLF, behind the dash":   {"images:\r\n  - newTag: 1.4.2\r\n    name: APP\r\n", "images:\r\n  - newTag: 1.5.0\r\n    digest: NEW\r\n    name: APP\r\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"a pair in a flow mapping":            {"image: {tag: 1.4.2, repository: APP}\n", "image: {tag: 1.5.0, digest: NEW, repository: APP}\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"a pair in JSON":                      {`{"repository": "APP", "tag": "1.4.2"}`, `{"repository": "APP", "tag": "1.5.0", "digest": "NEW"}`, edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"an empty digest is filled":           {"image:\n  repository: APP\n  tag: 1.4.2\n  digest: # none\n", "image:\n  repository: APP\n  tag: 1.5.0\n  digest: NEW # none\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"an empty quoted digest is filled":    {"image: {repository: APP, tag: 1.4.2, digest: ''}\n", "image: {repository: APP, tag: 1.5.0, digest: 'NEW'}\n", edit.Request{Pin: edit.AddDigest, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"a float becomes text":                {"image: {repository: APP, tag: 1.20}\n", "image: {repository: APP, tag: \"1.30\"}\n", edit.Request{To: edit.Version{Tag: "1.30"}}},
		"a number that reads the same":        {"image: {repository: APP, tag: 1.20}\n", "image: {repository: APP, tag: \"1.20\"}\n", edit.Request{To: edit.Version{Tag: "1.20"}}},
		"a commit that looks like a number":   {"images:\n- name: APP\n  newTag: abc1234\n", "images:\n- name: APP\n  newTag: \"12e4567\"\n", edit.Request{To: edit.Version{Tag: "12e4567"}}},
		"a tag that looks like a date":        {"images:\n- name: APP\n  newTag: v1\n", "images:\n- name: APP\n  newTag: \"2024-11-03\"\n", edit.Request{To: edit.Version{Tag: "2024-11-03"}}},
		"a tag that looks like a boolean":     {"images:\n- name: APP\n  newTag: 'v1'\n", "images:\n- name: APP\n  newTag: 'on'\n", edit.Request{To: edit.Version{Tag: "on"}}},
		"a bare boolean":                      {"images:\n- name: APP\n  newTag: v1\n", "images:\n- name: APP\n  newTag: \"on\"\n", edit.Request{To: edit.Version{Tag: "on"}}},
		"no date, but like one":               {"images:\n- name: APP\n  newTag: v1\n", "images:\n- name: APP\n  newTag: \"2024-13-45\"\n", edit.Request{To: edit.Version{Tag: "2024-13-45"}}},
		"embedded with its own indentation":   {"v: |2\n    a: x\n    b: c\n", "v: |2\n    a: z\n    b: c\n", edit.Request{Path: "v | a", To: edit.Version{Tag: "z"}}},
		"an anchor in no use":                 {"a: &i !!str APP:1 # x\n", "a: &i !!str APP:2 # x\n", edit.Request{To: edit.Version{Tag: "2"}}},
		"version beside repository":           {"spec:\n  repository: APP\n  version: v1\n", "spec:\n  repository: APP\n  version: v2\n", edit.Request{To: edit.Version{Tag: "v2"}}},
		"docker hub":                          {"a: {image: nginx:1}\nb: docker.io/library/nginx:1\nc: nginx-x:1\n", "a: {image: nginx:2}\nb: docker.io/library/nginx:2\nc: nginx-x:1\n", edit.Request{Repository: "index.docker.io/library/nginx", To: edit.Version{Tag: "2"}}},
		"oci scheme":                          {"image: oci://APP:1\n", "image: oci://APP:2\n", edit.Request{Repository: app, To: edit.Version{Tag: "2"}}},
		"kustomize image in an Application":   {"images:\n- old=APP:1.4.2@OLD\n", "images:\n- old=APP:1.5.0@NEW\n", edit.Request{To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"path to one of two":                  {"a: APP:1\nb: APP:1\n", "a: APP:1\nb: APP:2\n", edit.Request{Repository: app, Path: "b", To: edit.Version{Tag: "2"}}},
		"path to the tag writes the digest":   {"images:\n- name: APP\n  newTag: 1.4.2\n  digest: OLD\n", "images:\n- name: APP\n  newTag: 1.5.0\n  digest: NEW\n", edit.Request{Repository: app, Path: "images[0].newTag", To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"path alone, tag and digest together": {"x:\n  tag: 1.4.2\n  digest: OLD\n", "x:\n  tag: 1.5.0\n  digest: NEW\n", edit.Request{Path: "x.digest", To: edit.Version{Tag: "1.5.0", Digest: newDigest}}},
		"path to a mirror":                    {"image: mirror.example.com/cache/shop/app:1@OLD\n", "image: mirror.example.com/cache/shop/app:2@NEW\n", edit.Request{Repository: app, Path: "image", To: edit.Version{Tag: "2", Digest: newDigest}}},
		"path to a field of any name":         {"appVersion: 1.0\n", "appVersion: \"2.0\"\n", edit.Request{Path: "appVersion", To: edit.Version{Tag: "2.0"}}},
		"path to tag@digest":                  {"p:\n- {name: image.tag, value: 1@OLD}\n", "p:\n- {name: image.tag, value: 2@NEW}\n", edit.Request{Path: "p[name=image.tag].value", To: edit.Version{Tag: "2", Digest: newDigest}}},
		"path to an empty value":              {"tag:\nb: 1\n", "tag: v2\nb: 1\n", edit.Request{Path: "tag", To: edit.Version{Tag: "v2"}}},
		"path into embedded YAML":             {"v: |\n\n  a:\n    tag: 1 # x\n  b: é\n", "v: |\n\n  a:\n    tag: \"2\" # x\n  b: é\n", edit.Request{Path: "v | a.tag", To: edit.Version{Tag: "2"}}},
		"embedded twice":                      {"v: |\n  w: |-\n    tag: a\n  # x\n", "v: |\n  w: |-\n    tag: b\n  # x\n", edit.Request{Path: "v | w | tag", To: edit.Version{Tag: "b"}}},
		"path with a document":                {"a: x\n---\na: x\n", "a: x\n---\na: z\n", edit.Request{Path: "a", Document: 2, To: edit.Version{Tag: "z"}}},
		"path with a document selector":       {"kind: A\na: x\n---\nkind: B\nmetadata: {name: b}\na: x\n", "kind: A\na: x\n---\nkind: B\nmetadata: {name: b}\na: z\n", edit.Request{Path: "[kind=B,metadata.name=b].a", To: edit.Version{Tag: "z"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.request.Repository = orApp(c.request)
			got, err := edit.Promote("f.yaml", []byte(digests(c.src)), c.request)
			if err != nil {
				t.Fatalf("Promote: %v", err)
			}
			if d := cmp.Diff(digests(c.want), string(got.Bytes)); d != "" {
				t.Errorf("Promote (-want +got):\n%s", d)
			}
			again, err := edit.Promote("f.yaml", got.Bytes, c.request)
			if err != nil || len(again.Edits) > 0 || string(again.Bytes) != string(got.Bytes) {
				t.Errorf("second Promote: %+v, %v; want no edits", again.Edits, err)
			}
		})
	}
}

func orApp(r edit.Request) string {
	if r.Repository == "" && r.Path == "" {
		return app
	}
	return r.Repository
}

// place is what a test compares of a hit.
type place struct {
	Form        edit.Form
	Tag, Digest string
	Document    int
	Line        int
	Path        string
}

func TestFind(t *testing.T) {
	t.Parallel()
	src := digests(`# APP is ours
a.b/c: {image: "APP:1@OLD"}
containers:
- {name: x, image: APP:2}
- {name: x, image: APP:3}
---
images:
- name: APP
  newTag: 4@OLD
run: docker run APP
other: APP-data:5
image: {repository: shop/app, registry: registry.example.com, tag: "6", digest: ""}
y: |
  image:
    repository: APP
    digest: OLD
`)
	f, err := edit.Open("f.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	hits, mentions := f.Find(app)
	var got []place
	for _, h := range hits {
		got = append(got, place{h.Form, h.Tag, h.Digest, h.Document, h.Line, h.Path})
	}
	want := []place{
		{edit.FormReference, "1", oldDigest, 1, 2, `["a.b/c"].image`},
		{edit.FormReference, "2", "", 1, 4, `containers[0].image`},
		{edit.FormReference, "3", "", 1, 5, `containers[1].image`},
		{edit.FormKustomization, "4", oldDigest, 2, 9, `images[name=registry.example.com/shop/app].newTag`},
		{edit.FormValues, "6", "", 2, 12, `image.tag`},
		{edit.FormValues, "", oldDigest, 2, 16, `y | image.digest`},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("hits (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]edit.Mention{{Line: 1, Text: "# " + app + " is ours"}, {Line: 10, Text: "run: docker run " + app}}, mentions); d != "" {
		t.Errorf("mentions (-want +got):\n%s", d)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	needle := edit.Needle(app)
	if string(needle) != "shop/app" {
		t.Fatalf("Needle(%s) = %s, want shop/app", app, needle)
	}
	for src, want := range map[string]bool{
		"shop/app":               true,
		"x/shop/app:1":           true,
		"\"shop/app\"":           true,
		"see shop/app.":          true,
		"shop/app-v2 shop/app@x": true,
		"shop/app-v2":            false,
		"shop/app/x":             false,
		"shop/app.io":            false,
		"shop/app_":              false,
		"workshop/app":           false,
		"-shop/app":              false,
		"shop/ap":                false,
		"":                       false,
	} {
		if got := edit.Mentions([]byte(src), needle); got != want {
			t.Errorf("Mentions(%q) = %t, want %t", src, got, want)
		}
	}
	if edit.Mentions([]byte("x"), nil) {
		t.Error("an empty needle is mentioned")
	}
}

func TestPathSpellings(t *testing.T) {
	t.Parallel()
	src := `spec:
  containers:
  - name: app
    image: one
  - {name: "a,b]", image: two}
  metadata: {annotations: {app.kubernetes.io/version: three, "x[0]|y": four, '"': five, "": six}}
`
	f, err := edit.Open("f.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"spec.containers[name=app].image":                                   "one",
		"spec.containers[0].image":                                          "one",
		"spec.containers.0.image":                                           "one",
		"$.spec.containers[0].image":                                        "one",
		".spec.containers[0].image":                                         "one",
		"/spec/containers/0/image":                                          "one",
		`["spec"]['containers'][0]["image"]`:                                "one",
		`spec.containers[name=app,image=one].image`:                         "one",
		`spec.containers[name="a,b]"].image`:                                "two",
		`spec.metadata.annotations["app.kubernetes.io/version"]`:            "three",
		`spec.metadata.annotations.app\.kubernetes\.io/version`:             "three",
		`spec.metadata.annotations.app.kubernetes.io/version`:               "three",
		"/spec/metadata/annotations/app.kubernetes.io~1version":             "three",
		`spec.metadata.annotations["x[0]|y"]`:                               "four",
		`spec.metadata.annotations["\""]`:                                   "five",
		`spec.metadata.annotations[""]`:                                     "six",
		`[spec.metadata.annotations.x\[0\]|y=four].spec.containers.1.image`: "two",
	} {
		target, err := f.At(path, 0)
		if err != nil || target.Value != want {
			t.Errorf("At(%s) = %q, %v; want %q", path, target.Value, err, want)
		}
	}
}

func TestPlanExpectsAndConflicts(t *testing.T) {
	t.Parallel()
	f, err := edit.Open("f.yaml", []byte("a: b\nc: |\n  d: e\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, inner, outer := at(t, f, "a"), at(t, f, "c | d"), at(t, f, "c")
	if _, err := f.Plan(edit.Write{Target: a, Value: "x", Expect: []string{"z", "y"}}); !isReason(err, edit.ErrStale) {
		t.Errorf("unexpected value: %v, want %v", err, edit.ErrStale)
	}
	if _, err := f.Plan(edit.Write{Target: a, Value: "x"}, edit.Write{Target: a, Value: "y"}); !isReason(err, edit.ErrConflict) {
		t.Errorf("two values: %v, want %v", err, edit.ErrConflict)
	}
	if _, err := f.Plan(edit.Write{Target: inner, Value: "x"}, edit.Write{Target: outer, Value: "d: y"}); !isReason(err, edit.ErrConflict) {
		t.Errorf("whole and part: %v, want %v", err, edit.ErrConflict)
	}
	other, err := edit.Open("g.yaml", []byte("a: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Plan(edit.Write{Target: a, Value: "x"}); !isReason(err, edit.ErrConflict) {
		t.Errorf("target of another file: %v, want %v", err, edit.ErrConflict)
	}
	if _, err := f.Plan(edit.Write{Value: "x"}); !isReason(err, edit.ErrNoMatch) {
		t.Errorf("no target: %v, want %v", err, edit.ErrNoMatch)
	}
	p, err := f.Plan(edit.Write{Target: inner, Value: "x y"}, edit.Write{Target: a, Value: "x", Expect: []string{"b"}}, edit.Write{Target: a, Value: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("a: x\nc: |\n  d: \"x y\"\n", string(p.Bytes())); d != "" {
		t.Errorf("Plan (-want +got):\n%s", d)
	}
	want := []edit.Edit{
		{Start: 3, End: 4, New: []byte("x"), Document: 1, Line: 1, Path: "a", Before: "b", After: "x"},
		{Start: 15, End: 16, New: []byte(`"x y"`), Document: 1, Line: 3, Path: "c | d", Before: "e", After: "x y"},
	}
	if d := cmp.Diff(want, p.Edits()); d != "" {
		t.Errorf("Edits (-want +got):\n%s", d)
	}
}

func TestPlanStepsOverDoubledQuotes(t *testing.T) {
	t.Parallel()
	f, err := edit.Open("f.yaml", []byte("a: 'x''y' # '\nb: \"x\\\"y\" # \"\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Plan(edit.Write{Target: at(t, f, "b"), Value: `1"`}, edit.Write{Target: at(t, f, "a"), Value: "it's"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("a: 'it''s' # '\nb: \"1\\\"\" # \"\n", string(p.Bytes())); d != "" {
		t.Errorf("Plan (-want +got):\n%s", d)
	}
}

func at(t *testing.T, f *edit.File, path string) edit.Target {
	t.Helper()
	target, err := f.At(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
