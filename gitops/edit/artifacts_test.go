package edit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, src string
		want      []string
	}{
		"manifest":      {"a.yaml", "image: APP:1@OLD\nport: \"8080:80\"\nx: foo:bar\ny: nginx@OLD\n", []string{app, "docker.io/library/nginx"}},
		"short name":    {"a.yaml", "image: nginx:1\nurl: http://nginx:80\n", []string{"docker.io/library/nginx"}},
		"values":        {"a.yaml", "global: {imageRegistry: registry.example.com}\nimage: {repository: shop/app, tag: 1}\nweb: {image: {registry: r.example.com, repository: web, digest: OLD}}\n", []string{app, "r.example.com/web"}},
		"kustomization": {"a.yaml", "images:\n- {name: x, newName: APP, newTag: v1}\n- {name: registry.example.com/shop/web, digest: OLD}\n", []string{app, "registry.example.com/shop/web"}},
		"charts":        {"a.yaml", "dependencies:\n- {name: app, repository: 'oci://registry.example.com/charts', version: 1.2.3}\nsource: {repoURL: registry.example.com/charts, chart: web, targetRevision: 1.2.3}\n", []string{chart, "registry.example.com/charts/web"}},
		"Flux":          {"a.yaml", "url: https://git.example.com/acme/modules.git\nref: {tag: v1}\n", []string{module}},
		"parameters":    {"a.yaml", "parameters:\n- {name: image.repository, value: APP}\n- {name: image.tag, value: 1.2.3}\n", []string{app}},
		"embedded":      {"a.yaml", "values: |\n  image: {repository: APP, tag: x}\n", []string{app}},
		"modules":       {"a.tf", "module \"a\" {\n  source = \"git::https://git.example.com/acme/modules//vpc?ref=v1\"\n}\nmodule \"b\" {\n  source = \"tf.example.com/a/b/c\"\n  version = \"1.2.3\"\n}\n", []string{module + "//vpc", "tf.example.com/a/b/c"}},
		"variables":     {"a.env", "A=APP:1\nHOST=example.com:80\nWEB_IMAGE=registry.example.com/shop/web\nWEB_TAG=2\n", []string{app, "registry.example.com/shop/web"}},
		"JSON":          {"a.json", `{"image": "APP", "tag": "1.0"}`, []string{app}},
		"nothing":       {"a.yaml", "image: app\nrepository: APP\n# APP:1\nimage2: 'APP:{{ x }}'\n", nil},
	} {
		f, err := edit.Open(c.file, []byte(digests(c.src)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		all, err := f.Artifacts(nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, a := range all {
			got = append(got, a.Repository)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestKnownFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a/b.yaml": true, "a.yml": true, "a/Kustomization": true, "main.tf": true, "x.auto.tfvars": true, "x.tfvars.json": true, ".env": true,
		"a/.env.prod": true, "terragrunt.hcl": true, "README.md": false, "run.sh": false, "Chart.lock": false, ".terraform.lock.hcl": false, "a": false,
	} {
		if got := edit.Known(name); got != want {
			t.Errorf("Known(%s) = %t", name, got)
		}
	}
	src := digests("dependencies:\n- name: app\n  repository: oci://registry.example.com/charts\n  version: 1.4.2\ndigest: OLD\n")
	if _, err := edit.Promote("Chart.lock", []byte(src), edit.Request{Repository: chart, To: edit.Version{Tag: "1.5.0"}}); !isReason(err, edit.ErrNoMatch) {
		t.Errorf("a lock: %v, want %v", err, edit.ErrNoMatch)
	}
}
