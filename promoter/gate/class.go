package gate

import (
	"slices"
	"strings"
)

// Class is what kind of change a proposal is. It decides which gates are not
// asked.
type Class string

// The change classes. An emergency has a name that the rules define, written
// "emergency/<name>".
const (
	Promotion Class = "promotion"
	Rollback  Class = "rollback"

	emergency = "emergency/"
)

// Emergency is the name of the emergency, and false for the other classes.
func (c Class) Emergency() (string, bool) {
	name, ok := strings.CutPrefix(string(c), emergency)
	return name, ok && name != ""
}

// Asks says whether a gate is asked for a change of this class. An unknown
// class asks every gate.
func (c Class) Asks(word string) bool {
	if _, ok := c.Emergency(); ok {
		return !slices.Contains([]string{"previous", "soak", "age", "window", "alerts", "health", "drift"}, word)
	}
	if c == Rollback {
		// What was proven when the digest last entered stays proven for it;
		// the signature is asked now.
		return !slices.Contains([]string{
			"version", "previous", "soak", "age", "window", "alerts", "health", "drift", "sbom", "vulnerabilities", "tests",
		}, word)
	}
	return true
}
