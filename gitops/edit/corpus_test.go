package edit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

const app = "registry.example.com/shop/app"

// corpus names, for each file, how many edits a promotion of app from 1.4.2 makes. Every occurrence of the old tag and
// digest in these files belongs to app; everything else there carries other text.
func corpus() map[string]int {
	return map[string]int{
		"anchors.yaml":                       1,
		"application-values.yaml":            3,
		"bom.yaml":                           1,
		"complex-key.yaml":                   1,
		"configmap-embedded.yaml":            1,
		"crd.yaml":                           2,
		"crlf.yaml":                          1,
		"cronjob-multidoc.yaml":              1,
		"deployment-digest.yaml":             3,
		"deployment-tag-and-digest.yaml":     2,
		"duplicate-elsewhere.yaml":           1,
		"flux-marker.yaml":                   2,
		"folded-block.yaml":                  1,
		"helm-flow-template.yaml":            1,
		"json.yaml":                          2,
		"kustomization-combined-tag.yaml":    1,
		"kustomization-flow.yaml":            2,
		"kustomization-mirror.yaml":          1,
		"kustomization-name.yaml":            2,
		"kustomization-newname.yaml":         1,
		"line-separators.yaml":               1,
		"list-wrapped.yaml":                  1,
		"literal-one-line.yaml":              1,
		"long-lines.yaml":                    1,
		"mixed-line-ends.yaml":               1,
		"no-final-newline.yaml":              1,
		"nonascii.yaml":                      1,
		"octal-bool.yaml":                    2,
		"seq-of-seq.yaml":                    1,
		"tags-and-properties.yaml":           1,
		"values-combined-tag.yaml":           1,
		"values-digest-only.yaml":            1,
		"values-empty-digest-elsewhere.yaml": 2,
		"values-full-string.yaml":            1,
		"values-global-registry.yaml":        2,
		"values-list.yaml":                   2,
		"values-split-registry.yaml":         2,
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	request := edit.Request{Repository: app, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
	for file, edits := range corpus() {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			src := read(t, file)
			got, err := edit.Promote(file, []byte(src), request)
			if err != nil {
				t.Fatalf("Promote: %v", err)
			}
			want := strings.NewReplacer("1.4.2", "1.5.0", oldDigest, newDigest).Replace(src)
			if d := cmp.Diff(want, string(got.Bytes)); d != "" {
				t.Errorf("Promote (-want +got):\n%s", d)
			}
			if len(got.Edits) != edits {
				t.Errorf("Promote made %d edits, want %d: %+v", len(got.Edits), edits, got.Edits)
			}
			again, err := edit.Promote(file, got.Bytes, request)
			if err != nil || len(again.Edits) > 0 || string(again.Bytes) != string(got.Bytes) {
				t.Errorf("second Promote: %d edits, %v; want none", len(again.Edits), err)
			}
			reads(t, file, got)
		})
	}
}

// reads looks at the result by the path of each edit.
func reads(t *testing.T, file string, got edit.Result) {
	t.Helper()
	f, err := edit.Open(file, got.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Edits {
		target, err := f.At(e.Path, e.Document)
		if err != nil {
			t.Errorf("At(%q, %d): %v", e.Path, e.Document, err)
		} else if strings.TrimRight(target.Value, "\n") != e.After {
			t.Errorf("At(%q, %d) reads %q, want %q", e.Path, e.Document, target.Value, e.After)
		}
		if line := strings.Split(string(got.Bytes), "\n")[e.Line-1]; !strings.Contains(line, string(e.New)) {
			t.Errorf("line %d is %q, want %q in it", e.Line, line, e.New)
		}
	}
}

// TestOneDigestIn covers files that other bots are known to reformat: only the digest may change.
func TestOneDigestIn(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"", ` # {"$imagepolicy": "flux-system:app:digest"}`} {
		for name, src := range reformatted(oldDigest, mark) {
			t.Run(name+mark[:min(2, len(mark))], func(t *testing.T) {
				t.Parallel()
				got, err := edit.Promote(name, []byte(src), edit.Request{Path: digestPath(name), To: edit.Version{Digest: newDigest}})
				if err != nil {
					t.Fatalf("Promote: %v", err)
				}
				if d := cmp.Diff(strings.ReplaceAll(src, oldDigest, newDigest), string(got.Bytes)); d != "" {
					t.Errorf("Promote (-want +got):\n%s", d)
				}
			})
		}
	}
}

func digestPath(name string) string {
	if name == "list-wrapped" {
		return "items[metadata.name=d].spec.image"
	}
	return "images[name=app].digest"
}

func reformatted(digest, mark string) map[string]string {
	base := "images:\n- name: app\n  digest: " + digest + mark + "\n"
	return map[string]string{
		"plain":              base,
		"blank-lines":        "apiVersion: v1\n\n\nkind: Foo\n\n" + base,
		"wide-indent-4":      "images:\n    - name: app\n      digest: " + digest + mark + "\nspec:\n    a:\n        b: 1\n",
		"mixed-seq-indent":   "resources:\n  - a.yaml\n  - b.yaml\n" + base,
		"head-comment":       "# owner: team-a\n# do not edit\napiVersion: v1\n" + base,
		"head-comment-blank": "# license\n\napiVersion: v1\n" + base,
		"doc-start":          "---\n" + base,
		"comment-doc-start":  "# license\n---\n" + base,
		"doc-end":            base + "...\n",
		"multi-doc":          base + "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n",
		"multi-doc-trailing": base + "---\n",
		"multidoc-comment":   base + "---\n# second\napiVersion: v1\n",
		"inline-comment-gap": "a: 1      # aligned\nbbbbb: 2  # aligned\n" + base,
		"long-line":          "args: " + strings.Repeat("word ", 60) + "end\n" + base,
		"long-dq":            "args: \"" + strings.Repeat("word ", 60) + "end\"\n" + base,
		"folded-block":       "d: >-\n  one two\n  three\n\n  four\n" + base,
		"literal-trailsp":    "d: |\n  one  \n  two\n" + base,
		"literal-tab":        "d: |\n  a\tb\n  c\n" + base,
		"literal-indent-ind": "d: |2\n    x\n   y\n" + base,
		"flow-seq":           "args: [ \"--a\",  '--b' ,c ]\n" + base,
		"flow-map":           "sel: {app: x,   tier: y}\n" + base,
		"flow-multiline":     "args: [\n  a,\n  b,\n]\n" + base,
		"single-quotes":      "a: 'x'\nb: \"y\"\nc: z\n" + base,
		"null-empty":         "a:\nb: ~\nc: null\n" + base,
		"octal-bool":         "mode: 0644\non: yes\nn: 1_000\nf: 1e3\n" + base,
		"anchor":             "x: &a\n  k: v\ny: *a\nz:\n  <<: *a\n" + base,
		"nonascii":           "a: caf\u00e9 \u2603 \U0001F680\n" + base,
		"crlf":               strings.ReplaceAll("apiVersion: v1\n"+base, "\n", "\r\n"),
		"no-final-newline":   strings.TrimSuffix(base, "\n"),
		"trailing-spaces":    "a: 1  \n" + base,
		"dup-key":            "a: 1\na: 2\n" + base,
		"bom":                "\ufeff" + base,
		"int-keys":           "1: a\n2: b\n" + base,
		"helm-template":      "a: {{ .Values.x }}\n" + base,
		"quoted-target":      "images:\n- name: app\n  digest: \"" + digest + "\"" + mark + "\n",
		"squote-target":      "images:\n- name: app\n  digest: '" + digest + "'" + mark + "\n",
		"seq-of-seq":         "a:\n- - 1\n  - 2\n" + base,
		"complex-key":        "? a\n: b\n" + base,
		"foot-comment":       base + "# trailing comment\n",
		"foot-comment-blank": base + "\n# trailing comment\n",
		"comment-between":    "images:\n# first app\n- name: app\n  # pinned\n  digest: " + digest + mark + "\n\n# second\n- name: b\n  newTag: v1\n",
		"list-wrapped":       "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: a\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: d\n  spec:\n    image: " + digest + mark + "\n",
		"annotations":        "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  annotations:\n    internal.config.kubernetes.io/path: foo\n    config.kubernetes.io/index: '0'\n" + base,
	}
}
