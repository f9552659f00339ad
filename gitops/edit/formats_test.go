package edit_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// The artifacts that the files of the corpus name.
var (
	appCorpus    = edit.Request{Repository: app, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
	chartCorpus  = edit.Request{Repository: chart, To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
	moduleCorpus = edit.Request{Repository: module, To: edit.Version{Tag: "v1.5.0", Digest: newSHA}}
	tfCorpus     = edit.Request{Repository: "registry.terraform.io/acme/eks/aws", To: edit.Version{Tag: "1.5.0"}}
	markerCorpus = edit.Request{Artifact: "payments", To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
	policyCorpus = edit.Request{Artifact: "flux-system:payments", To: edit.Version{Tag: "1.5.0", Digest: newDigest}}
)

// formats names, for each file, what is promoted there and how many edits that makes. Every occurrence of the old tag,
// digest and commit in these files belongs to the artifact.
func formats() map[string]struct {
	request edit.Request
	edits   int
} {
	return map[string]struct {
		request edit.Request
		edits   int
	}{
		"argocd/application.yaml":          {appCorpus, 4},
		"argocd/applicationset-list.yaml":  {appCorpus, 2},
		"argocd/compact.json":              {appCorpus, 1},
		"argocd/generator.json":            {appCorpus, 2},
		"argocd/git-tag.yaml":              {moduleCorpus, 1},
		"argocd/multi-source.yaml":         {chartCorpus, 1},
		"argocd/oci-source.yaml":           {appCorpus, 1},
		"argocd/windows.json":              {appCorpus, 1},
		"ci/gitlab-ci.yml":                 {appCorpus, 4},
		"ci/workflow.yml":                  {appCorpus, 3},
		"compose/.env.prod":                {appCorpus, 1},
		"compose/app.env":                  {appCorpus, 3},
		"compose/compose.yaml":             {appCorpus, 2},
		"compose/multiline.env":            {appCorpus, 1},
		"compose/windows.env":              {appCorpus, 1},
		"flux/gitrepository.yaml":          {moduleCorpus, 2},
		"flux/helmrelease-chart.yaml":      {chartCorpus, 1},
		"flux/helmrelease.yaml":            {appCorpus, 2},
		"flux/kustomization-images.yaml":   {appCorpus, 2},
		"flux/ocirepository.yaml":          {appCorpus, 2},
		"flux/postrenderers.yaml":          {appCorpus, 1},
		"helm/Chart.yaml":                  {chartCorpus, 1},
		"helm/alias/Chart.yaml":            {chartCorpus, 2},
		"helm/values-bitnami.yaml":         {appCorpus, 2},
		"helm/values-camel-prefix.yaml":    {appCorpus, 2},
		"helm/values-flat.yaml":            {appCorpus, 2},
		"helm/values-list.yaml":            {appCorpus, 2},
		"helm/values-many-images.yaml":     {appCorpus, 4},
		"helm/values-org-in-registry.yaml": {appCorpus, 1},
		"helm/values-sha.yaml":             {appCorpus, 2},
		"helm/values-version-key.yaml":     {appCorpus, 2},
		"k8s/argument-list.yaml":           {appCorpus, 3},
		"k8s/bom-and-crlf.yaml":            {appCorpus, 1},
		"k8s/crd-fields.yaml":              {appCorpus, 3},
		"k8s/cronjob-block-chomp.yaml":     {appCorpus, 1},
		"k8s/deep-merge.yaml":              {appCorpus, 1},
		"k8s/deployment-full.yaml":         {appCorpus, 3},
		"k8s/document-ends.yaml":           {appCorpus, 2},
		"k8s/emoji-and-rtl.yaml":           {appCorpus, 1},
		"k8s/ephemeral-and-volume.yaml":    {appCorpus, 2},
		"k8s/knative.yaml":                 {appCorpus, 1},
		"k8s/list-of-everything.yaml":      {appCorpus, 2},
		"k8s/no-newline-comment.yaml":      {appCorpus, 1},
		"k8s/old-mac.yaml":                 {appCorpus, 1},
		"k8s/quoted-keys.yaml":             {appCorpus, 2},
		"k8s/tabs-in-text.yaml":            {appCorpus, 1},
		"k8s/variables.yaml":               {appCorpus, 2},
		"k8s/windows.yaml":                 {appCorpus, 2},
		"kustomize/component.yaml":         {appCorpus, 1},
		"kustomize/digest-first.yaml":      {appCorpus, 2},
		"kustomize/flow.yaml":              {appCorpus, 2},
		"kustomize/full.yaml":              {appCorpus, 2},
		"kustomize/helm-inflation.yaml":    {chartCorpus, 1},
		"marked/anything.env":              {markerCorpus, 1},
		"marked/anything.tf":               {markerCorpus, 1},
		"marked/anything.yaml":             {markerCorpus, 2},
		"marked/policy.yaml":               {policyCorpus, 1},
		"terraform/crlf.tf":                {appCorpus, 1},
		"terraform/helm.tf":                {appCorpus, 4},
		"terraform/modules.tf":             {moduleCorpus, 3},
		"terraform/oci.tofu":               {appCorpus, 1},
		"terraform/prod.auto.tfvars":       {appCorpus, 2},
		"terraform/prod.tfvars.json":       {appCorpus, 2},
		"terraform/registry.tf":            {tfCorpus, 2},
		"terraform/variables.tf":           {appCorpus, 1},
		"terragrunt/registry.hcl":          {tfCorpus, 1},
		"terragrunt/terragrunt.hcl":        {moduleCorpus, 1},
	}
}

// textual is what a plain replacement of text makes of a file.
func textual(src string) string {
	oldHex, newHex := strings.TrimPrefix(oldDigest, "sha256:"), strings.TrimPrefix(newDigest, "sha256:")
	return strings.NewReplacer("1.4.2", "1.5.0", oldHex, newHex, oldSHA, newSHA).Replace(src)
}

func TestFormatsAgainstTextualReplacement(t *testing.T) {
	t.Parallel()
	for file, c := range formats() {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			src := read(t, file)
			got, err := edit.Promote(file, []byte(src), c.request)
			if err != nil {
				t.Fatalf("Promote: %v", err)
			}
			if d := cmp.Diff(textual(src), string(got.Bytes)); d != "" {
				t.Errorf("Promote (-want +got):\n%s", d)
			}
			if len(got.Edits) != c.edits {
				t.Errorf("Promote made %d edits, want %d: %+v", len(got.Edits), c.edits, got.Edits)
			}
			again, err := edit.Promote(file, got.Bytes, c.request)
			if err != nil || len(again.Edits) > 0 || string(again.Bytes) != string(got.Bytes) {
				t.Errorf("second Promote: %d edits, %v; want none", len(again.Edits), err)
			}
			reads(t, file, got)
		})
	}
}

// TestEveryFileOfTheCorpusIsUsed keeps files from lying there untested.
func TestEveryFileOfTheCorpusIsUsed(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("testdata/corpus/*/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range found {
		file := filepath.ToSlash(strings.TrimPrefix(name, filepath.Join("testdata", "corpus")+string(filepath.Separator)))
		if _, ok := formats()[file]; ok {
			n++
		} else if file != "helm/alias" {
			t.Errorf("%s is in no table", file)
		}
	}
	if n < 60 {
		t.Errorf("only %d files", n)
	}
}
