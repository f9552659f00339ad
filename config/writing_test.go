package config_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
)

func TestWritingOfALane(t *testing.T) {
	t.Parallel()
	f := base(t)
	f.Data = bytes.Replace(f.Data, []byte("labels: {stage: prod}\n"), []byte("labels: {stage: prod}\npin: keep\nmetadata: [{path: 'metadata.annotations[\"x/${artifact}\"]', value: '${environment} at ${digest}'}]\n"), 1)
	f.Data = bytes.Replace(f.Data, []byte("{name: app, "), []byte("{name: app, pin: digest, metadata: [{path: revision, value: '${tag} of ${revision}'}], "), 1)
	rules, err := config.ParseRules([]config.File{f}, names(), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	got := rules.Writing[gitops.Lane{Repository: "env-gitops", Environment: "prod", Artifact: "app"}]
	want := config.Writing{Pin: "digest", Metadata: []config.Metadata{
		{Path: `metadata.annotations["x/app"]`, Value: "prod at ${digest}"},
		{Path: "revision", Value: "${tag} of ${revision}"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("prod (-want +got):\n%s", d)
	}
	if !got.Digest() {
		t.Error("the artifact's pin was not asked first")
	}
	filled, err := got.Filled("1.2.3", "sha256:ab", "c0ffee")
	if err != nil || filled[0].Value != "prod at sha256:ab" || filled[1].Value != "1.2.3 of c0ffee" {
		t.Errorf("Filled: %v, %v", filled, err)
	}
	if _, err := got.Filled("1.2.3", "sha256:ab", ""); err == nil {
		t.Error("a revision that is not known was written")
	}
}
