package dashboard

import (
	"html/template"
	"net/http"
	"sync"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// Options are what a page is made of. All may be empty.
type Options struct {
	// Title names the installation; "Waveguide" if empty.
	Title string
	// Forge gives the address of a proposal, or nothing if it has none.
	Forge func(proposalID string) string
	// Hosts are answered beside the loopback names, without port.
	Hosts []string
}

// Page shows what the loops last saw. It is read-only: people act on the forge.
type Page struct {
	options   Options
	mux       *http.ServeMux
	templates *template.Template

	mu      sync.Mutex
	shown   shown
	changed chan struct{}
	clients int
}

// New makes a page that has nothing to show yet; nothing starts.
func New(o Options) *Page {
	if o.Title == "" {
		o.Title = "Waveguide"
	}
	p := &Page{options: o, mux: http.NewServeMux(), templates: parse(), changed: make(chan struct{})}
	p.shown.views = map[string]view{}
	p.routes()
	return p
}

// Publish shows a finished look in the place of the last one of the same
// repository. The page's version moves only if what people read differs.
func (p *Page) Publish(v loop.View) {
	if v.Quiet && p.again(v) {
		return
	}
	made := model(v, p.options.Forge)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown.replace(made) {
		return
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Page) again(v loop.View) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.again(prose.Plain(v.Repository), v.Now.UTC())
}

// ServeHTTP answers the page, its parts and its events, for known hosts alone.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	if !p.knows(r.Host) {
		http.Error(w, "this page does not answer to that host name; add it to the page's hosts", http.StatusMisdirectedRequest)
		return
	}
	p.mux.ServeHTTP(w, r)
}
