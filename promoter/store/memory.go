package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// maxValue bounds one value of memory.
const maxValue = 4 << 20

// Record is one thing remembered. Memory may be lost: a reader of it must know
// what to do without.
type Record struct {
	// Bucket and Key name it; a bucket belongs to one adapter or purpose.
	Bucket, Key string
	// Value is JSON.
	Value json.RawMessage
	// Expires is when it is forgotten, to the millisecond; zero means never.
	Expires time.Time
}

// Remember makes a Record of any value that can be written as JSON.
func Remember[T any](bucket, key string, value T, expires time.Time) (Record, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return Record{}, fmt.Errorf("remember %s %q: %w", bucket, key, err)
	}
	return Record{Bucket: bucket, Key: key, Value: data, Expires: expires}, nil
}

// Recall reads the value of a Record.
func Recall[T any](r Record) (T, error) {
	var value T
	if err := json.Unmarshal(r.Value, &value); err != nil {
		return value, fmt.Errorf("recall %s %q: %w", r.Bucket, r.Key, err)
	}
	return value, nil
}

// Put remembers records, each in place of the one of its name.
func (t *Tx) Put(ctx context.Context, records ...Record) (err error) {
	defer func() { t.failed = cmp.Or(t.failed, err) }()
	const query = `INSERT INTO memory (bucket, key, value, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (bucket, key) DO UPDATE SET value = $3, expires = $4`
	put, err := t.tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = put.Close() }() // the transaction owns it
	for _, r := range records {
		if err := r.check(); err != nil {
			return err
		}
		var expires int64
		if !r.Expires.IsZero() {
			expires = max(r.Expires.UnixMilli(), 1)
		}
		if _, err := put.ExecContext(ctx, r.Bucket, r.Key, string(r.Value), expires); err != nil {
			return err
		}
	}
	return nil
}

func (r Record) check() error {
	if r.Bucket == "" || r.Key == "" {
		return fmt.Errorf("remember %q %q: a record has a bucket and a key", r.Bucket, r.Key)
	}
	for _, s := range []string{r.Bucket, r.Key} {
		if err := checkName(s); err != nil {
			return fmt.Errorf("remember: %w", err)
		}
	}
	if len(r.Value) > maxValue {
		return fmt.Errorf("remember %s %q: %d bytes are over %d", r.Bucket, r.Key, len(r.Value), maxValue)
	}
	if !json.Valid(r.Value) || !utf8.Valid(r.Value) {
		return fmt.Errorf("remember %s %q: the value is not JSON", r.Bucket, r.Key)
	}
	return nil
}

// Delete forgets keys of a bucket. What is not there is forgotten already.
func (t *Tx) Delete(ctx context.Context, bucket string, keys ...string) (err error) {
	defer func() { t.failed = cmp.Or(t.failed, err) }()
	for _, key := range keys {
		if _, err := t.tx.ExecContext(ctx, `DELETE FROM memory WHERE bucket = $1 AND key = $2`, bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// Get returns a record as this transaction sees it, and whether there is one.
func (t *Tx) Get(ctx context.Context, bucket, key string) (Record, bool, error) {
	return get(ctx, t.tx, bucket, key)
}

// Put remembers records, all or none.
func (s *Store) Put(ctx context.Context, records ...Record) error {
	_, err := s.Write(ctx, func(tx *Tx) error { return tx.Put(ctx, records...) })
	return err
}

// Delete forgets keys of a bucket.
func (s *Store) Delete(ctx context.Context, bucket string, keys ...string) error {
	_, err := s.Write(ctx, func(tx *Tx) error { return tx.Delete(ctx, bucket, keys...) })
	return err
}

// Get returns a record, and whether there is one that has not expired.
func (s *Store) Get(ctx context.Context, bucket, key string) (Record, bool, error) {
	r, ok, err := get(ctx, s.reader, bucket, key)
	return r, ok, explain(err, "read memory of", s.path)
}

// List returns the records of a bucket whose keys begin with prefix, in the
// order of their keys.
func (s *Store) List(ctx context.Context, bucket, prefix string) ([]Record, error) {
	const query = `SELECT key, value, expires FROM memory
		WHERE bucket = $1 AND key >= $2 AND substr(key, 1, $3) = $2 AND (expires = 0 OR expires > $4) ORDER BY key`
	rows, err := s.reader.QueryContext(ctx, query, bucket, prefix, utf8.RuneCountInString(prefix), time.Now().UnixMilli())
	if err != nil {
		return nil, explain(err, "read memory of", s.path)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []Record
	for rows.Next() {
		r, err := scanRecord(bucket, rows)
		if err != nil {
			return nil, explain(err, "read memory of", s.path)
		}
		all = append(all, r)
	}
	return all, explain(rows.Err(), "read memory of", s.path)
}

// Prune drops expired records from the disk and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	var dropped int64
	_, err := s.Write(ctx, func(tx *Tx) error {
		result, err := tx.tx.ExecContext(ctx, `DELETE FROM memory WHERE expires > 0 AND expires <= $1`, time.Now().UnixMilli())
		if err == nil {
			dropped, err = result.RowsAffected()
		}
		return err
	})
	return dropped, err
}

func get(ctx context.Context, q querier, bucket, key string) (Record, bool, error) {
	const query = `SELECT key, value, expires FROM memory WHERE bucket = $1 AND key = $2 AND (expires = 0 OR expires > $3)`
	r, err := scanRecord(bucket, q.QueryRowContext(ctx, query, bucket, key, time.Now().UnixMilli()))
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, false, nil
	}
	return r, err == nil, err
}

// scanRecord reads one row of a bucket.
func scanRecord(bucket string, row interface{ Scan(into ...any) error }) (Record, error) {
	r := Record{Bucket: bucket}
	var value string
	var expires int64
	if err := row.Scan(&r.Key, &value, &expires); err != nil {
		return Record{}, err
	}
	r.Value = json.RawMessage(value)
	if expires > 0 {
		r.Expires = time.UnixMilli(expires).UTC()
	}
	return r, nil
}
