package statement

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	provenanceV1  = "https://slsa.dev/provenance/v1"
	provenanceV02 = "https://slsa.dev/provenance/v0.2"
)

// located is a source with its digest.
type located struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// control is what BuildKit knows of the checkout it built.
type control struct {
	Source   string `json:"source"`
	Revision string `json:"revision"`
}

// buildkit is where BuildKit writes it, in either version.
const buildkit = "https://mobyproject.org/buildkit@v1#metadata"

type predicateV1 struct {
	Definition struct {
		Type       string `json:"buildType"`
		Parameters struct {
			// GitHub's shape.
			Workflow struct {
				Repository string `json:"repository"`
				Ref        string `json:"ref"`
			} `json:"workflow"`
			// GitLab's, and that of slsa-github-generator: a text or an object.
			Source json.RawMessage `json:"source"`
			// BuildKit's.
			Config located `json:"configSource"`
		} `json:"externalParameters"`
		Internal struct {
			GitHub struct {
				Event  string `json:"event_name"`
				Runner string `json:"runner_environment"`
			} `json:"github"`
		} `json:"internalParameters"`
		Dependencies []located `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	Run struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
		Metadata struct {
			Invocation string `json:"invocationId"`
			BuildKit   struct {
				VCS control `json:"vcs"`
			} `json:"buildkit_metadata"`
		} `json:"metadata"`
	} `json:"runDetails"`
}

type predicateV02 struct {
	Builder struct {
		ID string `json:"id"`
	} `json:"builder"`
	Type       string `json:"buildType"`
	Invocation struct {
		Config      located `json:"configSource"`
		Environment struct {
			Event string `json:"github_event_name"`
		} `json:"environment"`
	} `json:"invocation"`
	Metadata  map[string]json.RawMessage `json:"metadata"`
	Materials []located                  `json:"materials"`
}

// Build reads provenance.
func (s Statement) Build() (signals.Build, error) {
	if s.PredicateType == provenanceV1 {
		return s.buildV1()
	}
	var p predicateV02
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return signals.Build{}, fmt.Errorf("provenance cannot be read: %w", err)
	}
	b := signals.Build{Builder: p.Builder.ID, Type: p.Type, Trigger: p.Invocation.Environment.Event}
	b.Source, b.Ref = Source(p.Invocation.Config.URI)
	b.Revision = commit(p.Invocation.Config.Digest)
	var kit struct {
		VCS control `json:"vcs"`
	}
	_ = json.Unmarshal(p.Metadata[buildkit], &kit)
	var run string
	if json.Unmarshal(p.Metadata["buildInvocationID"], &run) == nil || json.Unmarshal(p.Metadata["buildInvocationId"], &run) == nil {
		b.Run = run
	}
	return finish(b, kit.VCS, p.Materials)
}

func (s Statement) buildV1() (signals.Build, error) {
	var p predicateV1
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return signals.Build{}, fmt.Errorf("provenance cannot be read: %w", err)
	}
	d := p.Definition
	b := signals.Build{
		Builder: p.Run.Builder.ID, Type: d.Type, Run: p.Run.Metadata.Invocation,
		Trigger: d.Internal.GitHub.Event, Runner: d.Internal.GitHub.Runner,
	}
	var named string
	var object located
	switch {
	case d.Parameters.Workflow.Repository != "":
		b.Source, b.Ref = Source(d.Parameters.Workflow.Repository)
		if r := d.Parameters.Workflow.Ref; r != "" {
			b.Ref = r
		}
	case d.Parameters.Config.URI != "":
		b.Source, b.Ref = Source(d.Parameters.Config.URI)
		b.Revision = commit(d.Parameters.Config.Digest)
	case json.Unmarshal(d.Parameters.Source, &named) == nil && named != "":
		b.Source, b.Ref = Source(named)
	case json.Unmarshal(d.Parameters.Source, &object) == nil && object.URI != "":
		b.Source, b.Ref = Source(object.URI)
		b.Revision = commit(object.Digest)
	}
	return finish(b, p.Run.Metadata.BuildKit.VCS, d.Dependencies)
}

// finish takes what is still missing from what a build says it used. A
// dependency counts only if it is the source itself, never because it stands
// first.
func finish(b signals.Build, vcs control, used []located) (signals.Build, error) {
	if b.Source == "" && vcs.Source != "" {
		b.Source, _ = Source(vcs.Source)
		b.Revision = commit(map[string]string{"sha1": vcs.Revision})
	}
	if b.Source == "" {
		only, err := onlySource(used)
		if err != nil {
			return b, err
		}
		b.Source, b.Ref = Source(only.URI)
		b.Revision = commit(only.Digest)
	}
	for _, u := range used {
		source, ref := Source(u.URI)
		if b.Revision != "" || source != b.Source || b.Source == "" || ref != "" && b.Ref != "" && ref != b.Ref {
			continue
		}
		b.Revision = commit(u.Digest)
		if b.Ref == "" {
			b.Ref = ref
		}
	}
	return b, nil
}

// onlySource is the one repository that a build used.
func onlySource(used []located) (located, error) {
	var only located
	for _, u := range used {
		if !strings.HasPrefix(u.URI, "git+") {
			continue
		}
		if only.URI != "" {
			return only, errors.New("provenance names several sources and does not say which one was built")
		}
		only = u
	}
	return only, nil
}

// Source splits a location of a repository, as provenance and certificates
// write it, into https://host/path and a ref.
func Source(uri string) (repository, ref string) {
	uri = strings.TrimPrefix(uri, "git+")
	for _, prefix := range []string{"ssh://git@", "git@", "git://", "http://"} {
		if rest, ok := strings.CutPrefix(uri, prefix); ok {
			if prefix == "git@" {
				rest = strings.Replace(rest, ":", "/", 1)
			}
			uri = "https://" + rest
		}
	}
	at := strings.Index(uri, "://") + 3
	if at < 3 {
		return uri, ""
	}
	if i := strings.IndexAny(uri[at:], "@#"); i >= 0 {
		uri, ref = uri[:at+i], uri[at+i+1:]
	}
	return strings.TrimSuffix(strings.TrimSuffix(uri, "/"), ".git"), ref
}

// commit is the digest of a Git commit, whatever a builder calls it.
func commit(digest map[string]string) string {
	for _, name := range []string{"gitCommit", "sha1", "sha256"} {
		d := strings.ToLower(digest[name])
		if (len(d) == 40 || len(d) == 64) && strings.Trim(d, "0123456789abcdef") == "" {
			return d
		}
	}
	return ""
}
