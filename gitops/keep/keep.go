// Package keep lets the client of a forge remember what it read beyond the life
// of its process, so that a restart costs a few requests and what was said once
// stays said. What is kept, and under which name, is the client's own affair;
// cmd wires a [Memory] to the store.
package keep

import (
	"context"
	"encoding/json"
)

// Memory keeps values by name. It may be lost: then everything is read again,
// and what people said counts as it stands by then.
type Memory interface {
	// Recall is nothing for a name that is not remembered.
	Recall(ctx context.Context, name string) ([]byte, error)
	Remember(ctx context.Context, name string, value []byte) error
}

// Nothing is a memory without anything in it, which keeps nothing.
type Nothing struct{}

// Recall implements [Memory].
func (Nothing) Recall(context.Context, string) ([]byte, error) { return nil, nil }

// Remember implements [Memory].
func (Nothing) Remember(context.Context, string, []byte) error { return nil }

// Recall is a value as an earlier process kept it; nil if that is not to be
// had, for then it is read again.
func Recall[T any](ctx context.Context, m Memory, name string) *T {
	data, err := m.Recall(ctx, name)
	if err != nil || data == nil {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		return nil
	}
	return v
}

// Put remembers a value. What cannot be kept is read again.
func Put[T any](ctx context.Context, m Memory, name string, v *T) {
	if data, err := json.Marshal(v); err == nil {
		_ = m.Remember(ctx, name, data)
	}
}
