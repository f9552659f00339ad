package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// RepositoryRules is what a repository's rules are checked against: the daemon's
// names and its floor. [Daemon.Rules] fills it.
type RepositoryRules struct {
	// Name is the repository that holds the rules.
	Name string
	// Governance are the files that may hold more than promotions.
	Governance []string
	Floor      *Floor
	// Repositories, Keys and Signers are names of the daemon's file; Signals
	// leads from a signal's name to its kind.
	Repositories []string
	Signals      map[string]string
	Keys         []string
	Signers      []string
	// Verifier is who the daemon is in summaries that it publishes itself.
	Verifier string
	// Approved are the exceptions whose change was approved on the forge by
	// whom the guardrails name; no other takes effect.
	Approved []string
}

// Rules are the rules of one commit, resolved. They are never changed.
type Rules struct {
	// Hash identifies what the rules were made from.
	Hash string
	// Until is when time alone changes the rules, because an exception ends;
	// zero if it does not. Parse again then.
	Until time.Time
	// Routes are the artifacts that may move, in order of their names.
	Routes []promoter.Route
	// Health are the signals to read for a lane.
	Health map[gitops.Lane][]HealthSpec
	// Held is what stands still because a document is broken.
	Held []Held
	// Exceptions says of each exception whether it is in force.
	Exceptions []ExceptionState
}

// Held is what a broken document stops. A broken promotion has no route; its
// artifacts are listed here as far as they could be read.
type Held struct {
	Document  string   `json:"document"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Promotion string   `json:"promotion,omitempty"`
	Artifacts []string `json:"artifacts,omitempty"`
	// Match is what other documents could match; with Everything, all lanes.
	Match      Match  `json:"match,omitempty"`
	Everything bool   `json:"everything,omitempty"`
	Reason     string `json:"reason"`
}

// ExceptionState says whether an exception is in force.
type ExceptionState struct {
	Name    string `json:"name"`
	InForce bool   `json:"inForce"`
	Why     string `json:"why,omitempty"`
}

// loaded is a document with what it says.
type loaded[T any] struct {
	*document
	v *T
}

func (l loaded[T]) ok() bool { return len(l.problems) == 0 }

// reader collects the documents of one commit.
type reader struct {
	with       RepositoryRules
	now        time.Time
	all        []*document
	envs       []loaded[Environment]
	promotions []loaded[Promotion]
	guardrails []loaded[Guardrail]
	windows    []loaded[ChangeWindow]
	freezes    []loaded[Freeze]
	risks      []loaded[RiskRule]
	exceptions []loaded[Exception]
	// emergencies are the names that may be declared.
	emergencies []loaded[Emergency]
	// strange are documents whose kind is unknown.
	strange []*document
	// misplaced are documents of governance in other files; they are not in
	// force and hold nothing.
	misplaced map[*document]bool
}

// ParseRules reads the documents of a repository's rules and resolves them. The
// rules are always returned: what a problem concerns is held in them, all the
// rest is in force. The error is [Problems]: all of them.
func ParseRules(files []File, with RepositoryRules, now time.Time) (*Rules, error) {
	r := &reader{with: with, now: now, misplaced: map[*document]bool{}}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if len(files) > maxFiles {
		d := &document{file: files[maxFiles].Name, line: 1}
		d.report(nil, "", "the rules have %d files, more than the %d that are read", len(files), maxFiles)
		r.all, r.strange = append(r.all, d), append(r.strange, d)
		files = files[:maxFiles]
	}
	for _, f := range files {
		for _, d := range readFile(f) {
			r.load(d)
		}
	}
	r.cross()
	out := r.resolve()
	out.Hash = hash(files, with)
	var problems Problems
	for _, d := range r.all {
		problems = append(problems, d.problems...)
	}
	return out, problems.sorted().orNil()
}

func hash(files []File, with RepositoryRules) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d\n", len(f.Name), f.Name, len(f.Data))
		h.Write(f.Data)
	}
	// Nothing in it can fail to be JSON.
	b, _ := json.Marshal(with)
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

func kinds() []string {
	return []string{KindEnvironment, KindPromotion, KindGuardrail, KindChangeWindow, KindFreeze, KindRiskRule, KindException, KindEmergency}
}

func (r *reader) governs(file string) bool {
	return slices.ContainsFunc(r.with.Governance, func(g string) bool { return path.Clean(g) == path.Clean(file) })
}

// load decodes a document by its kind.
func (r *reader) load(d *document) {
	r.all = append(r.all, d)
	if !slices.Contains(kinds(), d.kind) {
		if d.root != nil {
			r.unknownKind(d)
		}
		r.strange = append(r.strange, d)
		return
	}
	if d.kind != KindPromotion && !r.governs(d.file) {
		r.misplaced[d] = true
		d.reportAt([]any{"kind"}, "move it to a file that the daemon's governance names", "kind %s is not allowed in this file", d.kind)
	}
	switch d.kind {
	case KindEnvironment:
		r.envs = append(r.envs, decode[Environment](d))
	case KindPromotion:
		r.promotions = append(r.promotions, decode[Promotion](d))
	case KindGuardrail:
		r.guardrails = append(r.guardrails, decode[Guardrail](d))
	case KindChangeWindow:
		r.windows = append(r.windows, decode[ChangeWindow](d))
	case KindFreeze:
		r.freezes = append(r.freezes, decode[Freeze](d))
	case KindRiskRule:
		r.risks = append(r.risks, decode[RiskRule](d))
	case KindException:
		r.exceptions = append(r.exceptions, decode[Exception](d))
	case KindEmergency:
		r.emergencies = append(r.emergencies, decode[Emergency](d))
	}
}

func (r *reader) unknownKind(d *document) {
	switch {
	case d.kind == "Daemon":
		d.reportAt([]any{"kind"}, "it is a file of its own, outside the rules", "the daemon's configuration does not belong here")
	case child(d.root, "kind") == nil:
		d.report(d.root, "write one of "+strings.Join(kinds(), ", "), "kind is missing")
	default:
		d.reportAt([]any{"kind"}, nearest(d.kind, kinds()), "unknown kind %q", clip(d.kind))
	}
}

func decode[T any](d *document) loaded[T] {
	l := loaded[T]{document: d, v: new(T)}
	if d.root != nil {
		d.decode(d.root, reflect.ValueOf(l.v).Elem(), "")
	}
	return l
}
