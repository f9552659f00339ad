package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
)

// maxBlob bounds one blob.
const maxBlob = 16 << 20

// PutBlob keeps bytes under their own digest and returns it, to be named in the
// body of an entry. The same bytes are kept once.
func (t *Tx) PutBlob(ctx context.Context, data []byte) (string, error) {
	if len(data) > maxBlob {
		return "", fmt.Errorf("blob of %d bytes is over %d", len(data), maxBlob)
	}
	id := blobID(data)
	_, err := t.tx.ExecContext(ctx, `INSERT INTO blob (id, data) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, append([]byte{}, data...))
	return id, err
}

// PutBlob keeps bytes under their own digest and returns it.
func (s *Store) PutBlob(ctx context.Context, data []byte) (string, error) {
	var id string
	_, err := s.Write(ctx, func(tx *Tx) (err error) {
		id, err = tx.PutBlob(ctx, data)
		return err
	})
	return id, err
}

// Blob returns the bytes of a digest, having checked that they are the ones.
func (s *Store) Blob(ctx context.Context, id string) ([]byte, error) {
	var data []byte
	err := s.reader.QueryRowContext(ctx, `SELECT data FROM blob WHERE id = $1`, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("blob %.80q is not in %s: it was dropped, or belongs to another store: %w", id, s.path, err)
	}
	if err != nil {
		return nil, explain(err, "read a blob of", s.path)
	}
	if blobID(data) != id {
		return nil, fmt.Errorf("blob %.80q in %s was changed: its bytes do not have that digest", id, s.path)
	}
	return data, nil
}

func blobID(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }
