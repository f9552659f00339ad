-- +goose Up
CREATE TABLE ledger (
    seq     INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    key     TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX ledger_intent ON ledger (key) WHERE kind = 'intent';
CREATE UNIQUE INDEX ledger_outcome ON ledger (key) WHERE kind = 'outcome';
CREATE INDEX ledger_subject ON ledger (subject, seq);
CREATE INDEX ledger_key ON ledger (key, seq) WHERE key <> '';

CREATE TABLE ledger_hash (
    idx  INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoint (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE TABLE memory (
    bucket  TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX memory_expires ON memory (expires) WHERE expires > 0;

CREATE TABLE blob (
    id   TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE lease (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    epoch   INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd

-- REPLACE would delete a row without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_hash_no_update BEFORE UPDATE ON ledger_hash
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_hash_no_delete BEFORE DELETE ON ledger_hash
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_hash_in_order BEFORE INSERT ON ledger_hash
WHEN NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM ledger_hash)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
