package promoter

import (
	"encoding/json"
	"fmt"
)

// UnmarshalJSON reads a selector and compiles it, so that a stored snapshot
// decides as it did when it was stored.
func (s *Selector) UnmarshalJSON(b []byte) error {
	type plain Selector
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if p == (plain{}) {
		*s = Selector{}
		return nil
	}
	compiled, err := NewSelector(Selector(p))
	if err != nil {
		return err
	}
	*s = compiled
	return nil
}
