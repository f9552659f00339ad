package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Approval asks whether every approval that wave, risk and guardrails demand
// was given for exactly this change, by distinct people who may and did not
// cause it, and has not expired.
//
//	approvals:
//	  - {from: "@acme/payment-service-owners", count: 1, ttl: 24h}
//
// It waits for approvals and blocks while a reviewer asks for changes.
type Approval struct {
	Required []Approver `json:"required,omitempty"`
}

// Approver is one line of required approvals.
type Approver struct {
	// From is a team "@org/team" or a person "@name"; empty is anybody who may write.
	From string `yaml:"from,omitempty" json:"from,omitempty"`
	// Count is how many people of From must approve; zero is one.
	Count int `yaml:"count,omitempty" json:"count,omitempty"`
	// TTL is how long an approval counts; zero is for ever.
	TTL time.Duration `yaml:"ttl,omitempty" json:"ttl,omitempty"`
}

// Check implements [Gate].
func (s Approval) Check(c Case) Verdict {
	if len(s.Required) == 0 {
		return pass("no approval is required")
	}
	if c.Proposal == nil {
		return wait(s.Required[0].From, never, "there is no proposal to approve yet")
	}
	valid, until, objection := s.reviews(c)
	if objection != "" {
		return block(objection, "%s asks for changes", objection)
	}
	if missing, ok := assign(s.Required, valid, c.Now); !ok {
		return wait(orElse(missing.From, "reviewers"), until, "needs %d approval(s) from %s for %s", max(missing.Count, 1), orElse(missing.From, "people who may write"), c.Proposal.Head.Short())
	}
	names := make([]string, 0, len(valid))
	for _, r := range valid {
		names = append(names, r.By.Name)
	}
	v := pass("approved by %s", strings.Join(names, ", "))
	v.Until = until
	return v
}

// reviews are the approvals that count, sorted by name; until is when the
// first of them expires.
func (s Approval) reviews(c Case) (valid []gitops.Review, until time.Time, objection string) {
	for _, r := range c.Proposal.Reviews {
		switch {
		case r.By.Bot || r.By.Name == c.Proposal.Author.Name:
		case r.State == gitops.ChangesRequested && r.By.Permission.Releases():
			objection = r.By.Name
		case r.State != gitops.Approved || r.Head != c.Proposal.Head || r.At.After(c.Now):
		case slices.Contains(c.Proposal.Causers, r.By.Name):
		default:
			valid = append(valid, r)
		}
	}
	for _, r := range valid {
		for _, q := range s.Required {
			end := r.At.Add(q.TTL)
			if q.TTL > 0 && q.admits(r.By) && end.After(c.Now) && (until.IsZero() || end.Before(until)) {
				until = end
			}
		}
	}
	slices.SortFunc(valid, func(a, b gitops.Review) int { return strings.Compare(a.By.Name, b.By.Name) })
	return valid, until, objection
}

func (q Approver) admits(a gitops.Actor) bool {
	switch {
	case q.From == "":
		return a.Permission.Releases()
	case strings.Contains(q.From, "/"):
		return slices.Contains(a.Teams, q.From)
	}
	return strings.TrimPrefix(q.From, "@") == a.Name
}

// assign looks for distinct people for every required place, by trying: the
// numbers are those of people in a review.
func assign(required []Approver, valid []gitops.Review, now time.Time) (missing Approver, ok bool) {
	var places []Approver
	for _, q := range required {
		for range max(q.Count, 1) {
			places = append(places, q)
		}
	}
	used := map[string]int{} // person -> place
	for i, q := range places {
		if !place(places, i, valid, now, used, map[string]bool{}) {
			return q, false
		}
	}
	return Approver{}, true
}

// place finds a person for one place, moving others to another place of theirs
// if need be (augmenting paths of bipartite matching).
func place(places []Approver, i int, valid []gitops.Review, now time.Time, used map[string]int, tried map[string]bool) bool {
	q := places[i]
	for _, r := range valid {
		if tried[r.By.Name] || !q.admits(r.By) || q.TTL > 0 && !now.Before(r.At.Add(q.TTL)) {
			continue
		}
		tried[r.By.Name] = true
		j, taken := used[r.By.Name]
		if !taken || place(places, j, valid, now, used, tried) {
			used[r.By.Name] = i
			return true
		}
	}
	return false
}
