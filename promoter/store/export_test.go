package store

import "context"

// AcquireBeside asks for the lease as a process that cannot know whether the
// holder lives: one on a volume without file locks.
func AcquireBeside(ctx context.Context, s *Store, holder string) error {
	_, err := acquire(ctx, s.writer, holder, false)
	return err
}
