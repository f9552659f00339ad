package main

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/waveguide-dev/waveguide/config"
)

const (
	// leastSecret is how long a secret must be to be taken out of texts: what is
	// shorter stands in words that are none.
	leastSecret = 8
	// leastCut is how much of a secret must be there to be taken out.
	leastCut = 20
	// mostSent bounds how many of those that were sent are known.
	mostSent = 1024
	// mostForm bounds the form in which a credential is exchanged for another.
	mostForm = 64 << 10
)

// secrets are what this process keeps to itself: what the daemon's file refers
// to, and whatever was sent to be let in, because many tokens are minted while
// we run and stand in no file. Nil knows nothing.
type secrets struct {
	refs []config.Secret

	mu   sync.Mutex
	sent []string // the newest last
}

func newSecrets(d *config.Daemon) *secrets { return &secrets{refs: d.Secrets()} }

// redact takes the secrets out of a text, line by line. Those of files are read
// anew each time, which is only when something fails.
func (s *secrets) redact(text string) string {
	if s == nil {
		return text
	}
	var values []string
	for _, ref := range s.refs {
		v, err := secret(ref)
		if err != nil {
			continue // what cannot be read was not sent either
		}
		for line := range strings.Lines(v) {
			if line = strings.TrimSpace(line); len(line) >= leastSecret && !strings.HasPrefix(line, "-----") {
				values = append(values, line)
			}
		}
	}
	s.mu.Lock()
	values = append(values, s.sent...)
	s.mu.Unlock()
	// The longest first: one may be part of another.
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, v := range values {
		text = without(text, v)
	}
	return text
}

// without takes a secret out of a text, whole or cut off: long answers are cut
// before they come here.
func without(text, secret string) string {
	begin := secret[:min(len(secret), leastCut)]
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, begin)
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		rest := secret[len(begin):]
		for len(rest) > 0 && len(after) > 0 && rest[0] == after[0] {
			rest, after = rest[1:], after[1:]
		}
		out.WriteString("<secret>")
		text = after
	}
}

// learn remembers what was sent.
func (s *secrets) learn(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		if len(v) < leastSecret || len(s.sent) > 0 && s.sent[len(s.sent)-1] == v {
			continue
		}
		if i := slices.Index(s.sent, v); i >= 0 {
			s.sent = slices.Delete(s.sent, i, i+1)
		} else if len(s.sent) == mostSent {
			s.sent = slices.Delete(s.sent, 0, 1)
		}
		s.sent = append(s.sent, v)
	}
}

// listen learns from all that goes through a transport.
func (s *secrets) listen(next http.RoundTripper) http.RoundTripper {
	if s == nil {
		return next
	}
	return listener{next, s}
}

type listener struct {
	next    http.RoundTripper
	secrets *secrets
}

// RoundTrip implements [http.RoundTripper].
func (l listener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.secrets.learn(credentialsOf(r)...)
	return l.next.RoundTrip(r)
}

// CloseIdleConnections is what [http.Client] looks for.
func (l listener) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// credentialsOf is with what a request wants to be let in.
func credentialsOf(r *http.Request) []string {
	var all []string
	if _, sent, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		all = append(all, sent)
	}
	if _, password, ok := r.BasicAuth(); ok {
		all = append(all, password)
	}
	all = append(all, r.Header.Get("Private-Token"), r.Header.Get("Job-Token"))
	if r.URL.User != nil {
		password, _ := r.URL.User.Password()
		all = append(all, password)
	}
	return append(all, exchanged(r)...)
}

// exchanged is what is given for a token in a form.
func exchanged(r *http.Request) []string {
	if r.GetBody == nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, mostForm))
	form, errForm := url.ParseQuery(string(text))
	if err != nil || errForm != nil {
		return nil
	}
	return []string{form.Get("refresh_token"), form.Get("password")}
}
