package world

import (
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Need is the version of cart that shop requires wherever it goes, as the rules
// write it: at least one, less than one, or any. Empty requires nothing.
type Need string

// AnyVersion requires that cart is there and well, whatever its version.
const AnyVersion Need = "any"

// Requires is the lane that another one requires something of, and what.
func (s Spec) Requires(lane gitops.Lane) (gitops.Lane, Need) {
	if lane.Artifact != "shop" {
		return gitops.Lane{}, ""
	}
	return Lane(lane.Environment, "cart"), s.Need
}

// Meets says whether a version is one that is required. It compares numbers
// itself, so that a mistake in reading constraints is not shared.
func (n Need) Meets(tag string) bool {
	if least, ok := strings.CutPrefix(string(n), ">="); ok {
		return !Older(tag, least)
	}
	if below, ok := strings.CutPrefix(string(n), "<"); ok {
		return Older(tag, below)
	}
	return n == AnyVersion
}

// Older says that a version of three numbers comes before another one.
func Older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i]) // a tag of the model is numbers
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m < n
		}
	}
	return false
}

// requires is the line of an artifact that says what it requires.
func (s Spec) requires(artifact string) string {
	switch _, need := s.Requires(Lane("", artifact)); need {
	case "":
		return ""
	case AnyVersion:
		return "    requires: [{artifact: cart}]\n"
	default:
		return "    requires: [{artifact: cart, version: \"" + string(need) + "\"}]\n"
	}
}
