package gate

import (
	"encoding/json"
	"fmt"
	"time"
)

// A stored snapshot must decide as it did when it was stored: what the rules
// compiled is written as its source and compiled again when it is read.

// storedWindow is a window as it is stored.
type storedWindow struct {
	Name     string        `json:"name"`
	Schedule string        `json:"schedule"`
	Duration time.Duration `json:"duration"`
	Zone     string        `json:"zone"`
}

// MarshalJSON writes the window's source.
func (s *Window) MarshalJSON() ([]byte, error) {
	w := storedWindow{Name: s.Name, Schedule: s.line, Duration: s.Duration}
	if s.Zone != nil {
		w.Zone = s.Zone.String()
	}
	return json.Marshal(w)
}

// UnmarshalJSON compiles the window again. One that was stored without a
// schedule never opens.
func (s *Window) UnmarshalJSON(b []byte) error {
	var w storedWindow
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("window: %w", err)
	}
	if w.Schedule == "" {
		*s = Window{Name: w.Name, Duration: w.Duration}
		return nil
	}
	again, err := NewWindow(w.Name, w.Schedule, w.Duration, w.Zone)
	if err != nil {
		return fmt.Errorf("window %.60q: %w", w.Name, err)
	}
	*s = *again
	return nil
}

// UnmarshalJSON compiles the expression again.
func (e *Expression) UnmarshalJSON(b []byte) error {
	type plain Expression
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	again, err := NewExpression(p.Name, p.Text)
	if err != nil {
		return err
	}
	*e = again
	return nil
}
