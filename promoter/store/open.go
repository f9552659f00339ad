package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

const (
	pageSize = 4096
	patience = 5 * time.Second
	readers  = 4
)

// Open opens the store and, unless it is read-only, takes it for this process,
// brings its tables up to date, and starts the ledger of a new one.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, fmt.Errorf("open store: %q is not a file name", o.Path)
	}
	if o.Origin == "" {
		o.Origin = "waveguide.dev/ledger/" + strings.ToLower(rand.Text())
	} else if err := checkOrigin(o.Origin); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if o.Patience <= 0 {
		o.Patience = patience
	}
	o.Path = path
	s := &Store{path: path, signer: o.Signer, turn: make(chan struct{}, 1)}
	if o.ReadOnly {
		err = s.openReader(ctx, o)
	} else {
		err = s.openWriter(ctx, o)
	}
	if err != nil {
		_ = s.shut() // the first error is the one to tell
		return nil, explain(err, "open store", path)
	}
	return s, nil
}

func (s *Store) openReader(ctx context.Context, o Options) error {
	if _, err := os.Stat(o.Path); err != nil {
		return err
	}
	if err := s.connectReader(o); err != nil {
		return err
	}
	var have int64
	const query = `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`
	if err := s.reader.QueryRowContext(ctx, query).Scan(&have); err != nil {
		return err
	}
	steps, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		return err
	}
	if want := int64(len(steps)); have < want {
		return fmt.Errorf("its tables are of version %d and this program reads version %d: start the daemon once to bring them up to date", have, want)
	} else if have > want {
		return newer(have, want)
	}
	return nil
}

func (s *Store) openWriter(ctx context.Context, o Options) error {
	if o.Holder == "" {
		return errors.New("no holder is given: name this process")
	}
	lock, locked, err := takeLock(o.Path + ".lock")
	if err != nil {
		return err
	}
	s.lock = lock
	if !locked && lock != nil {
		return heldBy(ctx, o)
	}
	if err := create(o.Path); err != nil {
		return err
	}
	if s.writer, err = connect(o, "rw", "journal_mode(wal)", "synchronous(full)", "max_page_count("+strconv.FormatInt(pages(o.MaxBytes), 10)+")"); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writer); err != nil {
		return err
	}
	if s.lease, err = acquire(ctx, s.writer, o.Holder, locked); err != nil {
		return err
	}
	if err := s.connectReader(o); err != nil {
		return err
	}
	return s.begin(ctx, o)
}

// begin writes the first entry of a new ledger.
func (s *Store) begin(ctx context.Context, o Options) error {
	switch c, err := s.Checkpoint(ctx); {
	case err == nil:
		s.origin = c.Origin
		return nil
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	first := epoch{Origin: o.Origin, Previous: []string{}}
	for _, c := range o.Previous {
		first.Previous = append(first.Previous, c.String())
	}
	body, err := json.Marshal(first)
	if err != nil {
		return err
	}
	s.origin = o.Origin
	_, err = s.Append(ctx, Entry{At: time.Now(), Kind: Epoch, Subject: "ledger", Body: body})
	return err
}

// epoch is the body of a ledger's first entry.
type epoch struct {
	Origin   string   `json:"origin"`
	Previous []string `json:"previous"`
}

func (s *Store) connectReader(o Options) error {
	mode := "rw" // a reader of a write-ahead log may have to recover it
	if o.ReadOnly {
		mode = "ro"
	}
	db, err := connect(o, mode, "query_only(1)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(readers)
	s.reader = db
	return nil
}

func connect(o Options, mode string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}}
	query.Add("_pragma", "busy_timeout("+strconv.FormatInt(o.Patience.Milliseconds(), 10)+")")
	for _, p := range pragmas {
		query.Add("_pragma", p)
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(o.Path), RawQuery: query.Encode()}
	return sql.Open("sqlite", name.String())
}

func pages(limit int64) int64 {
	if limit <= 0 {
		return 1<<32 - 2 // SQLite's own bound
	}
	return max(limit/pageSize, 1)
}

// create makes an empty file that only this user may read, if there is none.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: check that its folder exists and that this user may write there", err)
	}
	return f.Close()
}

// migrate brings the tables up to date. Tables of a newer program are left
// alone.
func migrate(ctx context.Context, db *sql.DB) error {
	folder, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, folder, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, want, err := steps.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return newer(have, want)
	}
	if have == want {
		return nil
	}
	_, err = steps.Up(ctx)
	return err
}

func newer(have, want int64) error {
	return fmt.Errorf("a newer program wrote it (tables of version %d, this program knows %d): run that program or a later one, or name another file", have, want)
}
