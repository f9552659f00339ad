package kubernetestest

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed crds/*.yaml
var files embed.FS

// custom is one version of a custom resource.
type custom struct {
	plural     string
	validator  validation.SchemaValidator
	structural *schema.Structural
}

type schemas struct{ custom map[string]custom }

//nolint:gochecknoglobals // read once for all tests of a package: it takes a second
var loadSchemas = sync.OnceValues(readSchemas)

// readSchemas reads the definitions as an API server does.
func readSchemas() (*schemas, error) {
	names, err := files.ReadDir("crds")
	if err != nil {
		return nil, err
	}
	out := &schemas{custom: map[string]custom{}}
	for _, name := range names {
		data, err := files.ReadFile("crds/" + name.Name())
		if err != nil {
			return nil, err
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(data, &crd); err != nil {
			return nil, fmt.Errorf("%s: %w", name.Name(), err)
		}
		for _, v := range crd.Spec.Versions {
			c := custom{plural: crd.Spec.Names.Plural}
			if err := c.load(v.Schema.OpenAPIV3Schema); err != nil {
				return nil, fmt.Errorf("%s: %w", name.Name(), err)
			}
			out.custom[crd.Spec.Group+"/"+v.Name+" "+crd.Spec.Names.Kind] = c
		}
	}
	return out, nil
}

func (c *custom) load(written *apiextensionsv1.JSONSchemaProps) (err error) {
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written, &props, nil); err != nil {
		return err
	}
	if c.structural, err = schema.NewStructural(&props); err != nil {
		return err
	}
	c.validator, _, err = validation.NewSchemaValidator(&props)
	return err
}

// parse validates an object and says where the API serves it.
func (s *schemas) parse(data []byte) (key string, object map[string]any, err error) {
	if err := json.Unmarshal(data, &object); err != nil {
		return "", nil, err
	}
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	meta, _ := object["metadata"].(map[string]any)
	namespace, _ := meta["namespace"].(string)
	name, _ := meta["name"].(string)
	if name == "" || namespace == "" {
		return "", nil, errors.New("an object needs its name and namespace")
	}
	plural := strings.ToLower(kind) + "s"
	root := "/apis/" + version
	switch version + " " + kind {
	case "apps/v1 Deployment":
		err = strict(data, &appsv1.Deployment{})
	case "apps/v1 StatefulSet":
		err = strict(data, &appsv1.StatefulSet{})
	case "apps/v1 DaemonSet":
		err = strict(data, &appsv1.DaemonSet{})
	case "v1 Pod":
		root, err = "/api/v1", strict(data, &corev1.Pod{})
	default:
		c, ok := s.custom[version+" "+kind]
		if !ok {
			return "", nil, fmt.Errorf("the server has no %s %s", version, kind)
		}
		plural, err = c.plural, c.check(object)
	}
	return root + "/namespaces/" + namespace + "/" + plural + "/" + name, object, err
}

func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// check refuses what an API server would refuse, and what it would silently
// drop: a test that relies on a field nobody has is wrong.
func (c *custom) check(object map[string]any) error {
	if errs := validation.ValidateCustomResource(nil, object, c.validator); len(errs) > 0 {
		return errs.ToAggregate()
	}
	var copied map[string]any
	data, err := json.Marshal(object)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &copied); err != nil {
		return err
	}
	unknown := pruning.PruneWithOptions(copied, c.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return fmt.Errorf("unknown fields %s", strings.Join(unknown, ", "))
	}
	return nil
}
