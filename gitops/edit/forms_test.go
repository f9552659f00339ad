package edit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

const (
	chart  = "registry.example.com/charts/app"
	module = "git.example.com/acme/modules"
	oldSHA = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
	newSHA = "2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b"
)

// formCase is a file that names an artifact from 1.4.2 or OLD, and how it must look when it names 1.5.0 or NEW.
type formCase struct {
	file, repository string
	src, want        string
}

func TestFormsOfEveryFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]formCase{
		"ephemeral container": {"pod.yaml", app, "spec:\n  ephemeralContainers:\n  - image: APP@OLD\n", "spec:\n  ephemeralContainers:\n  - image: APP@NEW\n"},
		"image volume":        {"pod.yaml", app, "spec:\n  volumes:\n  - name: m\n    image: {reference: APP@OLD, pullPolicy: Always}\n", "spec:\n  volumes:\n  - name: m\n    image: {reference: APP@NEW, pullPolicy: Always}\n"},
		"argument":            {"pod.yaml", app, "args: [--image=APP:1.4.2@OLD]\n", "args: [--image=APP:1.5.0@NEW]\n"},
		"variables beside one another": {
			"pod.yaml", app,
			"env:\n- {name: WEB_IMAGE, value: APP}\n- {name: WEB_TAG, value: 1.4.2}\n- {name: WEB_DIGEST, value: OLD}\n",
			"env:\n- {name: WEB_IMAGE, value: APP}\n- {name: WEB_TAG, value: 1.5.0}\n- {name: WEB_DIGEST, value: NEW}\n",
		},
		"flat helm values":            {"values.yaml", app, "image: APP\nimageTag: \"1.4.2\"\nimageDigest: OLD\n", "image: APP\nimageTag: \"1.5.0\"\nimageDigest: NEW\n"},
		"helm values of two images":   {"values.yaml", app, "web:\n  image: APP\n  tag: 1.4.2@OLD\njob:\n  image: registry.example.com/shop/job\n  tag: 1.4.2\n", "web:\n  image: APP\n  tag: 1.5.0@NEW\njob:\n  image: registry.example.com/shop/job\n  tag: 1.4.2\n"},
		"organisation in registry":    {"values.yaml", app, "image: {registry: registry.example.com/shop, repository: app, tag: 1.4.2@OLD}\n", "image: {registry: registry.example.com/shop, repository: app, tag: 1.5.0@NEW}\n"},
		"digest without algorithm":    {"values.yaml", app, "image:\n  repository: APP\n  tag: 1.4.2\n  sha: 1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\n", "image:\n  repository: APP\n  tag: 1.5.0\n  sha: 2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b\n"},
		"Chart.yaml":                  {"Chart.yaml", chart, "version: 1.4.2\ndependencies:\n- name: app\n  version: 1.4.2 # x\n  repository: oci://registry.example.com/charts\n", "version: 1.4.2\ndependencies:\n- name: app\n  version: 1.5.0 # x\n  repository: oci://registry.example.com/charts\n"},
		"Chart.yaml of an old museum": {"Chart.yaml", "charts.example.com/stable/app", "dependencies:\n  - {name: app, version: 1.4.2, repository: \"https://charts.example.com/stable/\"}\n", "dependencies:\n  - {name: app, version: 1.5.0, repository: \"https://charts.example.com/stable/\"}\n"},
		"HelmRelease and its source": {
			"release.yaml", chart,
			"kind: HelmRepository\nmetadata: {name: shop}\nspec: {url: \"oci://registry.example.com/charts\"}\n---\nkind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: app\n      version: 1.4.2\n      sourceRef: {kind: HelmRepository, name: shop}\n",
			"kind: HelmRepository\nmetadata: {name: shop}\nspec: {url: \"oci://registry.example.com/charts\"}\n---\nkind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: app\n      version: 1.5.0\n      sourceRef: {kind: HelmRepository, name: shop}\n",
		},
		"HelmRelease values": {"release.yaml", app, "spec:\n  values:\n    image:\n      repository: APP\n      tag: 1.4.2@OLD\n", "spec:\n  values:\n    image:\n      repository: APP\n      tag: 1.5.0@NEW\n"},
		"post renderer":      {"release.yaml", app, "spec:\n  postRenderers:\n  - kustomize:\n      images:\n      - name: APP\n        newTag: 1.4.2\n        digest: OLD\n", "spec:\n  postRenderers:\n  - kustomize:\n      images:\n      - name: APP\n        newTag: 1.5.0\n        digest: NEW\n"},
		"HelmChart": {
			"chart.yaml", chart,
			"kind: HelmChart\nspec: {chart: app, version: 1.4.2, sourceRef: {kind: HelmRepository, name: s}}\n---\nkind: HelmRepository\nmetadata: {name: s}\nspec: {url: \"oci://registry.example.com/charts\"}\n",
			"kind: HelmChart\nspec: {chart: app, version: 1.5.0, sourceRef: {kind: HelmRepository, name: s}}\n---\nkind: HelmRepository\nmetadata: {name: s}\nspec: {url: \"oci://registry.example.com/charts\"}\n",
		},
		"OCIRepository":               {"oci.yaml", app, "spec:\n  url: oci://APP\n  ref:\n    tag: 1.4.2\n    digest: OLD\n", "spec:\n  url: oci://APP\n  ref:\n    tag: 1.5.0\n    digest: NEW\n"},
		"OCIRepository by digest":     {"oci.yaml", app, "spec:\n  url: oci://APP\n  ref: {digest: OLD}\n", "spec:\n  url: oci://APP\n  ref: {digest: NEW}\n"},
		"GitRepository":               {"git.yaml", module, "spec:\n  url: https://git.example.com/acme/modules.git\n  ref:\n    tag: v1.4.2\n", "spec:\n  url: https://git.example.com/acme/modules.git\n  ref:\n    tag: v1.5.0\n"},
		"GitRepository with a commit": {"git.yaml", module, "spec:\n  url: ssh://git@git.example.com/acme/modules\n  ref: {tag: v1.4.2, commit: " + oldSHA + "}\n", "spec:\n  url: ssh://git@git.example.com/acme/modules\n  ref: {tag: v1.5.0, commit: " + newSHA + "}\n"},
		"Application, chart":          {"app.yaml", chart, "spec:\n  source:\n    repoURL: registry.example.com/charts\n    chart: app\n    targetRevision: 1.4.2\n", "spec:\n  source:\n    repoURL: registry.example.com/charts\n    chart: app\n    targetRevision: 1.5.0\n"},
		"Application, many sources": {
			"app.yaml", module,
			"spec:\n  sources:\n  - repoURL: https://git.example.com/acme/modules.git\n    targetRevision: v1.4.2\n    path: a\n  - repoURL: https://git.example.com/acme/other.git\n    targetRevision: v1.4.2\n",
			"spec:\n  sources:\n  - repoURL: https://git.example.com/acme/modules.git\n    targetRevision: v1.5.0\n    path: a\n  - repoURL: https://git.example.com/acme/other.git\n    targetRevision: v1.4.2\n",
		},
		"Application, OCI digest": {"app.yaml", app, "spec: {source: {repoURL: 'oci://APP', targetRevision: 'OLD'}}\n", "spec: {source: {repoURL: 'oci://APP', targetRevision: 'NEW'}}\n"},
		"Application, parameters": {
			"app.yaml", app,
			"helm:\n  parameters:\n  - name: image.repository\n    value: APP\n  - name: image.tag\n    value: 1.4.2\n  - name: image.digest\n    value: OLD\n  - name: other.tag\n    value: 1.4.2\n",
			"helm:\n  parameters:\n  - name: image.repository\n    value: APP\n  - name: image.tag\n    value: 1.5.0\n  - name: image.digest\n    value: NEW\n  - name: other.tag\n    value: 1.4.2\n",
		},
		"Application, values text":   {"app.yaml", app, "helm:\n  values: |\n    image:\n      repository: APP\n      tag: 1.4.2@OLD\n", "helm:\n  values: |\n    image:\n      repository: APP\n      tag: 1.5.0@NEW\n"},
		"Application, values object": {"app.yaml", app, "helm:\n  valuesObject:\n    image: {repository: APP, digest: OLD}\n", "helm:\n  valuesObject:\n    image: {repository: APP, digest: NEW}\n"},
		"Application, kustomize":     {"app.yaml", app, "kustomize:\n  images:\n  - shop=APP:1.4.2@OLD\n  - APP@OLD\n", "kustomize:\n  images:\n  - shop=APP:1.5.0@NEW\n  - APP@NEW\n"},
		"ApplicationSet, list": {
			"set.yaml", app,
			"generators:\n- list:\n    elements:\n    - {cluster: a, image: APP, tag: 1.4.2@OLD}\ntemplate:\n  spec: {source: {helm: {parameters: [{name: image.repository, value: APP}, {name: image.tag, value: '{{.tag}}'}]}}}\n",
			"generators:\n- list:\n    elements:\n    - {cluster: a, image: APP, tag: 1.5.0@NEW}\ntemplate:\n  spec: {source: {helm: {parameters: [{name: image.repository, value: APP}, {name: image.tag, value: '{{.tag}}'}]}}}\n",
		},
		"ApplicationSet, file":       {"config.json", app, "{\n\t\"image\" : \"APP\",\n\t\"tag\":\"1.4.2\", \"digest\": \"OLD\",\n\t\"n\": 1.0, \"s\": \"\\/\\ud83d\\ude80\"\n}", "{\n\t\"image\" : \"APP\",\n\t\"tag\":\"1.5.0\", \"digest\": \"NEW\",\n\t\"n\": 1.0, \"s\": \"\\/\\ud83d\\ude80\"\n}"},
		"Compose":                    {"compose.yaml", app, "services:\n  web:\n    image: \"${WEB_IMAGE:-APP:1.4.2@OLD}\"\n", "services:\n  web:\n    image: \"${WEB_IMAGE:-APP:1.5.0@NEW}\"\n"},
		"Compose, at the anchor":     {"compose.yaml", app, "x-app: &app\n  image: APP@OLD\nservices:\n  a: {<<: *app}\n", "x-app: &app\n  image: APP@NEW\nservices:\n  a: {<<: *app}\n"},
		"environment file":           {"prod.env", app, "# APP\nexport WEB_IMAGE=APP\nWEB_TAG=\"1.4.2\" # x\r\nWEB_TAG_PREVIOUS=1.4.2\nWEB_DIGEST='OLD'\n", "# APP\nexport WEB_IMAGE=APP\nWEB_TAG=\"1.5.0\" # x\r\nWEB_TAG_PREVIOUS=1.4.2\nWEB_DIGEST='NEW'\n"},
		"environment file, one text": {".env", app, "SITE=APP:1.4.2@OLD\nB=2", "SITE=APP:1.5.0@NEW\nB=2"},
		"module by Git":              {"main.tf", module, "module \"a\" {\n  source = \"git::https://git.example.com/acme/modules.git//vpc?ref=v1.4.2&depth=1\" // x\n}\n", "module \"a\" {\n  source = \"git::https://git.example.com/acme/modules.git//vpc?ref=v1.5.0&depth=1\" // x\n}\n"},
		"module by SSH":              {"main.tf", module + "//vpc", "module \"a\" {\n\tsource=\"git@git.example.com:acme/modules.git//vpc?depth=1&ref=v1.4.2\"\n}\nmodule \"b\" {\n\tsource=\"git@git.example.com:acme/modules.git//dns?ref=v1.4.2\"\n}\n", "module \"a\" {\n\tsource=\"git@git.example.com:acme/modules.git//vpc?depth=1&ref=v1.5.0\"\n}\nmodule \"b\" {\n\tsource=\"git@git.example.com:acme/modules.git//dns?ref=v1.4.2\"\n}\n"},
		"module by commit":           {"main.tf", module, "module \"a\" {\n  source = \"git::ssh://git@git.example.com/acme/modules?ref=" + oldSHA + "\"\n}\n", "module \"a\" {\n  source = \"git::ssh://git@git.example.com/acme/modules?ref=" + newSHA + "\"\n}\n"},
		"module by registry":         {"main.tf", "registry.terraform.io/acme/vpc/aws", "module \"a\" {\n  source  = \"acme/vpc/aws\"\n  version = \"1.4.2\"\n}\n", "module \"a\" {\n  source  = \"acme/vpc/aws\"\n  version = \"1.5.0\"\n}\n"},
		"module by own registry":     {"main.tofu", "tf.example.com/acme/vpc/aws", "module \"a\" {\n  version = \"1.4.2\" # x\n  source  = \"tf.example.com/acme/vpc/aws//sub\"\n}\n", "module \"a\" {\n  version = \"1.5.0\" # x\n  source  = \"tf.example.com/acme/vpc/aws//sub\"\n}\n"},
		"module by OCI":              {"main.tofu", app, "module \"a\" {\n  source = \"oci://APP?digest=OLD\"\n}\nmodule \"b\" {\n  source = \"oci://APP//x?tag=1.4.2\"\n}\n", "module \"a\" {\n  source = \"oci://APP?digest=NEW\"\n}\nmodule \"b\" {\n  source = \"oci://APP//x?tag=1.5.0\"\n}\n"},
		"helm_release":               {"main.tf", chart, "resource \"helm_release\" \"a\" {\n  repository = \"oci://registry.example.com/charts\"\n  chart      = \"app\"\n  version    = \"1.4.2\"\n}\n", "resource \"helm_release\" \"a\" {\n  repository = \"oci://registry.example.com/charts\"\n  chart      = \"app\"\n  version    = \"1.5.0\"\n}\n"},
		"set blocks":                 {"main.tf", app, "resource \"helm_release\" \"a\" {\n  set {\n    name = \"image.repository\"\n    value = \"APP\"\n  }\n  set {\n    name = \"image.tag\"\n    value = \"1.4.2@OLD\"\n  }\n}\n", "resource \"helm_release\" \"a\" {\n  set {\n    name = \"image.repository\"\n    value = \"APP\"\n  }\n  set {\n    name = \"image.tag\"\n    value = \"1.5.0@NEW\"\n  }\n}\n"},
		"values in a function":       {"main.tf", app, "locals {\n  v = [yamlencode({ image = { repository = \"APP\", tag = \"1.4.2\", \"digest\" = \"OLD\" } })]\n}\n", "locals {\n  v = [yamlencode({ image = { repository = \"APP\", tag = \"1.5.0\", \"digest\" = \"NEW\" } })]\n}\n"},
		"defaults of variables":      {"vars.tf", app, "variable \"app_image\" {\n  default = \"APP\"\n}\nvariable \"app_tag\" {\n  type = string\n  default = \"1.4.2@OLD\"\n}\n", "variable \"app_image\" {\n  default = \"APP\"\n}\nvariable \"app_tag\" {\n  type = string\n  default = \"1.5.0@NEW\"\n}\n"},
		"tfvars":                     {"prod.auto.tfvars", app, "image_repository = \"APP\"\nimage_tag        = \"1.4.2\"\nimage_digest     = \"OLD\"\nn = 3\n", "image_repository = \"APP\"\nimage_tag        = \"1.5.0\"\nimage_digest     = \"NEW\"\nn = 3\n"},
		"tfvars in JSON":             {"prod.tfvars.json", app, `{"image_repository":"APP","image_tag":"1.4.2","image_digest":"OLD"}`, `{"image_repository":"APP","image_tag":"1.5.0","image_digest":"NEW"}`},
		"terragrunt":                 {"terragrunt.hcl", module, "terraform {\n  source = \"git::https://git.example.com/acme/modules.git?ref=v1.4.2\"\n}\ninputs = {\n  a = 1\n}\n", "terraform {\n  source = \"git::https://git.example.com/acme/modules.git?ref=v1.5.0\"\n}\ninputs = {\n  a = 1\n}\n"},
		"terragrunt, registry":       {"terragrunt.hcl", "registry.terraform.io/acme/vpc/aws", "terraform { source = \"tfr:///acme/vpc/aws?version=1.4.2\" }\n", "terraform { source = \"tfr:///acme/vpc/aws?version=1.5.0\" }\n"},
		"GitLab CI":                  {".gitlab-ci.yml", app, "test:\n  image: {name: 'APP:1.4.2@OLD', entrypoint: ['']}\n  services: [APP@OLD]\n", "test:\n  image: {name: 'APP:1.5.0@NEW', entrypoint: ['']}\n  services: [APP@NEW]\n"},
		"GitHub workflow":            {".github/workflows/ci.yml", app, "jobs:\n  a:\n    container: APP:1.4.2@OLD\n    steps:\n    - uses: docker://APP@OLD\n", "jobs:\n  a:\n    container: APP:1.5.0@NEW\n    steps:\n    - uses: docker://APP@NEW\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.promoted(t)
		})
	}
}

func (c formCase) promoted(t *testing.T) {
	t.Helper()
	r := edit.Request{Repository: c.repository, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
	if c.repository == module || c.repository == module+"//vpc" {
		r.To = edit.Version{Tag: "v1.5.0", Digest: newSHA}
	}
	got, err := edit.Promote(c.file, []byte(digests(c.src)), r)
	if err != nil {
		t.Fatalf("Promote: %v", err)
	}
	if d := cmp.Diff(digests(c.want), string(got.Bytes)); d != "" {
		t.Errorf("Promote (-want +got):\n%s", d)
	}
	again, err := edit.Promote(c.file, got.Bytes, r)
	if err != nil || len(again.Edits) > 0 || string(again.Bytes) != string(got.Bytes) {
		t.Errorf("second Promote: %+v, %v; want no edits", again.Edits, err)
	}
	f, err := edit.Open(c.file, got.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Edits {
		if target, err := f.At(e.Path, e.Document); err != nil || target.Value != e.After {
			t.Errorf("At(%s) = %q, %v; want %q", e.Path, target.Value, err, e.After)
		}
	}
}
