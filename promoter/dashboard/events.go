package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// heartbeat keeps proxies from closing a quiet stream.
	heartbeat = 15 * time.Second
	// maxClients bounds how many streams are open at a time.
	maxClients = 64
)

// events tells a browser when there is something new to read, until the
// request ends.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	if !p.enter() {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many pages are open; this one still works when it is loaded again", http.StatusServiceUnavailable)
		return
	}
	defer p.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for told := uint64(0); ; {
		version, looked, changed := p.state()
		switch {
		case told != version:
			told = version
			fmt.Fprintf(w, "event: version\ndata: %d\n\n", version)
		case looked.IsZero():
			fmt.Fprint(w, ": nothing was looked at yet\n\n")
		default:
			fmt.Fprintf(w, "event: look\ndata: %s\n\n", looked.Format(time.RFC3339))
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-beat.C:
		}
	}
}

func (p *Page) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clients >= maxClients {
		return false
	}
	p.clients++
	return true
}

func (p *Page) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients--
}

// state is the page's version, the oldest of the newest looks, and what is
// closed when the version moves.
func (p *Page) state() (uint64, time.Time, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var looked time.Time
	for _, v := range p.shown.views {
		if looked.IsZero() || v.Looked.Before(looked) {
			looked = v.Looked
		}
	}
	return p.shown.version, looked, p.changed
}
