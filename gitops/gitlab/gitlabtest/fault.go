package gitlabtest

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault makes one request go wrong.
type Fault struct {
	// Method and Part say which request: the method and a part of the path.
	Method, Part string
	// Times is how often; zero is once.
	Times int
	// Before says that nothing happens; otherwise the effect happens and the
	// answer is lost.
	Before bool
	// Status is what is answered; zero breaks the connection.
	Status int
	Header map[string]string
}

// Break makes requests fail from here on.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// fault is the one that meets a request.
func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times > 0 && f.Method == r.Method && strings.Contains(r.URL.Path, f.Part) {
			f.Times--
			return f
		}
	}
	return nil
}

func (f *Fault) answer(w http.ResponseWriter) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	fmt.Fprintf(w, `{"message":"%d"}`, f.Status)
}

// limit is a budget of requests.
type limit struct {
	most, left int
	reset      time.Time
}

// Limit lets so many requests pass until an instant; then it answers 429.
func (s *Server) Limit(most int, reset time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = &limit{most, most, reset}
}

// limited counts a request and says whether it was refused.
func (s *Server) limited(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limit
	if l == nil {
		return false
	}
	now := s.options.Now()
	if !now.Before(l.reset) {
		s.limit = nil
		return false
	}
	refused := l.left == 0
	l.left = max(0, l.left-1)
	w.Header().Set("RateLimit-Limit", strconv.Itoa(l.most))
	w.Header().Set("RateLimit-Remaining", strconv.Itoa(l.left))
	w.Header().Set("RateLimit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
	if refused {
		w.Header().Set("Retry-After", strconv.Itoa(int(l.reset.Sub(now).Seconds())+1))
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("Retry later\n")) // GitLab's throttle answers plain text
	}
	return refused
}

func sum(data []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(data) // never fails
	return h.Sum64()
}
