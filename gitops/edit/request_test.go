package edit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

func TestPromoteByMarker(t *testing.T) {
	t.Parallel()
	both := edit.Version{Tag: "1.5.0", Digest: newDigest}
	for name, c := range map[string]struct {
		file, src, want string
	}{
		"a reference":          {"a.yaml", "x: r/y:1.4.2@OLD # waveguide: payments\nz: r/y:1.4.2@OLD\n", "x: r/y:1.5.0@NEW # waveguide: payments\nz: r/y:1.4.2@OLD\n"},
		"two parts":            {"a.yaml", "v: 1.4.2 # waveguide: payments.tag\nd: 'OLD'   # keep, waveguide: payments.digest\nd2: OLD # waveguide: payments.digest\n", "v: 1.5.0 # waveguide: payments.tag\nd: 'OLD'   # keep, waveguide: payments.digest\nd2: NEW # waveguide: payments.digest\n"},
		"tag beside digest":    {"a.yaml", "tag: 1.4.2 # waveguide: payments\ndigest: OLD\n", "tag: 1.5.0 # waveguide: payments\ndigest: NEW\n"},
		"the last of a flow":   {"a.yaml", "{a: 1.4.2, b: 1.4.2@OLD} # waveguide: payments\n", "{a: 1.4.2, b: 1.5.0@NEW} # waveguide: payments\n"},
		"an item":              {"a.yaml", "l:\n- 1.4.2@OLD # waveguide: payments\n", "l:\n- 1.5.0@NEW # waveguide: payments\n"},
		"in embedded YAML":     {"a.yaml", "l: |\n  a: 1.4.2@OLD # waveguide: payments\n", "l: |\n  a: 1.5.0@NEW # waveguide: payments\n"},
		"a policy of Flux":     {"a.yaml", "i: r/y:1.4.2@OLD # {\"$imagepolicy\": \"flux-system:payments\"}\n", "i: r/y:1.5.0@NEW # {\"$imagepolicy\": \"flux-system:payments\"}\n"},
		"a part of Flux":       {"a.yaml", "images:\n- name: x # {\"$imagepolicy\": \"flux-system:payments:name\"}\n  newTag: 1.4.2 # {\"$imagepolicy\": \"flux-system:payments:tag\"}\n  digest: OLD # {\"$imagepolicy\": \"flux-system:payments:digest\"}\n", "images:\n- name: x # {\"$imagepolicy\": \"flux-system:payments:name\"}\n  newTag: 1.5.0 # {\"$imagepolicy\": \"flux-system:payments:tag\"}\n  digest: NEW # {\"$imagepolicy\": \"flux-system:payments:digest\"}\n"},
		"HCL":                  {"a.tf", "locals {\n  v = \"1.4.2@OLD\" // waveguide: payments\n}\n", "locals {\n  v = \"1.5.0@NEW\" // waveguide: payments\n}\n"},
		"environment":          {"a.env", "V=1.4.2@OLD # waveguide: payments\n", "V=1.5.0@NEW # waveguide: payments\n"},
		"text that looks like": {"a.yaml", "a: '1.4.2 # waveguide: payments'\nb: 1.4.2@OLD # waveguide: payments\n", ""},
	} {
		r := edit.Request{Artifact: "payments", To: both}
		if strings.Contains(name, "Flux") {
			r.Artifact = "flux-system:payments"
		}
		got, err := edit.Promote(c.file, []byte(digests(c.src)), r)
		if c.want == "" {
			if !isReason(err, edit.ErrNoMatch) && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(digests(c.want), string(got.Bytes)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestMarkersThatLeadNowhere(t *testing.T) {
	t.Parallel()
	both := edit.Version{Tag: "1.5.0", Digest: newDigest}
	for name, c := range map[string]struct {
		src    string
		reason error
		line   int
	}{
		"no value on its line":          {"a: 1\n# waveguide: payments\n", edit.ErrNoMatch, 2},
		"inside a text of two lines":    {"a: \"1@OLD # waveguide: payments\n  more\"\n", edit.ErrNoMatch, 1},
		"a mapping on its line":         {"a: # waveguide: payments\n  b: 1\n", edit.ErrNoMatch, 1},
		"another artifact":              {"a: 1@OLD # waveguide: payments-v2\n", edit.ErrNoMatch, 0},
		"the digest is not marked":      {"tag: 1.4.2 # waveguide: payments.tag\ndigest: OLD\n", edit.ErrPinning, 1},
		"no room for the digest":        {"tag: 1.4.2 # waveguide: payments\n", edit.ErrPinning, 1},
		"an anchor that others use":     {"a: &x 1@OLD # waveguide: payments\nb: *x\n", edit.ErrAnchored, 1},
		"a key that stands twice":       {"a: 1@OLD # waveguide: payments\na: 2@OLD\n", edit.ErrDuplicate, 1},
		"an expression of another tool": {"a: '{{ x }}' # waveguide: payments\n", edit.ErrTemplate, 1},
	} {
		_, err := edit.Promote("f.yaml", []byte(digests(c.src)), edit.Request{Artifact: "payments", To: both})
		var r *edit.Refusal
		if !isReason(err, c.reason) || !asRefusal(err, &r) || r.Line != c.line {
			t.Errorf("%s: Promote gave %v, want %v at line %d", name, err, c.reason, c.line)
		}
	}
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	src := "a: 1 # waveguide: app.v1.digest\nb: 2 # {\"$imagepolicy\": \"ns:p:tag\"}\nc: 3 # see waveguide: the tool\n"
	got := edit.Markers([]byte(src))
	if len(got) != 2 || got[0].Artifact != "app.v1" || got[0].Part != "digest" || got[1].Artifact != "ns:p" || got[1].Part != "tag" || got[1].Line != 2 {
		t.Errorf("Markers: %+v", got)
	}
}

func TestPromoteWithMetadata(t *testing.T) {
	t.Parallel()
	src := digests("metadata:\n  annotations:\n    revision: 'abc' # x\n    evidence: \"https://old.example.com\"\n    runs: 3\nspec:\n  image: APP:1.4.2@OLD\n")
	r := edit.Request{
		Repository: app, To: edit.Version{Tag: "1.5.0", Digest: newDigest},
		Metadata: []edit.Field{
			{"metadata.annotations.revision", "def's"},
			{"metadata.annotations.evidence", "https://new.example.com/?a=b#c"},
			{"metadata.annotations.runs", "4"},
		},
	}
	got, err := edit.Promote("f.yaml", []byte(src), r)
	if err != nil {
		t.Fatal(err)
	}
	want := digests("metadata:\n  annotations:\n    revision: 'def''s' # x\n    evidence: \"https://new.example.com/?a=b#c\"\n    runs: 4\nspec:\n  image: APP:1.5.0@NEW\n")
	if d := cmp.Diff(want, string(got.Bytes)); d != "" {
		t.Errorf("Promote (-want +got):\n%s", d)
	}
	if len(got.Edits) != 4 {
		t.Errorf("%d edits, want 4", len(got.Edits))
	}
	r.Metadata = append(r.Metadata, edit.Field{"metadata.annotations.missing", "x"})
	if _, err := edit.Promote("f.yaml", []byte(src), r); !isReason(err, edit.ErrNoMatch) {
		t.Errorf("missing metadata: %v, want %v", err, edit.ErrNoMatch)
	}
	r.Metadata = []edit.Field{{"spec.image", "x"}}
	if _, err := edit.Promote("f.yaml", []byte(src), r); !isReason(err, edit.ErrConflict) {
		t.Errorf("metadata in place of the version: %v, want %v", err, edit.ErrConflict)
	}
}

func TestPromoteOfAnyValue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, src, want string
		request         edit.Request
	}{
		"text":              {"a.yaml", "a: b c # d\n", "a: \"x y\" # d\n", edit.Request{Path: "a", Value: "x y"}},
		"number":            {"a.yaml", "a: 3\n", "a: 4\n", edit.Request{Path: "a", Value: "4"}},
		"number to text":    {"a.yaml", "a: 3\n", "a: \"4.0\"\n", edit.Request{Path: "a", Value: "4.0"}},
		"boolean":           {"a.yaml", "a: true\n", "a: false\n", edit.Request{Path: "a", Value: "false"}},
		"text like boolean": {"a.yaml", "a: x\n", "a: \"false\"\n", edit.Request{Path: "a", Value: "false"}},
		"expected":          {"a.yaml", "a: b\n", "a: c\n", edit.Request{Path: "a", Value: "c", Expect: []string{"b"}}},
		"JSON":              {"a.json", `{"a": {"b": [1, 2.50, "x"]}}`, `{"a": {"b": [1, 2.50, "<y>\n"]}}`, edit.Request{Path: "a.b[2]", Value: "<y>\n"}},
		"JSON number":       {"a.json", `[1, 2.50]`, `[7, 2.50]`, edit.Request{Path: "[0]", Value: "7"}},
		"JSON fraction":     {"a.json", `[1, 2.50]`, `[1, "2.60"]`, edit.Request{Path: "/1", Value: "2.60"}},
		"HCL escapes":       {"a.tf", "a = \"x\" # y\n", "a = \"$${z}\\\"\" # y\n", edit.Request{Path: "a", Value: "${z}\""}},
		"HCL number":        {"a.tfvars", "a = 3\n", "a = 4\n", edit.Request{Path: "a", Value: "4"}},
		"HCL block":         {"a.tf", "b \"c\" \"d\" {\n  e { f = \"g\" }\n  e { f = \"h\" }\n}\n", "b \"c\" \"d\" {\n  e { f = \"g\" }\n  e { f = \"i\" }\n}\n", edit.Request{Path: "b.c.d.e[f=h].f", Value: "i"}},
		"environment":       {"a.env", "A=\nB='x y'\n", "A=z\nB='x y'\n", edit.Request{Path: "A", Value: "z"}},
	} {
		got, err := edit.Promote(c.file, []byte(c.src), c.request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(c.want, string(got.Bytes)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if _, err := edit.Promote("a.yaml", []byte("a: b\n"), edit.Request{Path: "a", Value: "c", Expect: []string{"x"}}); !isReason(err, edit.ErrStale) {
		t.Errorf("another value is there: %v, want %v", err, edit.ErrStale)
	}
}

func TestPromoteWithSourcesOfOtherFiles(t *testing.T) {
	t.Parallel()
	src := "spec:\n  chart:\n    spec:\n      chart: app\n      version: 1.4.2\n      sourceRef: {kind: HelmRepository, name: shop}\n"
	r := edit.Request{Repository: chart, To: edit.Version{Tag: "1.5.0"}}
	if _, err := edit.Promote("f.yaml", []byte(src), r); !isReason(err, edit.ErrAmbiguous) {
		t.Errorf("nobody says what shop is: %v, want %v", err, edit.ErrAmbiguous)
	}
	r.Path = "spec.chart.spec.version"
	if got, err := edit.Promote("f.yaml", []byte(src), r); err != nil || !strings.Contains(string(got.Bytes), "version: 1.5.0\n") {
		t.Errorf("by path: %s, %v", got.Bytes, err)
	}
	other, err := edit.Open("s.yaml", []byte("kind: HelmRepository\nmetadata: {name: shop}\nspec: {url: 'oci://registry.example.com/charts'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Path, r.Sources = "", other.Sources()
	if got, err := edit.Promote("f.yaml", []byte(src), r); err != nil || !strings.Contains(string(got.Bytes), "version: 1.5.0\n") {
		t.Errorf("with the source: %s, %v", got.Bytes, err)
	}
	r.Sources["HelmRepository/shop"] = "https://elsewhere.example.com"
	if _, err := edit.Promote("f.yaml", []byte(src), r); !isReason(err, edit.ErrNoMatch) {
		t.Errorf("another source: %v, want %v", err, edit.ErrNoMatch)
	}
}

func TestPromoteAddsDigests(t *testing.T) {
	t.Parallel()
	both := edit.Version{Tag: "1.5.0", Digest: newDigest}
	for name, c := range map[string]formCase{
		"OCIRepository": {"a.yaml", app, "url: oci://APP\nref:\n  tag: 1.4.2 # x\ninterval: 5m\n", "url: oci://APP\nref:\n  tag: 1.5.0 # x\n  digest: NEW\ninterval: 5m\n"},
		"OCI revision":  {"a.yaml", app, "repoURL: oci://APP\ntargetRevision: 1.4.2\n", "repoURL: oci://APP\ntargetRevision: NEW\n"},
		"JSON":          {"a.json", app, "{\n    \"image\": \"APP\",\n    \"tag\": \"1.4.2\"\n}\n", "{\n    \"image\": \"APP\",\n    \"tag\": \"1.5.0\",\n    \"digest\": \"NEW\"\n}\n"},
		"flow of lines": {"a.yaml", app, "image: {\n  repository: APP,\n  tag: 1.4.2\n}\n", "image: {\n  repository: APP,\n  tag: 1.5.0,\n  digest: NEW\n}\n"},
		"HCL":           {"a.tf", app, "a = \"APP:1.4.2\"\n", "a = \"APP:1.5.0@NEW\"\n"},
		"environment":   {"a.env", app, "A=APP:1.4.2\n", "A=APP:1.5.0@NEW\n"},
		"no room":       {"a.yaml", chart, "name: app\nrepository: oci://registry.example.com/charts\nversion: 1.4.2\n", "name: app\nrepository: oci://registry.example.com/charts\nversion: 1.5.0\n"},
	} {
		r := edit.Request{Repository: c.repository, To: both, Pin: edit.AddDigest}
		got, err := edit.Promote(c.file, []byte(digests(c.src)), r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(digests(c.want), string(got.Bytes)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if again, err := edit.Promote(c.file, got.Bytes, r); err != nil || len(again.Edits) > 0 {
			t.Errorf("%s again: %v, %v", name, again.Edits, err)
		}
	}
	for name, c := range map[string]formCase{
		"an item":       {"a.yaml", app, "- {name: image.repository, value: APP}\n- {name: image.tag, value: 1.4.2}\n", ""},
		"imageTag":      {"a.yaml", app, "image: APP\nimageTag: 1.4.2\n", ""},
		"a line of HCL": {"a.tfvars", app, "repository = \"APP\"\ntag = \"1.4.2\"\n", ""},
	} {
		r := edit.Request{Repository: c.repository, To: both, Pin: edit.AddDigest}
		if _, err := edit.Promote(c.file, []byte(digests(c.src)), r); !isReason(err, edit.ErrPinning) && !isReason(err, edit.ErrUnwritable) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestStaleLocks(t *testing.T) {
	t.Parallel()
	src := "dependencies:\n- name: app\n  repository: oci://registry.example.com/charts\n  version: 1.4.2\n"
	got, err := edit.Promote("shop/Chart.yaml", []byte(src), edit.Request{Repository: chart, To: edit.Version{Tag: "1.5.0"}})
	if err != nil || len(got.Stale) != 1 || got.Stale[0] != "Chart.lock" {
		t.Errorf("Promote: %v, %v; want Chart.lock", got.Stale, err)
	}
}
