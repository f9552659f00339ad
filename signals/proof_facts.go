package signals

import "time"

// Build is how a digest came to be: what a certificate says of the job that
// signed, and what signed provenance says. Where both speak they agree, or the
// evidence was refused.
type Build struct {
	// Builder is who built, Type by which recipe.
	Builder string `json:"builder,omitempty" yaml:"builder,omitempty"`
	Type    string `json:"type,omitempty" yaml:"type,omitempty"`
	// Source is the repository as https://host/path, Revision its commit, Ref
	// as Git writes it, refs/heads/main.
	Source   string `json:"source,omitempty" yaml:"source,omitempty"`
	Revision string `json:"revision,omitempty" yaml:"revision,omitempty"`
	Ref      string `json:"ref,omitempty" yaml:"ref,omitempty"`
	// Trigger and Runner are the event that started the build and where it ran.
	Trigger string `json:"trigger,omitempty" yaml:"trigger,omitempty"`
	Runner  string `json:"runner,omitempty" yaml:"runner,omitempty"`
	// Run is the address of the run.
	Run string `json:"run,omitempty" yaml:"run,omitempty"`
	// Certified says that source, revision and ref are the word of the
	// certificate authority, not only of the job.
	Certified bool `json:"certified,omitempty" yaml:"certified,omitempty"`
}

// Bill is a bill of materials.
type Bill struct {
	// Format is SPDX or CycloneDX, with its version.
	Format     string `json:"format" yaml:"format"`
	Components int    `json:"components" yaml:"components"`
}

// Scan is what a scanner found in a digest.
type Scan struct {
	Scanner string `json:"scanner,omitempty" yaml:"scanner,omitempty"`
	// Finished is when the scanner says it finished; zero if it does not.
	Finished time.Time `json:"finished,omitzero" yaml:"finished,omitempty"`
	// Findings are the worst first. Those that do not affect the digest, by
	// signed word, say so.
	Findings []Finding `json:"findings,omitempty" yaml:"findings,omitempty"`
	// Counts are all findings by severity, those left out of the list too.
	Counts map[string]int `json:"counts,omitempty" yaml:"counts,omitempty"`
	// Omitted counts the findings that did not fit into the list.
	Omitted int `json:"omitted,omitempty" yaml:"omitted,omitempty"`
}

// Finding is one vulnerability.
type Finding struct {
	ID string `json:"id" yaml:"id"`
	// Severity is low, medium, high or critical; empty if the scanner names
	// none that is known.
	Severity string `json:"severity,omitempty" yaml:"severity,omitempty"`
	// Unaffected says why it does not count (OpenVEX); empty if it does.
	Unaffected string `json:"unaffected,omitempty" yaml:"unaffected,omitempty"`
}

// Suite is the newest result of one test suite.
type Suite struct {
	Name   string    `json:"name" yaml:"name"`
	Passed bool      `json:"passed" yaml:"passed"`
	At     time.Time `json:"at,omitzero" yaml:"at,omitempty"`
}
