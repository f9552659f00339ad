// Package rendered_test asks Helm's own template engine what becomes of an edited values file: the rendered manifests
// must show the new version, and nothing else new. To test another way in which charts write an image, add a case with
// its values and its template. It is a package of its own so that the tests of package edit need not link Helm.
package rendered_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	chart "helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

const (
	app       = "registry.example.com/shop/app"
	oldDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	newDigest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// written is a way in which charts write an image: a values file, and the text of a template that reads it.
type written struct {
	values, template string
	pin              bool
	want             string // the reference in the manifest
}

func ways() map[string]written {
	const tagged, pinned = app + ":1.20", app + ":1.20@" + newDigest
	return map[string]written{
		"repository and tag": {
			values:   "image:\n  repository: APP # of the shop\n  tag: 1.4.2   # é\n  pullPolicy: Always\nreplicas: 3\n",
			template: `{{ .Values.image.repository }}:{{ .Values.image.tag }}`, want: tagged,
		},
		"a tag that would be a number": {
			values:   "image: {repository: APP, tag: 1.4.2}\n",
			template: `{{ printf "%s:%v" .Values.image.repository .Values.image.tag }}`, want: tagged,
		},
		"repository, tag and digest": {
			values:   "image:\n  repository: APP\n  tag: \"1.4.2\"\n  digest: 'OLD'\n",
			template: `{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}`, want: pinned,
		},
		"a digest that is added": {
			values:   "image:\n  repository: APP\n  tag: 1.4.2\n",
			template: `{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}`, want: pinned, pin: true,
		},
		"digest before tag": {
			values:   "image: {repository: APP, tag: '', digest: OLD}\n",
			template: `{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag }}{{ end }}`, want: app + "@" + newDigest,
		},
		"a registry of its own": {
			values:   "image:\n  registry: registry.example.com\n  repository: shop/app\n  tag: 1.4.2@OLD\n",
			template: `{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}`, want: pinned,
		},
		"the registry of all images": {
			values:   "global:\n  imageRegistry: registry.example.com\nworker:\n  image: {repository: shop/app, tag: 1.4.2}\n",
			template: `{{ .Values.global.imageRegistry }}/{{ .Values.worker.image.repository }}:{{ .Values.worker.image.tag }}`, want: tagged,
		},
		"one text": {
			values:   "images:\n  app: \"APP:1.4.2@OLD\" # pinned\n",
			template: `{{ .Values.images.app }}`, want: pinned,
		},
		"a digest without its algorithm": {
			values:   "image: {repository: APP, sha: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", tag: 1.4.2}\n",
			template: `{{ .Values.image.repository }}:{{ .Values.image.tag }}@sha256:{{ .Values.image.sha }}`, want: pinned,
		},
		"a list": {
			values:   "sidecars:\n- name: app\n  image: {repository: APP, tag: 1.4.2}\n- name: web\n  image: {repository: APP-web, tag: 1.4.2}\n",
			template: `{{ with index .Values.sidecars 0 }}{{ .image.repository }}:{{ .image.tag }}{{ end }} and {{ with index .Values.sidecars 1 }}{{ .image.repository }}:{{ .image.tag }}{{ end }}`,
			want:     tagged,
		},
		"a template in the values": {
			values:   "image: {repository: APP, tag: 1.4.2}\nnote: '{{ .Values.image.tag }}'\n",
			template: `{{ .Values.image.repository }}:{{ tpl .Values.note . }}`, want: tagged,
		},
		"a block of text": {
			values:   "config: |\n  image:\n    repository: APP\n    tag: 1.4.2\n",
			template: `{{ with .Values.config | fromYaml }}{{ .image.repository }}:{{ .image.tag }}{{ end }}`, want: tagged,
		},
		"an anchor": {
			values:   "base: &base\n  pullPolicy: Always\nimage:\n  <<: *base\n  repository: APP\n  tag: 1.4.2\n",
			template: `{{ .Values.image.repository }}:{{ .Values.image.tag }}`, want: tagged,
		},
	}
}

// render is what Helm makes of a chart with one template and these values; all values are in it, too.
func render(t *testing.T, template, values string) map[string]string {
	t.Helper()
	manifest := "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: app\n        image: \"%s\"\n"
	c, err := loader.LoadFiles([]*archive.BufferedFile{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: shop\nversion: 0.1.0\n")},
		{Name: "values.yaml", Data: []byte(values)},
		{Name: "templates/app.yaml", Data: fmt.Appendf(nil, manifest, template)},
		{Name: "templates/all.yaml", Data: []byte("kind: ConfigMap\ndata:\n  values: |\n{{ toYaml .Values | indent 4 }}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := util.ToRenderValues(c, map[string]any{}, chart.ReleaseOptions{Name: "shop", Namespace: "shop"}, chart.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHelmShowsTheNewVersion(t *testing.T) {
	t.Parallel()
	spelled := strings.NewReplacer("APP", app, "OLD", oldDigest)
	for name, w := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := spelled.Replace(w.values)
			r := edit.Request{Repository: app, To: edit.Version{Tag: "1.20", Digest: newDigest}}
			switch {
			case w.pin:
				r.Pin = edit.AddDigest
			case !strings.Contains(w.want, "@"):
				r.To.Digest = ""
			}
			got, err := edit.Promote("values.yaml", []byte(values), r)
			if err != nil {
				t.Fatal(err)
			}
			before, after := render(t, w.template, values), render(t, w.template, string(got.Bytes))
			if !strings.Contains(after["shop/templates/app.yaml"], w.want) {
				t.Errorf("Helm renders no %s:\n%s", w.want, after["shop/templates/app.yaml"])
			}
			want := maps.Clone(before)
			for file, text := range want {
				want[file] = replaced(text, w.pin)
			}
			for _, m := range []map[string]string{want, after} { // how Helm quotes the values it prints is its own affair
				m["shop/templates/all.yaml"] = strings.NewReplacer(`"`, "", "'", "").Replace(m["shop/templates/all.yaml"])
			}
			if d := cmp.Diff(want, after); d != "" {
				t.Errorf("something else is new (-want +got):\n%s", d)
			}
		})
	}
}

// replaced is a rendered text with the new version instead of the old one, but for the other artifact.
func replaced(text string, pin bool) string {
	const kept = "\x00"
	text = strings.ReplaceAll(text, app+"-web:1.4.2", kept)
	text = strings.ReplaceAll(text, "repository: "+app+"-web\n        tag: 1.4.2", kept+kept)
	digest := strings.TrimPrefix(newDigest, "sha256:")
	text = strings.NewReplacer("1.4.2", "1.20", strings.TrimPrefix(oldDigest, "sha256:"), digest).Replace(text)
	if pin {
		text = strings.ReplaceAll(text, ":1.20\"", ":1.20@"+newDigest+"\"")
		text = strings.ReplaceAll(text, "    image:\n", "    image:\n      digest: "+newDigest+"\n")
	}
	text = strings.ReplaceAll(text, kept+kept, "repository: "+app+"-web\n        tag: 1.4.2")
	return strings.ReplaceAll(text, kept, app+"-web:1.4.2")
}
