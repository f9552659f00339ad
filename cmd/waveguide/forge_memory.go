package main

import (
	"context"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/keep"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// forgeMemory keeps what a forge told in the store, for a month.
type forgeMemory struct {
	store      *store.Store
	repository string
}

var _ keep.Memory = forgeMemory{}

const (
	bucketForge    = "forge"
	forgeMemoryAge = 30 * 24 * time.Hour
)

// remembering lets a forge keep what it read beyond a restart, if it wants to.
func remembering(f forge, s *store.Store, repository string) {
	if c, ok := f.(interface{ KeepIn(m keep.Memory) }); ok {
		c.KeepIn(forgeMemory{s, repository})
	}
}

// Recall implements [keep.Memory].
func (m forgeMemory) Recall(ctx context.Context, name string) ([]byte, error) {
	r, ok, err := m.store.Get(ctx, bucketForge, m.repository+" "+name)
	if !ok {
		return nil, err
	}
	return r.Value, err
}

// Remember implements [keep.Memory].
func (m forgeMemory) Remember(ctx context.Context, name string, value []byte) error {
	return m.store.Put(ctx, store.Record{Bucket: bucketForge, Key: m.repository + " " + name, Value: value, Expires: time.Now().Add(forgeMemoryAge)})
}
