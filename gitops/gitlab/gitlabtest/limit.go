package gitlabtest

import (
	"hash/fnv"
	"net/http"
	"strconv"
	"time"
)

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
