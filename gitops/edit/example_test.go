package edit_test

import (
	"errors"
	"fmt"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

func ExamplePromote() {
	src := `# values of web
image:
  repository: registry.example.com/shop/web
  tag: 1.4.2      # shown to people; the digest decides
  digest: sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a
resources:   {requests: {cpu: 100m}}
`
	got, err := edit.Promote("prod/values.yaml", []byte(src), edit.Request{
		Repository: "registry.example.com/shop/web",
		To:         edit.Version{Tag: "1.5.0", Digest: "sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range got.Edits {
		fmt.Printf("line %d, %s: %.13s -> %.13s\n", e.Line, e.Path, e.Before, e.After)
	}
	fmt.Print(string(got.Bytes))
	// Output:
	// line 4, image.tag: 1.4.2 -> 1.5.0
	// line 5, image.digest: sha256:1a1a1a -> sha256:2b2b2b
	// # values of web
	// image:
	//   repository: registry.example.com/shop/web
	//   tag: 1.5.0      # shown to people; the digest decides
	//   digest: sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b
	// resources:   {requests: {cpu: 100m}}
}

func ExampleRefusal() {
	src := "spec:\n  image: registry.example.com/shop/web:1.4.2\n"
	_, err := edit.Promote("dev/web.yaml", []byte(src), edit.Request{
		Repository: "registry.example.com/shop/web",
		To:         edit.Version{Digest: "sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b"},
	})
	if refusal, ok := errors.AsType[*edit.Refusal](err); ok {
		fmt.Println(refusal)
		fmt.Println("hint:", refusal.Hint)
	}
	// Output:
	// dev/web.yaml:2: spec.image: pinning: only the tag "1.4.2" stands there, and there is no place for the digest
	// hint: pin it once by hand or ask for adding the digest
}
