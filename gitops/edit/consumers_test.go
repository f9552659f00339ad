package edit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	goccy "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclparse"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// promotedCorpus gives each file of the corpus before and after.
func promotedCorpus(t *testing.T, see func(file, before, after string)) {
	t.Helper()
	for _, file := range slices.Sorted(maps.Keys(formats())) {
		src := read(t, file)
		got, err := edit.Promote(file, []byte(src), formats()[file].request)
		if err != nil {
			t.Fatal(err)
		}
		see(file, src, string(got.Bytes))
	}
	for _, file := range slices.Sorted(maps.Keys(corpus())) {
		src := read(t, file)
		got, err := edit.Promote(file, []byte(src), appCorpus)
		if err != nil {
			t.Fatal(err)
		}
		see(file, src, string(got.Bytes))
	}
}

// replaced is a value in which every text is replaced as in the file.
func replaced(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = replaced(e)
		}
		return out
	case map[any]any:
		out := map[any]any{}
		for k, e := range v {
			out[k] = replaced(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replaced(e)
		}
		return out
	case string:
		return textual(v)
	}
	return v
}

// TestConsumersSeeTheNewVersionAndNothingElse reads every YAML file of the corpus, before and after, with readers of
// three families: the one that this package uses, that of kustomize and Flux, and an independent one.
func TestConsumersSeeTheNewVersionAndNothingElse(t *testing.T) {
	t.Parallel()
	type decoder interface{ Decode(v any) error }
	readers := map[string]func(src string) decoder{
		"yaml.v3": func(src string) decoder { return yaml.NewDecoder(strings.NewReader(src)) },
		"kyaml":   func(src string) decoder { return kyaml.NewDecoder(strings.NewReader(src)) },
		"goccy": func(src string) decoder {
			return goccy.NewDecoder(strings.NewReader(src), goccy.AllowDuplicateMapKey())
		},
	}
	for name, open := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := func(src string) (out []any, err error) {
				for d := open(src); ; {
					var v any
					if err := d.Decode(&v); errors.Is(err, io.EOF) {
						return out, nil
					} else if err != nil {
						return nil, err
					}
					out = append(out, v)
				}
			}
			seen := 0
			promotedCorpus(t, func(file, before, after string) {
				if !strings.HasSuffix(file, ".yaml") && !strings.HasSuffix(file, ".yml") {
					return
				}
				was, err := documents(before)
				if err != nil {
					return // it does not read this file in the first place
				}
				is, err := documents(after)
				if err != nil {
					t.Errorf("%s: reads the file before, not after: %v", file, err)
					return
				}
				seen++
				if d := cmp.Diff(replaced(was), any(is)); d != "" {
					t.Errorf("%s (-want +got):\n%s", file, d)
				}
			})
			if seen < 70 {
				t.Errorf("read only %d files", seen)
			}
		})
	}
}

func TestJSONConsumerSeesTheNewVersion(t *testing.T) {
	t.Parallel()
	promotedCorpus(t, func(file, before, after string) {
		if path.Ext(file) != ".json" {
			return
		}
		was, is := decodeJSON(t, []byte(strings.TrimPrefix(before, "\ufeff"))), decodeJSON(t, []byte(strings.TrimPrefix(after, "\ufeff")))
		if d := cmp.Diff(replaced(was), is); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	})
}

func TestTerraformSeesTheNewVersion(t *testing.T) {
	t.Parallel()
	src := read(t, "terraform/prod.auto.tfvars")
	got, err := edit.Promote("prod.auto.tfvars", []byte(src), appCorpus)
	if err != nil {
		t.Fatal(err)
	}
	values := func(src string) map[string]any {
		f, diags := hclparse.NewParser().ParseHCL([]byte(src), "prod.auto.tfvars")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		attributes, diags := f.Body.JustAttributes()
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		out := map[string]any{}
		for name, a := range attributes {
			v, diags := a.Expr.Value(nil)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			out[name] = v.GoString()
		}
		return out
	}
	if d := cmp.Diff(replaced(values(src)), any(values(string(got.Bytes)))); d != "" {
		t.Errorf("variables (-want +got):\n%s", d)
	}
}

// TestKubernetesSeesTheNewVersion decodes strictly into the type of the API.
func TestKubernetesSeesTheNewVersion(t *testing.T) {
	t.Parallel()
	src := read(t, "k8s/deployment-full.yaml")
	got, err := edit.Promote("deployment.yaml", []byte(src), appCorpus)
	if err != nil {
		t.Fatal(err)
	}
	deployment := func(src string) (out appsv1.Deployment) {
		var v any
		if err := kyaml.Unmarshal([]byte(src), &v); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	want, is := deployment(src), deployment(string(got.Bytes))
	spec := &want.Spec.Template.Spec
	spec.InitContainers[0].Image = textual(spec.InitContainers[0].Image)
	spec.Containers[0].Image = textual(spec.Containers[0].Image)
	spec.Containers[0].Env[1].Value = textual(spec.Containers[0].Env[1].Value)
	if d := cmp.Diff(want, is); d != "" {
		t.Errorf("deployment (-want +got):\n%s", d)
	}
}

// TestKustomizeBuildsTheNewVersion runs kustomize over bases that name the image in every form, before and after.
func TestKustomizeBuildsTheNewVersion(t *testing.T) {
	t.Parallel()
	base := digests("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: a, image: APP}\n      - {name: b, image: 'APP:0.9'}\n      - {name: c, image: shop}\n      - {name: d, image: 'registry.example.com/shop/other:1'}\n")
	for name, c := range map[string]struct {
		images string
		pin    edit.Pin
		want   []string // images built after
	}{
		"tag and digest":     {"- name: APP\n  newTag: 1.4.2 # x\n  digest: OLD\n", 0, []string{"APP:1.5.0@NEW", "APP:1.5.0@NEW", "shop", "registry.example.com/shop/other:1"}},
		"digest alone":       {"- {name: APP, digest: OLD}\n", 0, []string{"APP@NEW", "APP@NEW", "shop", "registry.example.com/shop/other:1"}},
		"another name":       {"- digest: OLD\n  newName: APP\n  name: shop\n", 0, []string{"APP", "APP:0.9", "APP@NEW", "registry.example.com/shop/other:1"}},
		"a digest is added":  {"- name: APP\n  newTag: 1.4.2\n", edit.AddDigest, []string{"APP:1.5.0@NEW", "APP:1.5.0@NEW", "shop", "registry.example.com/shop/other:1"}},
		"a combined new tag": {"- name: APP\n  newTag: 1.4.2@OLD\n", 0, []string{"APP:1.5.0@NEW", "APP:1.5.0@NEW", "shop", "registry.example.com/shop/other:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := digests("resources: [d.yaml]\nnamespace: shop\nimages:\n" + c.images)
			r := appCorpus
			r.Pin = c.pin
			got, err := edit.Promote("kustomization.yaml", []byte(src), r)
			if err != nil {
				t.Fatal(err)
			}
			before, after := build(t, base, src), build(t, base, string(got.Bytes))
			if d := cmp.Diff(strings.Split(digests(strings.Join(c.want, "\n")), "\n"), imagesOf(after)); d != "" {
				t.Errorf("images (-want +got):\n%s", d)
			}
			if d := cmp.Diff(withoutImages(before), withoutImages(after)); d != "" {
				t.Errorf("anything else (-before +after):\n%s", d)
			}
		})
	}
}

func build(t *testing.T, base, kustomization string) string {
	t.Helper()
	fs := filesys.MakeFsInMemory()
	for name, text := range map[string]string{"/d.yaml": base, "/kustomization.yaml": kustomization} {
		if err := fs.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/")
	if err != nil {
		t.Fatalf("kustomize: %v\n%s", err, kustomization)
	}
	out, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func imagesOf(built string) (out []string) {
	for line := range strings.SplitSeq(built, "\n") {
		if _, image, ok := strings.Cut(line, "image: "); ok {
			out = append(out, image)
		}
	}
	return out
}

func withoutImages(built string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(built, "\n") {
		before, _, _ := strings.Cut(line, "image: ")
		b.WriteString(before + "\n")
	}
	return b.String()
}
