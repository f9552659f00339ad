package gitopstest

import "context"

// Memory is what a client keeps things in beyond its process, as a store would.
type Memory map[string][]byte

// Recall is nothing for a name that is not remembered.
func (m Memory) Recall(_ context.Context, name string) ([]byte, error) { return m[name], nil }

// Remember keeps a value.
func (m Memory) Remember(_ context.Context, name string, value []byte) error {
	m[name] = value
	return nil
}
