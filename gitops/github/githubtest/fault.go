package githubtest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// FaultKind is how a request goes wrong.
type FaultKind string

// The kinds of faults.
const (
	// Before fails with 502 and does nothing; After does everything and then
	// says 502; Lost does everything and ends the connection.
	Before FaultKind = "before"
	After  FaultKind = "after"
	Lost   FaultKind = "lost"
	// Limited is the hourly budget, Secondary the limit on speed.
	Limited   FaultKind = "limited"
	Secondary FaultKind = "secondary"
	// Denied is a permission that was taken away.
	Denied FaultKind = "denied"
	// Stale repeats the last answer to the same question.
	Stale FaultKind = "stale"
	// Hidden is GraphQL's way to keep everything from who may not see it.
	Hidden FaultKind = "hidden"
)

// Fault makes requests go wrong.
type Fault struct {
	Kind FaultKind
	// Match is part of "METHOD /path" or, for GraphQL, of "GRAPHQL name".
	Match string
	// Times is how often; 0 is until it is withdrawn.
	Times int
	Wait  time.Duration
	hits  int
}

// Break adds faults, and Mend withdraws all of them.
func (s *Server) Break(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// Mend withdraws all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(what string) *Fault {
	for _, f := range s.faults {
		if strings.Contains(what, f.Match) && (f.Times == 0 || f.hits < f.Times) {
			f.hits++
			return f
		}
	}
	return nil
}

// faulty lets a request pass, or go wrong.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if strings.Contains(r.URL.Path, ".git/") {
		next.ServeHTTP(w, r)
		return
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	what := r.Method + " " + r.URL.Path
	if r.URL.Path == "/graphql" {
		var q struct{ Query string }
		_ = json.Unmarshal(data, &q) // then it has no name
		what = "GRAPHQL " + strings.Join(strings.FieldsFunc(q.Query, func(c rune) bool { return strings.ContainsRune(" ({\n", c) })[:min(2, len(strings.Fields(q.Query)))], " ")
	}
	s.mu.Lock()
	f := s.fault(what)
	s.mu.Unlock()
	if f == nil {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		s.mu.Lock()
		s.stale[what+string(data)] = rec.Body.Bytes()
		s.mu.Unlock()
		copyAnswer(w, rec)
		return
	}
	s.wrong(w, r, next, f, what+string(data))
}

func (s *Server) wrong(w http.ResponseWriter, r *http.Request, next http.Handler, f *Fault, question string) {
	h := w.Header()
	switch f.Kind {
	case Before:
		http.Error(w, "bad gateway", http.StatusBadGateway)
	case After:
		next.ServeHTTP(httptest.NewRecorder(), r)
		http.Error(w, "bad gateway", http.StatusBadGateway)
	case Lost:
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case Limited:
		h.Set("X-RateLimit-Limit", "5000")
		h.Set("X-RateLimit-Remaining", "0")
		h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(f.Wait).Unix(), 10))
		write(w, http.StatusForbidden, problem("API rate limit exceeded for installation ID 77."))
	case Secondary:
		h.Set("Retry-After", strconv.Itoa(int(f.Wait.Seconds())))
		body := problem("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
		body["documentation_url"] = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
		write(w, http.StatusForbidden, body)
	case Denied:
		write(w, http.StatusForbidden, problem("Resource not accessible by integration"))
	case Hidden:
		write(w, http.StatusOK, object{"data": nil, "errors": []any{object{"type": "FORBIDDEN", "message": "Resource not accessible by integration", "path": []any{}}}})
	case Stale:
		s.mu.Lock()
		old, ok := s.stale[question]
		s.mu.Unlock()
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(old)
	}
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}
