package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// readiness is ready after the first look that read Git, and says since when
// it is not.
type readiness struct {
	mu   sync.Mutex
	last time.Time
	why  string
}

func (r *readiness) looked(v loop.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.Head != "" {
		r.last = v.Now
	}
	r.why = v.Silent["git"]
}

// ServeHTTP is /readyz.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.IsZero() {
		http.Error(w, "no look was finished yet: "+r.why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "ok, looked at %s\n", r.last.Format(time.RFC3339)) //nolint:gosec // a time has no markup
}
