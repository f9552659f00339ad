package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// event is one line of a repository's journal: what was done, by whom, when.
type event struct {
	Seq    int64         `json:"seq"`
	At     time.Time     `json:"at"`
	By     gitops.Actor  `json:"by"`
	Kind   eventKind     `json:"kind"`
	ID     string        `json:"id,omitempty"`
	Branch string        `json:"branch,omitempty"`
	Title  string        `json:"title,omitempty"`
	Body   string        `json:"body,omitempty"`
	Label  string        `json:"label,omitempty"`
	Text   string        `json:"text,omitempty"`
	Head   gitops.Commit `json:"head,omitempty"`
	State  string        `json:"state,omitempty"`
	Commit gitops.Commit `json:"commit,omitempty"`
	Check  *gitops.Check `json:"check,omitempty"`
	Who    []string      `json:"who,omitempty"`
}

type eventKind string

const (
	openProposal eventKind = "open-proposal"
	openIssue    eventKind = "open-issue"
	edited       eventKind = "edit"
	labelled     eventKind = "label"
	unlabelled   eventKind = "unlabel"
	reviewed     eventKind = "review"
	commented    eventKind = "comment"
	checked      eventKind = "check"
	merging      eventKind = "merging"
	ended        eventKind = "end"
	reopened     eventKind = "reopen"
	requested    eventKind = "request"
)

const maxLine = 1 << 20

// journal is an append-only file of events, on disk before anybody is told.
type journal struct {
	file *os.File
	size int64
}

// openJournal replays the events. A torn last line is what a crash leaves of
// an event nobody was told about: it is cut off. Anything else that cannot be
// read is an error, for skipping it would change what people said.
func openJournal(path string, apply func(event)) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &journal{file: f}
	if err := j.replay(apply); err != nil {
		return nil, errors.Join(fmt.Errorf("read the journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

func (j *journal) replay(apply func(event)) error {
	in := bufio.NewReaderSize(j.file, 64<<10)
	for n := int64(1); ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil || e.Seq != n {
			if _, more := in.Peek(1); errors.Is(more, io.EOF) && err != nil {
				break
			}
			return fmt.Errorf("line %d is damaged: restore the file from a backup", n)
		}
		apply(e)
		j.size += int64(len(line))
	}
	if err := j.file.Truncate(j.size); err != nil {
		return fmt.Errorf("cut off a torn line: %w", err)
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// append writes one event and waits until it is on disk.
func (j *journal) append(e event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %d: %w", e.Seq, err)
	}
	if len(line) > maxLine || bytes.IndexByte(line, '\n') >= 0 {
		return refuse(413, "too large to be remembered: shorten the text")
	}
	line = append(line, '\n')
	if _, err = j.file.WriteAt(line, j.size); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// Half a line must not be in the way of the next one.
		return errors.Join(fmt.Errorf("write the journal: %w", err), j.file.Truncate(j.size))
	}
	j.size += int64(len(line))
	return nil
}

func (j *journal) close() error { return j.file.Close() }
