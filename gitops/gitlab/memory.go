package gitlab

import (
	"context"
	"encoding/json"
)

// Memory keeps what was read beyond the life of a process. It may be lost:
// then everything is read again, and comments count as they are by then.
type Memory interface {
	// Recall is nothing for a key that is not remembered.
	Recall(ctx context.Context, key string) ([]byte, error)
	Remember(ctx context.Context, key string, value []byte) error
}

// forgetful is a memory without anything in it.
type forgetful struct{}

func (forgetful) Recall(context.Context, string) ([]byte, error) { return nil, nil }
func (forgetful) Remember(context.Context, string, []byte) error { return nil }

// KeepIn says where to keep what was read; it comes before the first look.
func (c *Client) KeepIn(m Memory) { c.memory = m }

// recall is a merge request or an issue as an earlier process read it; nil if
// that is not to be had, for then it is read again.
func recall[T any](ctx context.Context, m Memory, id string) *T {
	data, err := m.Recall(ctx, id)
	if err != nil || data == nil {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		return nil
	}
	return v
}

// keep remembers a merge request or an issue. What cannot be kept is read again.
func keep[T any](ctx context.Context, m Memory, id string, v *T) {
	if data, err := json.Marshal(v); err == nil {
		_ = m.Remember(ctx, id, data)
	}
}
