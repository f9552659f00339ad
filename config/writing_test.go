package config_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
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
	for _, r := range rules.Routes {
		for stop := range r.Stops() {
			if stop.Lane.Environment != "prod" || stop.Lane.Artifact != "app" {
				continue
			}
			want := []promoter.Metadata{
				{Path: `metadata.annotations["x/app"]`, Value: "prod at ${digest}"},
				{Path: "revision", Value: "${tag} of ${revision}"},
			}
			if d := cmp.Diff(want, stop.Metadata); d != "" {
				t.Errorf("prod (-want +got):\n%s", d)
			}
			if !stop.Pin {
				t.Error("the artifact's pin was not asked first")
			}
			return
		}
	}
	t.Error("no rule takes app to prod")
}
