package inbox

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// maxBody bounds a pushed result.
const maxBody = 64 << 10

// Token lets its bearer push results for what its patterns match.
type Token struct {
	Name                          string
	Environment, Artifact, Signal string
	// Secret reads the token anew, so that rotation needs no restart.
	Secret func() (string, error)
}

func (t Token) covers(s Slot) bool {
	for _, p := range [][2]string{{t.Environment, s.Environment}, {t.Artifact, s.Artifact}, {t.Signal, s.Signal}} {
		if ok, err := path.Match(p[0], p[1]); err != nil || !ok {
			return false
		}
	}
	return true
}

// Push is a result as it is pushed.
type Push struct {
	// ID names the run that made the result; each is taken once.
	ID     string         `json:"id"`
	Digest signals.Digest `json:"digest"`
	State  signals.State  `json:"state"`
	// At is when the result was made, Expires until when it holds: a day if
	// nothing is said.
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
	// Running says that whoever pushes saw this version run there.
	Running bool   `json:"running,omitempty"`
	Reason  string `json:"reason,omitempty"`
	URL     string `json:"url,omitempty"`
}

// refusal is why a result is not taken, with the status of the answer.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

func refuse(status int, why string) error { return &refusal{status, why} }

// ServeHTTP takes a result at /signals/{environment}/{artifact}/{name}. Who is
// not known learns nothing, not even which places there are.
func (b *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	slot, err := b.take(w, r)
	if err != nil {
		status, why := http.StatusInternalServerError, "the result could not be kept; push it again"
		if no, ok := errors.AsType[*refusal](err); ok {
			status, why = no.status, no.why
		}
		http.Error(w, why, status)
		return
	}
	b.Pushed(slot)
	w.WriteHeader(http.StatusNoContent)
}

func (b *Inbox) take(w http.ResponseWriter, r *http.Request) (Slot, error) {
	if r.Method != http.MethodPost {
		return Slot{}, refuse(http.StatusMethodNotAllowed, "push a result with POST")
	}
	token, ok := b.bearer(r.Header.Get("Authorization"))
	if !ok {
		return Slot{}, refuse(http.StatusUnauthorized, "not authorized")
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/signals/"), "/")
	if len(parts) != 3 || !strings.HasPrefix(r.URL.Path, "/signals/") {
		return Slot{}, refuse(http.StatusNotFound, "push to /signals/ENVIRONMENT/ARTIFACT/NAME")
	}
	slot := Slot{Environment: parts[0], Artifact: parts[1], Signal: parts[2]}
	switch {
	case !token.covers(slot):
		return slot, refuse(http.StatusForbidden, "the token is not for this place")
	case !b.Wanted(slot):
		return slot, refuse(http.StatusNotFound, "no rule asks for this result: check environment, artifact and name")
	}
	p, err := read(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return slot, err
	}
	now := time.Now()
	if err := p.check(now); err != nil {
		return slot, err
	}
	return slot, b.keep(r.Context(), slot, result{Push: p, By: token.Name, Received: now}, now)
}

// Knows says whether a request bears one of the inbox's tokens.
func (b *Inbox) Knows(r *http.Request) bool {
	_, ok := b.bearer(r.Header.Get("Authorization"))
	return ok
}

// bearer finds the token that a request bears. All are compared, whole, in
// constant time.
func (b *Inbox) bearer(header string) (Token, bool) {
	said, ok := strings.CutPrefix(header, "Bearer ")
	have := sha256.Sum256([]byte(said))
	found := -1
	for i, t := range b.Tokens {
		secret, err := t.Secret()
		want := sha256.Sum256([]byte(secret))
		if same := subtle.ConstantTimeCompare(want[:], have[:]) == 1; same && err == nil && secret != "" {
			found = i
		}
	}
	if !ok || found < 0 {
		return Token{}, false
	}
	return b.Tokens[found], true
}

// read reads exactly one result, without keys that nobody knows.
func read(body io.Reader) (Push, error) {
	var p Push
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more follows")
		}
	}
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		return p, refuse(http.StatusRequestEntityTooLarge, "the result is larger than 64 KiB")
	case err != nil:
		return p, refuse(http.StatusBadRequest, "the result is not JSON with id, digest, state, at and perhaps expires, running, reason and url")
	}
	return p, nil
}

// check refuses what cannot be, and says until when the result holds.
func (p *Push) check(now time.Time) error {
	if p.Expires.IsZero() {
		p.Expires = p.At.Add(lifetime)
	}
	_, wrong := signals.ParseDigest(string(p.Digest))
	states := []signals.State{signals.StateHealthy, signals.StateProgressing, signals.StateUnhealthy}
	switch {
	case p.ID == "" || len(p.ID) > 200:
		return refuse(http.StatusBadRequest, "id names the run that made the result, in at most 200 bytes")
	case wrong != nil:
		return refuse(http.StatusBadRequest, "digest is not sha256: and 64 lower-case hexadecimal digits")
	case !slices.Contains(states, p.State):
		return refuse(http.StatusBadRequest, "state is healthy, progressing or unhealthy")
	case len(p.Reason) > 2000 || len(p.URL) > 2000:
		return refuse(http.StatusBadRequest, "reason and url are at most 2000 bytes")
	case p.URL != "" && !isWeb(p.URL):
		return refuse(http.StatusBadRequest, "url is no address of the web")
	case p.At.After(now.Add(signals.Skew)):
		return refuse(http.StatusUnprocessableEntity, "at is in the future: compare the clocks")
	case p.At.Before(now.Add(-maxDelay)):
		return refuse(http.StatusUnprocessableEntity, "at is more than an hour ago: push results when they are made")
	case !p.Expires.After(now):
		return refuse(http.StatusUnprocessableEntity, "the result has expired")
	case p.Expires.After(now.Add(maxLifetime)):
		return refuse(http.StatusUnprocessableEntity, "a result holds for 30 days at most")
	}
	return nil
}

func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// keep puts a result in place of an older one about the same version.
func (b *Inbox) keep(ctx context.Context, s Slot, r result, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, err := b.recall(ctx, s)
	if err != nil {
		return err
	}
	for id, at := range k.IDs {
		if at.Before(now.Add(-2 * maxDelay)) {
			delete(k.IDs, id)
		}
	}
	_, repeated := k.IDs[r.ID]
	i := slices.IndexFunc(k.Results, func(o result) bool { return o.Digest == r.Digest })
	switch {
	case repeated:
		return refuse(http.StatusConflict, "this id was pushed before")
	case i >= 0 && !r.At.After(k.Results[i].At):
		return refuse(http.StatusConflict, "a result as new about this version was pushed before")
	case len(k.IDs) >= maxIDs:
		return refuse(http.StatusTooManyRequests, "too many results were pushed here within two hours")
	case i >= 0:
		k.Results = slices.Delete(k.Results, i, i+1)
	}
	k.IDs[r.ID] = now
	k.Results = slices.Insert(k.Results, 0, r)
	k.Results = k.Results[:min(len(k.Results), maxResults)]
	return b.remember(ctx, s, k, now)
}
