package gate

import (
	"maps"
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
// It waits for approvals, also while nobody can say yet who wrote the source of
// the change, and blocks while a reviewer asks for changes.
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
	if c.Proposal == nil {
		if len(s.Required) == 0 {
			return pass("no approval is required")
		}
		return wait(s.Required[0].From, never, "there is no proposal to approve yet")
	}
	valid, until, objection := s.reviews(c)
	if objection != "" {
		return block(objection, "%s asks for changes", objection)
	}
	if len(s.Required) == 0 {
		return pass("no approval is required")
	}
	if c.Proposal.CausersUnread != "" {
		return wait("", never, "who may not approve is not known: %s", c.Proposal.CausersUnread)
	}
	used, missing, ok := assign(s.Required, valid, c.Now)
	if !ok {
		from := orElse(missing.From, "people who may write")
		return wait(orElse(missing.From, "reviewers"), until, "needs %d approval(s) from %s for %s", max(missing.Count, 1), from, c.Proposal.Head.Short())
	}
	v := pass("approved by %s", strings.Join(slices.Sorted(maps.Keys(used)), ", "))
	v.Until = until
	return v
}

// reviews are the approvals that count, sorted by name, until when they do,
// and who asks for changes.
func (s Approval) reviews(c Case) (valid []gitops.Review, until time.Time, objection string) {
	for _, r := range standing(c.Proposal.Reviews, c.Now) {
		switch {
		case r.By.Bot || r.By.Name == "" || strings.EqualFold(r.By.Name, c.Proposal.Author.Name):
		case r.State == gitops.ChangesRequested && s.heeds(r.By):
			objection = orElse(objection, r.By.Name)
		case r.State != gitops.Approved || c.Proposal.Head == "" || r.Head != c.Proposal.Head:
		case slices.ContainsFunc(c.Proposal.Causers, func(who string) bool { return strings.EqualFold(who, r.By.Name) }):
		default:
			valid = append(valid, r)
		}
	}
	return valid, s.turn(valid, c), objection
}

// turn is when the first approval that counts expires, or one of the future
// begins to count.
func (s Approval) turn(valid []gitops.Review, c Case) (until time.Time) {
	for _, r := range valid {
		for _, q := range s.Required {
			if end := r.At.Add(q.TTL); q.TTL > 0 && q.admits(r.By) && end.After(c.Now) {
				until = sooner(until, end)
			}
		}
	}
	for _, r := range c.Proposal.Reviews {
		if r.At.After(c.Now) {
			until = sooner(until, r.At)
		}
	}
	return until
}

// standing is everybody's newest word, sorted by name. An approval of the
// future says nothing yet; a request for changes counts whatever its date, and
// wins against an approval of the same instant.
func standing(reviews []gitops.Review, now time.Time) []gitops.Review {
	newest := map[string]gitops.Review{}
	for _, r := range reviews {
		if r.State != gitops.ChangesRequested && r.At.After(now) {
			continue
		}
		who := strings.ToLower(r.By.Name)
		old, ok := newest[who]
		if !ok || r.At.After(old.At) || r.At.Equal(old.At) && weight(r.State) > weight(old.State) {
			newest[who] = r
		}
	}
	var rs []gitops.Review
	for _, who := range slices.Sorted(maps.Keys(newest)) {
		rs = append(rs, newest[who])
	}
	return rs
}

func weight(s gitops.ReviewState) int {
	return slices.Index([]gitops.ReviewState{gitops.Approved, gitops.Dismissed, gitops.ChangesRequested}, s)
}

// heeds says whether a person's request for changes stops the proposal: that
// of everybody who may write, who is asked to approve, or of whom nobody knows
// what they may.
func (s Approval) heeds(a gitops.Actor) bool {
	return a.Permission.Releases() || a.Permission == gitops.PermissionUnknown ||
		slices.ContainsFunc(s.Required, func(q Approver) bool { return q.admits(a) })
}

// Tighten is the lines of both; where both ask the same people, the greater
// count and the shorter time to live of the two.
func (s Approval) Tighten(floor Approval) Approval {
	lines := slices.Clone(s.Required)
	met := make([]bool, len(lines)) // a line answers one line of the floor, not two
	for _, f := range floor.Required {
		i := 0
		for i < len(met) && (met[i] || !strings.EqualFold(lines[i].From, f.From)) {
			i++
		}
		if i == len(met) {
			lines = append(lines, f)
			continue
		}
		met[i] = true
		lines[i].Count = max(lines[i].Count, f.Count)
		lines[i].TTL = shorter(lines[i].TTL, f.TTL)
	}
	return Approval{Required: lines}
}

func (q Approver) admits(a gitops.Actor) bool {
	switch {
	case q.From == "":
		return a.Permission.Releases()
	case strings.Contains(q.From, "/"):
		return slices.ContainsFunc(a.Teams, func(t string) bool { return strings.EqualFold(t, q.From) })
	}
	return strings.EqualFold(strings.TrimPrefix(q.From, "@"), a.Name)
}

// assign looks for distinct people for every required place, by trying: the
// numbers are those of people in a review.
func assign(required []Approver, valid []gitops.Review, now time.Time) (used map[string]int, missing Approver, ok bool) {
	var places []Approver
	for _, q := range required {
		for range max(q.Count, 1) {
			places = append(places, q)
		}
	}
	used = map[string]int{} // person -> place
	for i, q := range places {
		if !place(places, i, valid, now, used, map[string]bool{}) {
			return nil, q, false
		}
	}
	return used, Approver{}, true
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
