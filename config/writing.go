package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops/edit/path"
)

// Writing says how a version is written into the files of an environment,
// beside finding the places by the image. It stands under an artifact, under an
// environment, or both: the artifact's pin is asked first, and all metadata is
// written.
type Writing struct {
	// Pin says what to do where only a tag stands: leave that to a person, or
	// add the digest.
	Pin      string     `yaml:"pin,omitempty" jsonschema:"enum=keep,enum=digest" jsonschema_description:"where only a tag stands: keep refuses, digest adds the digest in the file's own style"`
	Metadata []Metadata `yaml:"metadata,omitempty" jsonschema_description:"other values of the same file, written in the same step"`
}

// Metadata is one value that is written beside the version.
type Metadata struct {
	Path  string `yaml:"path" jsonschema:"required" jsonschema_description:"path expression of a value that is there"`
	Value string `yaml:"value" jsonschema:"required" jsonschema_description:"the text; ${artifact}, ${environment}, ${tag}, ${digest} and ${revision} stand for what is promoted"`
}

const (
	environmentTemplate = "${environment}"
	tagTemplate         = "${tag}"
	digestTemplate      = "${digest}"
	revisionTemplate    = "${revision}"
)

// writing composes what an artifact and an environment say.
func writing(a Artifact, e *Environment, environment string) Writing {
	w := Writing{Pin: a.Pin}
	or(&w.Pin, e.Pin)
	for _, all := range [][]Metadata{e.Metadata, a.Metadata} {
		for _, m := range all {
			m.Path = expand(m.Path, a.Name)
			m.Value = strings.NewReplacer(artifactTemplate, a.Name, environmentTemplate, environment).Replace(m.Value)
			w.Metadata = append(w.Metadata, m)
		}
	}
	return w
}

// checkWriting checks place, pin and metadata that stand together.
func (d *document) checkWriting(place string, w Writing, at []any) {
	d.checkPlace(place, append(slices.Clip(at), "place"))
	seen := map[string]bool{}
	for i, m := range w.Metadata {
		here := append(slices.Clip(at), "metadata", i)
		if m.Path != "" {
			d.checkPlace(m.Path, append(slices.Clip(here), "path"))
			d.unique(seen, m.Path, "metadata", append(slices.Clip(here), "path"))
		}
		if why := checkMetadata(m.Value); why != "" {
			d.reportAt(append(slices.Clip(here), "value"), "", "value: %s", why)
		}
	}
}

// checkPlace checks a path expression with its templates.
func (d *document) checkPlace(place string, at []any) {
	if place == "" {
		return
	}
	name := fmt.Sprint(at[len(at)-1])
	if why := checkTemplate(place); why != "" {
		d.reportAt(at, "", "%s: %s", name, why)
	} else if _, err := path.Parse(expand(place, "a")); err != nil {
		d.reportAt(at, "for example: spec.template.spec.containers[name=app].image", "%s: %s", name, err)
	}
}

// checkMetadata says what is wrong with the templates of a value.
func checkMetadata(value string) string {
	known := strings.NewReplacer(artifactTemplate, "", environmentTemplate, "", tagTemplate, "", digestTemplate, "", revisionTemplate, "").Replace(value)
	if i := strings.Index(known, "${"); i >= 0 {
		name, _, _ := strings.Cut(known[i:], "}")
		return fmt.Sprintf("%q is not a template; there are %s, %s, %s, %s and %s", clip(name+"}"), artifactTemplate, environmentTemplate, tagTemplate, digestTemplate, revisionTemplate)
	}
	return ""
}
