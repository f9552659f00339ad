package registry_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals/registry"
)

func TestHints(t *testing.T) {
	t.Parallel()
	const manifest, index = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.index.v1+json"
	event := func(action, mediaType, repository, tag, agent string) string {
		return fmt.Sprintf(`{"action":%q,"target":{"mediaType":%q,"repository":%q,"tag":%q},"request":{"useragent":%q}}`, action, mediaType, repository, tag, agent)
	}
	cases := map[string]struct {
		event string
		want  []registry.Hint
	}{
		"a push":                 {event("push", manifest, "team/app", "1.0.0", "docker"), []registry.Hint{{Repository: "team/app", Tag: "1.0.0"}}},
		"a push of an index":     {event("push", index, "team/app", "1.0.0", "docker"), []registry.Hint{{Repository: "team/app", Tag: "1.0.0"}}},
		"a push by digest":       {event("push", manifest, "team/app", "", "docker"), []registry.Hint{{Repository: "team/app"}}},
		"evidence":               {event("push", manifest, "team/app", "sha256-"+strings.Repeat("a", 64)+".sig", "cosign"), []registry.Hint{{Repository: "team/app"}}},
		"a delete":               {event("delete", "", "team/app", "", "curl"), []registry.Hint{{Repository: "team/app"}}},
		"a pull":                 {event("pull", manifest, "team/app", "1.0.0", "docker"), nil},
		"a blob":                 {event("push", "application/octet-stream", "team/app", "", "docker"), nil},
		"our own":                {event("push", manifest, "team/app", "1.0.0", registry.UserAgent+" go-containerregistry/v1"), nil},
		"a repository like none": {event("push", manifest, "../../.waveguide", "1.0.0", "docker"), nil},
		"a tag like none":        {event("push", manifest, "team/app", "not a tag", "docker"), []registry.Hint{{Repository: "team/app"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := registry.Hints(fmt.Appendf(nil, `{"events":[%s,%s]}`, c.event, c.event))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Hints (-want +got):\n%s", diff)
			}
		})
	}
	recorded, err := os.ReadFile("testdata/distribution-2.8-blob-event.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := registry.Hints(recorded); err != nil || len(got) != 0 {
		t.Errorf("Hints of a recorded blob event = %v, %v, want none", got, err)
	}
	for name, body := range map[string]string{
		"not JSON":        "<html>",
		"too many events": `{"events":[` + strings.Repeat("{},", 1000) + `{}]}`,
		"too large":       strings.Repeat(" ", 1<<20) + "{}",
	} {
		if got, err := registry.Hints([]byte(body)); err == nil {
			t.Errorf("Hints of %s = %v, want an error", name, got)
		}
	}
}

func FuzzHints(f *testing.F) {
	f.Add([]byte(`{"events":[{"action":"push","target":{"mediaType":"x.manifest","repository":"a","tag":"1"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hints, err := registry.Hints(body)
		for _, h := range hints {
			if err != nil || h.Repository == "" || len(h.Repository) > 255 || strings.Contains(h.Repository, "..") || len(h.Tag) > 128 {
				t.Errorf("Hints(%q) = %q, %v", body, hints, err)
			}
		}
	})
}
