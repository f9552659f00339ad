package argocd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"k8s.io/apimachinery/pkg/labels"
)

type object = map[string]any

var swagger = sync.OnceValues(func() (*openapi3.T, error) {
	data, err := os.ReadFile("testdata/swagger-subset.json")
	if err != nil {
		return nil, err
	}
	var doc openapi2.T
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&doc)
})

// argo is the part of Argo CD's API that is read. Its answers are validated
// against Argo CD's own description, and so are the requests.
type argo struct {
	URL string

	t  *testing.T
	mu sync.Mutex
	// apps are by name.
	apps     map[string]object
	status   int
	cut      bool
	behind   time.Duration
	page     bool
	requests []string
	// changed is closed when an application was put.
	changed chan struct{}
}

func newArgo(t *testing.T) *argo {
	t.Helper()
	a := &argo{t: t, apps: map[string]object{}, changed: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

func (a *argo) put(apps ...object) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, app := range apps {
		a.apps[app["metadata"].(object)["name"].(string)] = plain(a.t, app)
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *argo) set(change func(*argo)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// plain is an object as JSON has it.
func plain(t *testing.T, in any) (out object) {
	t.Helper()
	data, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (a *argo) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v1/stream/applications" {
		a.stream(w, r)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Date", time.Now().Add(-a.behind).UTC().Format(http.TimeFormat))
	switch {
	case a.status != 0:
		w.Header().Set("Location", "/auth/login")
		a.refuse(w, a.status, 13, "told to fail with "+token)
	case a.page:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><p>sign in"))
	case r.Header.Get("Authorization") != "Bearer "+token:
		a.refuse(w, http.StatusUnauthorized, 16, "no session information")
	case a.cut:
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"metadata":`))
	default:
		a.route(w, r)
	}
}

func (a *argo) route(w http.ResponseWriter, r *http.Request) {
	doc, err := swagger()
	if err != nil {
		a.t.Error(err)
		return
	}
	query := r.URL.Query()
	name, one := strings.CutPrefix(r.URL.Path, "/api/v1/applications/")
	at := map[bool]string{true: "/api/v1/applications/{name}", false: "/api/v1/applications"}[one]
	operation := doc.Paths.Value(at).Get
	for key := range query {
		if key == "refresh" || operation.Parameters.GetByInAndName("query", key) == nil {
			a.t.Errorf("%s is asked with %s, which it does not know or must not be asked with", at, key)
		}
	}
	var body any
	if one {
		app, ok := a.apps[name]
		project := query.Get("project")
		switch {
		// Argo CD does not say whether an application is not there or not to be
		// seen, unless the project is named and to be seen.
		case !ok && project == "", ok && app["spec"].(object)["project"] == "secret":
			a.refuse(w, http.StatusForbidden, 7, "permission denied")
			return
		case !ok || project != "" && app["spec"].(object)["project"] != project:
			a.refuse(w, http.StatusNotFound, 5, "applications.argoproj.io \""+name+"\" not found")
			return
		}
		body = app
	} else {
		body = object{"metadata": object{"resourceVersion": "1"}, "items": a.matching(query.Get("selector"))}
	}
	schema := operation.Responses.Value("200").Value.Content["application/json"].Schema.Value
	checked := plain(a.t, body)
	if err := schema.VisitJSON(checked); err != nil {
		a.t.Errorf("the fake answers what Argo CD would not: %v", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (a *argo) matching(selector string) []any {
	s, err := labels.Parse(selector)
	if err != nil {
		a.t.Error(err)
		return nil
	}
	out := []any{}
	var names []string
	for name := range a.apps {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		set := labels.Set{}
		written, _ := a.apps[name]["metadata"].(object)["labels"].(object)
		for k, v := range written {
			set[k] = v.(string)
		}
		if s.Matches(set) {
			out = append(out, a.apps[name])
		}
	}
	return out
}

func (a *argo) refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": message, "code": code, "message": message})
}

// stream sends every application now and whenever one changes, as the recorded
// stream does, with a sign of life in between.
func (a *argo) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		a.mu.Lock()
		if a.status != 0 {
			a.refuse(w, a.status, 13, "told to fail")
			a.mu.Unlock()
			return
		}
		if a.cut {
			a.mu.Unlock()
			_, _ = w.Write([]byte(`{"error":{"message":"the watch is\nover"}}` + "\n"))
			return
		}
		for _, app := range a.matching(r.URL.Query().Get("selector")) {
			_ = json.NewEncoder(w).Encode(object{"result": object{"type": "MODIFIED", "application": app}})
		}
		changed := a.changed
		a.mu.Unlock()
		_, _ = w.Write([]byte("\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-changed:
		}
	}
}
