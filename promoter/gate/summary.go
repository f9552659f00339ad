package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Summary accepts the word of a verifier in place of evidence that is not
// there: a signed verification summary of SLSA, by the named signer, of the
// named verifier, about this digest and this repository, by the named policy,
// passed, with the named levels, and young enough. The newest that is of this
// verifier and policy decides. It stands in for `provenance`, and for `sbom`,
// `vulnerabilities` and `tests` if `for` names them; never for a signature, and
// never for evidence that is there and bad, or that could not be read. Our own
// summaries never count.
//
//	summary: {by: verifier, verifier: "https://verify.acme.example", policy: "sha256:5b1f…", levels: [SLSA_BUILD_LEVEL_3], maxAge: 168h}
//
// By itself it stops nothing: what it stands in for does. With required: true it
// blocks when there is none that counts, and waits when that is too old.
type Summary struct {
	// By is the name of a signer of the daemon's trust; only it may sign for
	// the verifier.
	By string `yaml:"by" json:"by" jsonschema:"required"`
	// Verifier is the verifier.id of the summary.
	Verifier string `yaml:"verifier" json:"verifier" jsonschema:"required"`
	// Policy is the SHA-256 digest of the policy that must have been used.
	Policy string `yaml:"policy" json:"policy" jsonschema:"required,pattern=^sha256:[0-9a-f]{64}$"`
	// Levels must have been verified; a level of SLSA implies those below it.
	Levels []string `yaml:"levels" json:"levels" jsonschema:"required"`
	// MaxAge is how long ago the verifier may have looked.
	MaxAge time.Duration `yaml:"maxAge" json:"maxAge" jsonschema:"required"`
	// For are the gates that it stands in for; provenance if there are none.
	For []signals.ProofKind `yaml:"for,omitempty" json:"for,omitempty" jsonschema:"enum=provenance,enum=sbom,enum=vulnerabilities,enum=tests"`
	// Required says that there must be one, beside all other evidence.
	Required bool `yaml:"required,omitempty" json:"required,omitempty"`
}

// skew is how far in the future a verifier's clock may be.
const skew = 5 * time.Minute

// Check implements [Gate].
func (s *Summary) Check(c Case) Verdict {
	v := s.counts(c)
	if v.Answer == Pass || s.Required {
		return v
	}
	v = pass("none is needed, and none counts: %s", v.Reason)
	return v
}

// Asked says that it is of any use.
func (s *Summary) Asked() bool { return s != nil && (s.Required || len(s.For) > 0) }

// stands says that it may stand in for a kind of evidence.
func (s *Summary) stands(kind signals.ProofKind) bool {
	return s != nil && kind != signals.ProofSignature && slices.Contains(s.For, kind)
}

// counts says whether a summary counts.
func (s *Summary) counts(c Case) Verdict {
	p, v := proven(c, signals.ProofSummary)
	if v.Answer != Pass {
		return v
	}
	var newest *signals.Summary
	why := "it says nothing"
	for i := range p.Summaries {
		other := s.other(c, p.Summaries[i])
		switch {
		case other != "" && i == 0:
			why = other
		case other != "":
		case newest == nil || p.Summaries[i].At.After(newest.At) || p.Summaries[i].At.Equal(newest.At) && !p.Summaries[i].Passed:
			newest = &p.Summaries[i]
		}
	}
	if newest == nil {
		return block("the verifier", "the summary of %s does not count: %s", c.Candidate, why)
	}
	return s.judge(c, *newest)
}

// other says in what a summary is not the one that the rules name.
func (s *Summary) other(c Case, m signals.Summary) string {
	switch {
	case m.Verifier != s.Verifier:
		return fmt.Sprintf("it is of the verifier %s, not of %s", m.Verifier, s.Verifier)
	case m.Repository != c.Image:
		return fmt.Sprintf("it is about %s, not about %s", m.Resource, c.Image)
	case string(m.Policy) != s.Policy:
		return fmt.Sprintf("it was made by the policy %s, not by %s", orElse(string(m.Policy), "without a digest"), s.Policy)
	}
	return ""
}

// judge says what the newest summary is worth.
func (s *Summary) judge(c Case, m signals.Summary) Verdict {
	if !m.Passed {
		return block("the build", "the verifier %s refused %s (FAILED)", m.Verifier, c.Candidate)
	}
	for _, level := range s.Levels {
		if !slices.ContainsFunc(m.Levels, func(has string) bool { return reaches(has, level) }) {
			return block("the build", "the verifier %s verified %s, but not as %s", m.Verifier, c.Candidate, level)
		}
	}
	if m.At.After(c.Now.Add(skew)) {
		v := block("the verifier", "the summary of %s is of %s, which is still to come", c.Candidate, stamp(m.At))
		v.Until = m.At.Add(-skew)
		return v
	}
	end := m.At.Add(s.MaxAge)
	if c.Class != Rollback && !c.Now.Before(end) {
		return wait("the verifier", never, "the newest summary of %s is of %s, older than the rules allow", c.Candidate, stamp(m.At))
	}
	v := pass("the verifier %s verified %s as %s at %s", m.Verifier, c.Candidate.Digest.Short(), orElse(strings.Join(m.Levels, ", "), "nothing"), stamp(m.At))
	if c.Class != Rollback {
		v.Until = end
	}
	return v
}

// reaches says that a level is another one, or a higher one of the same track
// of SLSA.
func reaches(has, wanted string) bool {
	track, least, ok := levelled(wanted)
	other, most, known := levelled(has)
	return has == wanted || ok && known && track == other && most >= least
}

// levelled splits SLSA_BUILD_LEVEL_3.
func levelled(level string) (track string, n int, ok bool) {
	track, number, found := strings.Cut(level, "_LEVEL_")
	n, err := strconv.Atoi(number)
	return track, n, found && err == nil && strings.HasPrefix(track, "SLSA_")
}

// standIn asks a gate about evidence, and lets a summary stand in for evidence
// that is not there.
type standIn struct {
	Gate

	kind    signals.ProofKind
	summary *Summary
}

// Check implements [Gate].
func (g standIn) Check(c Case) Verdict {
	v := g.Gate.Check(c)
	p, ok := c.Facts.Proof(g.kind, c.Candidate.Digest)
	if v.Answer != Block || !ok || p.Outcome != signals.OutcomeAbsent {
		return v
	}
	word := g.summary.counts(c)
	word.Reason = fmt.Sprintf("%s; %s", v.Reason, word.Reason)
	return word
}
