package config

import (
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Environment is a place that versions are promoted into: labels to select it
// by, a path in a GitOps repository, and how to know that it is healthy.
type Environment struct {
	Header `yaml:",inline"`
	// Repository is another repository of the daemon; empty is this one.
	Repository string            `yaml:"repository,omitempty" jsonschema_description:"another repository of the daemon; this one if not written"`
	Path       string            `yaml:"path" jsonschema:"required" jsonschema_description:"folder or file of the desired state; ${artifact} stands for the artifact's name"`
	Place      string            `yaml:"place,omitempty" jsonschema_description:"explicit path expression inside the file; the image is searched if not written"`
	Labels     map[string]string `yaml:"labels,omitempty"`
	Writing    `yaml:",inline"`
	// Running is the lowest evidence that is accepted for what runs.
	Running string       `yaml:"running,omitempty" jsonschema:"enum=pod,enum=spec,enum=applied,enum=reported,enum=desired" jsonschema_description:"the lowest evidence that is accepted for what runs: what nodes say of pods, what live objects ask for, what a controller applied, what anybody reports, or what Git names"`
	Health  []HealthSpec `yaml:"health,omitempty"`
	// Expect is how long after a merge the version should run here, healthy.
	Expect time.Duration `yaml:"expect,omitempty" jsonschema_description:"how long after a merge the version should run here, healthy; when it takes longer, a word on the proposal says so"`
	Paused []Pause       `yaml:"paused,omitempty" jsonschema_description:"stops this environment"`
}

func (e *Environment) check(d *document, with RepositoryRules) {
	d.checkName(e.Name, "an environment", "name")
	d.checkKnown("repository", e.Repository, with.Repositories, []any{"repository"})
	if why := checkTemplate(e.Path); why != "" {
		d.reportAt([]any{"path"}, "", "path: %s", why)
	} else if why := checkPath(expand(e.Path, "a"), false); why != "" && e.Path != "" {
		d.reportAt([]any{"path"}, "", "path %q cannot be an environment's: %s", clip(e.Path), why)
	}
	d.checkWriting(e.Place, e.Writing, nil)
	for key := range e.Labels {
		if slices.Contains(reserved(), key) {
			d.reportAt([]any{"labels", key}, "choose another word", "label %s has a meaning of its own in match", key)
		}
	}
	if child(d.root, "expect") != nil && e.Expect == 0 && !d.broken["expect"] {
		d.reportAt([]any{"expect"}, "write how long it may take, as in 30m", "expect: a version cannot run at once")
	}
	names := map[string]bool{}
	for i, h := range e.Health {
		at := []any{"health", i}
		d.checkName(h.Name, "a health signal", append(at, "name")...)
		d.unique(names, h.Name, "health signal", append(at, "name"))
		e.Health[i].check(d, with, at)
	}
}

// accepting are the signals with the weakest evidence that counts here. Who
// takes Git's word for what runs takes everybody's.
func (e *Environment) accepting() []HealthSpec {
	out := slices.Clone(e.Health)
	for i := range out {
		out[i].Lowest = signals.Rung(e.Running)
		if e.Running == "desired" {
			out[i].Lowest = signals.RungReported
		}
	}
	return out
}
