package local

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

//go:embed html
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{ //nolint:gochecknoglobals // parsed once, read only
	"when":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") },
	"plain": blocks,
}).ParseFS(files, "html/*.html"))

// sight is what a page shows.
type sight struct {
	Me         gitops.Actor
	CSRF       string
	Repository string
	Names      []string
	Proposals  []gitops.Proposal
	Issues     []Issue
	Proposal   gitops.Proposal
	Issue      *Issue
	Comments   []Comment
	Events     []LabelEvent
	Diff       []diffLine
	Problem    string
	Hold       string
	Held       bool
	Next       string
}

func (s *Server) routePage(mux *http.ServeMux) {
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "html/style.css")
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, http.StatusOK, "login", sight{Next: inside(r.URL.Query().Get("next"))})
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /{$}", s.seen(s.showHome))
	mux.HandleFunc("GET /{repo}/{$}", s.seen(s.showList))
	mux.HandleFunc("GET /{repo}/{id}", s.seen(s.showThread))
	mux.HandleFunc("POST /{repo}/issues", s.acted(postIssueForm))
	mux.HandleFunc("POST /{repo}/{id}", s.acted(postThreadForm))
}

func (s *Server) show(w http.ResponseWriter, status int, name string, data sight) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // the browser is gone
}

// inside keeps a redirect on this forge.
func inside(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return next
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	u := s.byToken(r.PostFormValue("token"))
	if u == nil || u.actor.Name != r.PostFormValue("name") {
		s.show(w, http.StatusUnauthorized, "login", sight{Problem: "The name and the token do not belong together.", Next: inside(r.PostFormValue("next"))})
		return
	}
	s.begin(w, r, u)
	http.Redirect(w, r, inside(r.PostFormValue("next")), http.StatusSeeOther) //nolint:gosec // inside keeps it on this host
}

// seen serves a page to somebody known.
func (s *Server) seen(f func(http.ResponseWriter, *http.Request, sight)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := s.session(w, r)
		if in.user == nil {
			http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
			return
		}
		f(w, r, sight{Me: in.user.actor, CSRF: s.csrf(in), Repository: r.PathValue("repo"), Hold: gitops.LabelHold})
	}
}

// acted does what a form asks and shows the page again.
func (s *Server) acted(f func(call) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		in := s.session(w, r)
		repo := s.repository(r.PathValue("repo"))
		data := sight{Repository: r.PathValue("repo")}
		switch {
		case in.user == nil:
			unauthorized(w)
			return
		case !s.goodForm(in, r.PostFormValue("csrf")):
			data.Problem = "The form is too old: go back, load the page again and repeat it."
			s.show(w, http.StatusForbidden, "problem", data)
			return
		case repo == nil:
			data.Problem = "There is no such repository."
			s.show(w, http.StatusNotFound, "problem", data)
			return
		}
		next, err := f(call{Request: r, repo: repo, by: in.user.actor})
		if err != nil {
			status, text := answer(err)
			data.Me, data.Problem = in.user.actor, text
			s.show(w, status, "problem", data)
			return
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

func postIssueForm(c call) (string, error) {
	d := draft{Title: c.PostFormValue("title"), Body: c.PostFormValue("body")}
	if c.PostFormValue("pause") != "" {
		d.Labels = []string{gitops.LabelPause}
	}
	id, err := c.repo.openIssue(c.by, d)
	return "/" + c.repo.name + "/" + id, err
}

func postThreadForm(c call) (string, error) {
	id, text := c.PathValue("id"), c.PostFormValue("text")
	head := gitops.Commit(c.PostFormValue("head"))
	var err error
	switch c.PostFormValue("do") {
	case "approve":
		err = c.repo.review(c.by, id, gitops.Approved, head)
	case "request changes":
		err = c.repo.review(c.by, id, gitops.ChangesRequested, head)
	case "hold":
		err = c.repo.addLabel(c.by, id, gitops.LabelHold, oneLine(text, maxReason))
	case "take the hold off":
		err = c.repo.removeLabel(c.by, id, gitops.LabelHold)
	case "merge":
		_, err = c.repo.merge(c.by, id, head)
	case "close":
		err = c.repo.closeProposal(c.by, id, text)
	case "close issue":
		err = c.repo.closeIssue(c.by, id)
	case "comment":
		err = c.repo.comment(c.by, id, text, "")
	default:
		err = refuse(http.StatusBadRequest, "the form asks for nothing that is known here")
	}
	return "/" + c.repo.name + "/" + id, err
}

func (s *Server) showHome(w http.ResponseWriter, _ *http.Request, data sight) {
	s.mu.RLock()
	for name := range s.repositories {
		data.Names = append(data.Names, name)
	}
	s.mu.RUnlock()
	slices.Sort(data.Names)
	s.show(w, http.StatusOK, "home", data)
}

const maxShown = 200

func (s *Server) showList(w http.ResponseWriter, _ *http.Request, data sight) {
	repo := s.repository(data.Repository)
	if repo == nil {
		s.missing(w, data)
		return
	}
	repo.mu.Lock()
	for _, t := range slices.Backward(repo.state.order) {
		switch {
		case t.Issue && len(data.Issues) < maxShown && (t.State == gitops.Open || t.label(gitops.LabelPause) && t.standing()):
			data.Issues = append(data.Issues, repo.viewIssue(t))
		case !t.Issue && len(data.Proposals) < maxShown:
			data.Proposals = append(data.Proposals, repo.view(t))
		}
	}
	repo.mu.Unlock()
	var open, ended []gitops.Proposal
	for _, p := range data.Proposals {
		if p.State == gitops.Open {
			open = append(open, p)
		} else {
			ended = append(ended, p)
		}
	}
	data.Proposals = append(open, ended...)
	s.show(w, http.StatusOK, "list", data)
}

func (s *Server) missing(w http.ResponseWriter, data sight) {
	data.Problem = "There is nothing here."
	s.show(w, http.StatusNotFound, "problem", data)
}

func (s *Server) showThread(w http.ResponseWriter, r *http.Request, data sight) {
	repo := s.repository(data.Repository)
	if repo == nil {
		s.missing(w, data)
		return
	}
	repo.mu.Lock()
	t := repo.state.threads[r.PathValue("id")]
	if t != nil {
		data.Comments, data.Events = slices.Clone(t.Comments), slices.Clone(t.Events)
		data.Held = t.label(gitops.LabelHold)
		if t.Issue {
			i := repo.viewIssue(t)
			data.Issue = &i
		} else {
			data.Proposal = repo.view(t)
		}
	}
	repo.mu.Unlock()
	switch {
	case t == nil:
		s.missing(w, data)
	case data.Issue != nil:
		s.show(w, http.StatusOK, "issue", data)
	default:
		data.Diff = repo.diff(r.Context(), data.Proposal.Base, data.Proposal.Head)
		s.show(w, http.StatusOK, "proposal", data)
	}
}
