package kubernetes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	// watchSeconds is how long one watch lasts before it is begun again, so that
	// a connection that died unnoticed costs a few minutes at most.
	watchSeconds = "240"
	watchGrace   = 260 * time.Second
	maxEvent     = 4 << 20
	watchRest    = time.Second
	watchRestMax = 5 * time.Minute
)

// Follow calls hint with the name of an object whenever it changed, and with
// none where any may have, until the context ends. It is a hint only: what changed is read anew, and a watch
// that is lost, late or refused costs time, never truth. Fail hears why a watch
// ended, if that is not its time.
func (c *Client) Follow(ctx context.Context, r Ref, selector string, hint func(name string), fail func(error)) {
	rest, version := watchRest, ""
	for ctx.Err() == nil {
		next, err := c.follow(ctx, r, selector, version, hint)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrGone):
			// What happened meanwhile is lost: begin anew, which hints.
			next = ""
		case err != nil:
			fail(err)
		default:
			rest = watchRest
		}
		version, rest = next, Pause(ctx, rest)
	}
}

// follow watches once, from now where no version is known.
func (c *Client) follow(ctx context.Context, r Ref, selector, version string, hint func(name string)) (next string, err error) {
	if version == "" {
		p, err := c.page(ctx, r, url.Values{"limit": {"1"}})
		if err != nil {
			return "", err
		}
		version = p.Metadata.ResourceVersion
		hint("")
	}
	return c.watch(ctx, r, selector, version, hint)
}

// Pause waits between half and all of a time before a stream is begun again, and
// returns the time to wait after that.
func Pause(ctx context.Context, rest time.Duration) time.Duration {
	t := time.NewTimer(rest/2 + rand.N(rest/2)) //nolint:gosec // to spread load, not to hide anything
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return min(2*rest, watchRestMax)
}

// watch reads one stream of events and returns the version to go on from.
func (c *Client) watch(ctx context.Context, r Ref, selector, version string, hint func(name string)) (next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, watchGrace)
	defer cancel()
	query := url.Values{"watch": {"true"}, "resourceVersion": {version}, "allowWatchBookmarks": {"true"}, "timeoutSeconds": {watchSeconds}}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	answer, err := c.stream().ask(ctx, r, query)
	if err != nil {
		return version, err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReaderSize(answer.Body, 64<<10)
	for {
		line, err := ReadLine(lines)
		if errors.Is(err, io.EOF) {
			return version, nil
		}
		if err != nil {
			return version, fmt.Errorf("watch %s: %w", r, Unwrap(err))
		}
		e, err := readEvent(line)
		if err != nil {
			return version, fmt.Errorf("watch %s: %w", r, err)
		}
		version = e.Object.Metadata.Version
		if e.Type != "BOOKMARK" {
			hint(e.Object.Metadata.Name)
		}
	}
}

// event is what is needed of an event: its kind, whose it is and where to go
// on.
type event struct {
	Type   string `json:"type"`
	Object struct {
		Code     int    `json:"code"`
		Message  string `json:"message"`
		Metadata struct {
			Name    string `json:"name"`
			Version string `json:"resourceVersion"`
		} `json:"metadata"`
	} `json:"object"`
}

func readEvent(line []byte) (e event, err error) {
	if err := json.Unmarshal(line, &e); err != nil {
		return e, errors.New("an event is not what it should be")
	}
	switch {
	case e.Type == "ERROR" && e.Object.Code == http.StatusGone:
		return e, fmt.Errorf("%w: %s", ErrGone, Plain(e.Object.Message))
	case e.Type == "ERROR":
		return e, fmt.Errorf("the cluster ends the watch with %d: %s", e.Object.Code, Plain(e.Object.Message))
	case e.Object.Metadata.Version == "":
		return e, errors.New("an event has no version")
	}
	return e, nil
}

// ReadLine reads one event of a stream, which has a bounded length.
func ReadLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := from.ReadLine()
		if err != nil {
			return nil, err
		}
		if line = append(line, part...); len(line) > maxEvent {
			return nil, errTooLong
		}
		if !more {
			return line, nil
		}
	}
}

// stream is the client without the time-out of a whole answer: the context
// bounds a watch.
func (c *Client) stream() *Client {
	long := *c.http
	long.Timeout = 0
	return &Client{base: c.base, http: &long}
}
