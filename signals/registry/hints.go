package registry

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Hint says that a repository may have changed. It is a reason to look, never
// something to believe.
type Hint struct {
	Repository string
	// Tag is empty if the notification named none, and if what changed is
	// evidence about a version.
	Tag string
}

const (
	mostHintBytes = 1 << 20
	mostEvents    = 1_000
)

type event struct {
	Action string `json:"action"`
	Target struct {
		MediaType  string `json:"mediaType"`
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
	} `json:"target"`
	Request struct {
		UserAgent string `json:"useragent"`
	} `json:"request"`
}

// Hints reads a notification of the distribution registry. Reads, single
// blobs, and what we caused ourselves are left out.
func Hints(body []byte) ([]Hint, error) {
	if len(body) > mostHintBytes {
		return nil, fmt.Errorf("%w: notification of more than %d bytes", ErrLimit, mostHintBytes)
	}
	var envelope struct {
		Events []event `json:"events"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, fmt.Errorf("notification is not an envelope of registry events: %w", err)
	}
	if len(envelope.Events) > mostEvents {
		return nil, fmt.Errorf("%w: notification of more than %d events", ErrLimit, mostEvents)
	}
	var hints []Hint
	seen := map[Hint]bool{}
	for _, e := range envelope.Events {
		if hint, ok := e.hint(); ok && !seen[hint] {
			seen[hint] = true
			hints = append(hints, hint)
		}
	}
	return hints, nil
}

func (e event) hint() (Hint, bool) {
	wrote := e.Action == "push" || e.Action == "delete"
	manifest := strings.Contains(e.Target.MediaType, "manifest") || strings.Contains(e.Target.MediaType, "image.index")
	ours := strings.HasPrefix(e.Request.UserAgent, UserAgent)
	if !wrote || ours || e.Action == "push" && !manifest {
		return Hint{}, false
	}
	if len(e.Target.Repository) > 255 || !repositoryPath.MatchString(e.Target.Repository) {
		return Hint{}, false
	}
	hint := Hint{Repository: e.Target.Repository, Tag: e.Target.Tag}
	if isEvidence(hint.Tag) || !tagName.MatchString(hint.Tag) {
		hint.Tag = ""
	}
	return hint, true
}
