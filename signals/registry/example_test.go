package registry_test

import (
	"fmt"

	"github.com/waveguide-dev/waveguide/signals/registry"
)

func ExampleHints() {
	hints, err := registry.Hints([]byte(`{"events": [{
		"action": "push",
		"target": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "repository": "team/app", "tag": "1.2.3"}
	}]}`))
	fmt.Println(hints, err)
	// Output: [{team/app 1.2.3}] <nil>
}
