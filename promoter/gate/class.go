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

// EmergencyClass is the class of an emergency of that name.
func EmergencyClass(name string) Class { return Class(emergency + name) }

// PassesOver are the gates that are not asked for a change of this class; of an
// unknown class all are asked. Freezes are asked of every class, and let
// emergencies pass that they name.
func (c Class) PassesOver() []string {
	if _, ok := c.Emergency(); ok {
		return []string{"previous", "soak", "age", "window", "alerts", "health", "drift"}
	}
	if c == Rollback {
		// What was proven when the digest last entered stays proven for it;
		// the signature is asked now.
		return []string{"version", "previous", "soak", "age", "window", "alerts", "health", "drift", "sbom", "vulnerabilities", "tests", "summary"}
	}
	return nil
}

// Asks says whether a gate is asked for a change of this class.
func (c Class) Asks(word string) bool { return !slices.Contains(c.PassesOver(), word) }
