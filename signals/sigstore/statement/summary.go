package statement

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	mostLevels = 64
	// longestName bounds the names and addresses in a summary, of which a cut
	// one could be taken for another.
	longestName = 500
)

// The results of a summary, as SLSA writes them.
const (
	Passed = "PASSED"
	Failed = "FAILED"
)

// Policy is by which rules a predicate says that something was verified.
type Policy struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// Policy is the policy that the predicate names; empty if it names none that can
// be read.
func (s Statement) Policy() Policy {
	var p struct {
		Policy Policy `json:"policy"`
	}
	if json.Unmarshal(s.Predicate, &p) != nil || len(p.Policy.URI) > longestName {
		return Policy{}
	}
	return p.Policy
}

// summary is a verification summary of SLSA, as far as it is read.
type summary struct {
	Verifier struct {
		ID string `json:"id"`
	} `json:"verifier"`
	Time     string   `json:"timeVerified"`
	Resource string   `json:"resourceUri"`
	Policy   Policy   `json:"policy"`
	Result   string   `json:"verificationResult"`
	Levels   []string `json:"verifiedLevels"`
}

// Summary reads a verification summary. One that leaves out what SLSA
// demands is refused, because whoever reads on would have to guess.
func (s Statement) Summary() (signals.Summary, error) {
	var p summary
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return signals.Summary{}, fmt.Errorf("the summary cannot be read: %w", err)
	}
	if err := p.complete(); err != nil {
		return signals.Summary{}, err
	}
	at, err := time.Parse(time.RFC3339, p.Time)
	if err != nil {
		return signals.Summary{}, fmt.Errorf("the summary was made at %.60q, which is no time", p.Time)
	}
	out := signals.Summary{
		Verifier: p.Verifier.ID, At: at.UTC(), Resource: p.Resource, PolicyURI: p.Policy.URI,
		Passed: p.Result == Passed, Levels: p.Levels,
	}
	if sum := p.Policy.Digest["sha256"]; sum != "" {
		if out.Policy, err = signals.ParseDigest("sha256:" + sum); err != nil {
			return signals.Summary{}, fmt.Errorf("the summary names the policy digest %.100q, which is none", sum)
		}
	}
	return out, nil
}

func (p summary) complete() error {
	for _, text := range append([]string{p.Verifier.ID, p.Resource, p.Policy.URI}, p.Levels...) {
		if len(text) > longestName {
			return fmt.Errorf("the summary has a name of %d bytes, more than %d", len(text), longestName)
		}
	}
	switch {
	case p.Verifier.ID == "":
		return errors.New("the summary names no verifier")
	case p.Resource == "":
		return errors.New("the summary does not say what it is about")
	case p.Policy.URI == "" && len(p.Policy.Digest) == 0:
		return errors.New("the summary names no policy")
	case p.Result != Passed && p.Result != Failed:
		return fmt.Errorf("the summary's result is %.40q, which is neither PASSED nor FAILED", p.Result)
	case len(p.Levels) > mostLevels:
		return fmt.Errorf("the summary names %d levels, more than %d", len(p.Levels), mostLevels)
	case p.Result == Passed && slices.Contains(p.Levels, Failed):
		return errors.New("the summary passed and names the level FAILED")
	}
	return nil
}

// Repository is the OCI repository, and the digest if there is one, that the
// resource of a summary names: a reference, with or without the scheme oci,
// docker or https, or a package URL with its repository_url.
func Repository(resource string) (reference, digest string) {
	if rest, ok := strings.CutPrefix(resource, "pkg:oci/"); ok {
		return packaged(rest)
	}
	scheme, rest, found := strings.Cut(resource, "://")
	switch {
	case strings.HasPrefix(resource, "pkg:"):
		return "", ""
	case !found:
		rest = resource
	case scheme != "oci" && scheme != "docker" && scheme != "https":
		return "", ""
	}
	if strings.ContainsAny(rest, "?#%\\ ") || !strings.Contains(rest, "/") {
		return "", ""
	}
	reference, digest, _ = strings.Cut(rest, "@")
	return reference, digest
}

// packaged reads name@digest?repository_url=host/path of a package URL. The
// repository is named by the qualifier alone, as everybody writes it.
func packaged(rest string) (reference, digest string) {
	path, query, _ := strings.Cut(rest, "?")
	query, _, _ = strings.Cut(query, "#")
	values, err := url.ParseQuery(query)
	if err != nil || len(values["repository_url"]) != 1 {
		return "", ""
	}
	if path, err = url.PathUnescape(path); err != nil {
		return "", ""
	}
	_, digest, _ = strings.Cut(path, "@")
	return values.Get("repository_url"), digest
}
