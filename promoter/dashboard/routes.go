package dashboard

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// routes are all addresses of the page.
func (p *Page) routes() {
	p.mux.HandleFunc("GET /{$}", p.overview)
	p.mux.HandleFunc("GET /lane/{environment}/{artifact}", p.lane)
	p.mux.HandleFunc("GET /events", p.events)
	p.mux.HandleFunc("GET /api/plans", p.plans)
	p.mux.HandleFunc("GET /page.css", asset("page.css"))
	p.mux.HandleFunc("GET /page.js", asset("page.js"))
}

// policy lets the browser load our own style and script and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func guard(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// knows refuses host names that somebody else may have pointed at us.
func (p *Page) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if a, err := netip.ParseAddr(name); err == nil && a.IsLoopback() {
		return true
	}
	return name == "localhost" || slices.ContainsFunc(p.options.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

// now is all there is to show at this moment.
func (p *Page) now() page {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.page(p.options.Title, time.Now().UTC())
}

func (p *Page) overview(w http.ResponseWriter, _ *http.Request) {
	p.render(w, "page.html", p.now())
}

func (p *Page) lane(w http.ResponseWriter, r *http.Request) {
	all := p.now()
	for _, c := range all.Cards() {
		if c.Environment == r.PathValue("environment") && c.Artifact == r.PathValue("artifact") {
			all.Card = &c
			p.render(w, "lane.html", all)
			return
		}
	}
	http.Error(w, "no rule promotes this artifact to this environment", http.StatusNotFound)
}

func (p *Page) plans(w http.ResponseWriter, _ *http.Request) {
	plans := p.now().plans
	if plans == nil {
		plans = []json.RawMessage{}
	}
	b, err := json.Marshal(plans)
	if err != nil {
		http.Error(w, "the plans cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n'))
}

// render writes a whole page or an error, never half of one.
func (p *Page) render(w http.ResponseWriter, name string, data page) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page cannot be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// asset serves a file that changes with the program only.
func asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, assets, "assets/"+name)
	}
}

func parse() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"at": at, "until": until}).ParseFS(assets, "assets/*.html"))
}
