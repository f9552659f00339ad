package argocd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

const (
	streamRest = time.Second
	// streamLife is how long a stream lasts before it is begun again.
	streamLife = 10 * time.Minute
)

// Follow calls hint with the name of an application whenever it changed, and
// with none where any may have, until the context ends. It is a hint only.
// Project and Namespace of the question say which applications; fail hears why
// a stream ended, if that is not its time.
func (s *Source) Follow(ctx context.Context, q Spec, hint func(name string), fail func(error)) {
	if o, ok := s.reader.(objects); ok {
		r := ref(q)
		r.Name = ""
		o.client.Follow(ctx, r, q.Selector, hint, fail)
		return
	}
	a, ok := s.reader.(*api)
	if !ok {
		return
	}
	for rest := streamRest; ctx.Err() == nil; {
		switch err := a.stream(ctx, q, hint); {
		case ctx.Err() != nil:
			return
		case err != nil:
			fail(err)
		default:
			rest = streamRest
		}
		rest = kubernetes.Pause(ctx, rest)
	}
}

// stream reads one stream of events: it begins with every application there is,
// so nothing that happened in between is missed.
func (a *api) stream(ctx context.Context, q Spec, hint func(name string)) error {
	ctx, cancel := context.WithTimeout(ctx, streamLife)
	defer cancel()
	query := url.Values{}
	set(query, "projects", q.Project)
	set(query, "selector", q.Selector)
	set(query, "appNamespace", q.Namespace)
	long := *a.http
	long.Timeout = 0
	patient := api{base: a.base, http: &long, token: a.token}
	answer, err := patient.send(ctx, []string{"stream", "applications"}, query)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReaderSize(answer.Body, 64<<10)
	for {
		line, err := kubernetes.ReadLine(lines)
		if errors.Is(err, io.EOF) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the stream of argocd: %w", kubernetes.Unwrap(err))
		}
		name, err := changed(line)
		if err != nil {
			return err
		}
		if name != "" {
			hint(name)
		}
	}
}

// changed is the application that an event is about; empty for a sign of life.
func changed(line []byte) (string, error) {
	if len(line) == 0 {
		return "", nil
	}
	var e struct {
		Error *struct {
			Message string `json:"message"`
		} `json:"error"`
		Result struct {
			Application struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
			} `json:"application"`
		} `json:"result"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return "", errors.New("the stream of argocd is not what it should be")
	}
	if e.Error != nil {
		return "", fmt.Errorf("argocd ends its stream: %s", kubernetes.Plain(e.Error.Message))
	}
	return e.Result.Application.Metadata.Name, nil
}
