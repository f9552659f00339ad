package kubernetestest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	asked, collection := read(r)
	s.mu.Lock()
	s.requests = append(s.requests, asked)
	faults, allowed := s.faults, !s.guarded || Covers(s.roles, asked)
	known := s.token == "" || r.Header.Get("Authorization") == "Bearer "+s.token
	s.mu.Unlock()
	w.Header().Set("Date", time.Now().Add(-faults.Behind).UTC().Format(http.TimeFormat))
	if faults.Slow > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(faults.Slow):
		}
	}
	if faults.Cut > 0 {
		w = &cut{ResponseWriter: w, left: faults.Cut}
	}
	switch {
	case faults.Status != 0:
		refuse(w, faults.Status, "InternalError", "the cluster was told to fail")
	case !known:
		refuse(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	case !allowed:
		refuse(w, http.StatusForbidden, "Forbidden", fmt.Sprintf("%s.%s is forbidden: User \"waveguide\" cannot %s resource %q in API group %q in the namespace %q",
			asked.Resource, asked.Group, asked.Verb, asked.Resource, asked.Group, asked.Namespace))
	case asked.Verb == "get":
		s.get(w, r.URL.Path, asked)
	case asked.Verb == "list":
		s.list(w, r, collection, faults)
	case asked.Verb == "watch":
		s.watch(w, r, collection)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "this cluster is only read")
	}
}

// read takes a path of the API apart.
func read(r *http.Request) (asked Request, collection string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	asked.Verb = strings.ToLower(r.Method)
	if parts[0] == "apis" && len(parts) > 3 {
		asked.Group, parts = parts[1], parts[3:]
	} else if len(parts) > 2 {
		parts = parts[2:]
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		asked.Namespace, parts = parts[1], parts[2:]
	}
	asked.Resource = parts[0]
	if len(parts) > 1 {
		asked.Name = parts[1]
	} else if asked.Verb == "get" {
		asked.Verb = "list"
		if r.URL.Query().Get("watch") == "true" {
			asked.Verb = "watch"
		}
	}
	return asked, strings.TrimSuffix(r.URL.Path, "/") + "/"
}

func (s *Server) get(w http.ResponseWriter, path string, asked Request) {
	s.mu.Lock()
	object, ok := s.objects[path]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("%s.%s %q not found", asked.Resource, asked.Group, asked.Name))
		return
	}
	say(w, http.StatusOK, object)
}

// list answers a page; its token is the resourceVersion and the last name.
func (s *Server) list(w http.ResponseWriter, r *http.Request, collection string, faults Faults) {
	query := r.URL.Query()
	selector, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version, after := s.version, ""
	if token := query.Get("continue"); token != "" {
		was, name, _ := strings.Cut(token, " ")
		if version, err = strconv.Atoi(was); err != nil || version < s.oldest || faults.Lost {
			refuse(w, http.StatusGone, "Expired", "The provided continue parameter is too old")
			return
		}
		after = name
	}
	limit, _ := strconv.Atoi(query.Get("limit"))
	items, next := []any{}, ""
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		name, ok := strings.CutPrefix(key, collection)
		if !ok || strings.Contains(name, "/") || name <= after && after != "" || !selector.Matches(labelsOf(s.objects[key])) {
			continue
		}
		if limit > 0 && len(items) == limit {
			next = fmt.Sprintf("%d %s", version, after)
			break
		}
		items, after = append(items, s.objects[key]), name
	}
	meta := map[string]any{"resourceVersion": strconv.Itoa(version)}
	if next != "" {
		meta["continue"] = next
	}
	say(w, http.StatusOK, map[string]any{"kind": "List", "apiVersion": "v1", "metadata": meta, "items": items})
}

// watch streams what happened after a version until the client leaves.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, collection string) {
	query := r.URL.Query()
	from, _ := strconv.Atoi(query.Get("resourceVersion"))
	selector, _ := labels.Parse(query.Get("labelSelector"))
	s.mu.Lock()
	if from < s.oldest {
		s.mu.Unlock()
		say(w, http.StatusOK, map[string]any{"type": "ERROR", "object": failure(http.StatusGone, "Expired", "too old resource version")})
		return
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		news, version, changed, cutting := s.after(from, collection, selector)
		from = version
		for _, e := range news {
			_ = json.NewEncoder(w).Encode(map[string]any{"type": e.kind, "object": e.object})
		}
		_ = http.NewResponseController(w).Flush()
		if cutting {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}

// after is what happened in a collection after a version, and what is closed
// when more happens.
func (s *Server) after(from int, collection string, selector labels.Selector) (news []event, version int, changed chan struct{}, cutting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.history {
		switch {
		case e.version <= from:
		case e.kind == "BOOKMARK":
			// It is of the kind that is watched, and of no object.
			e.object = maps.Clone(e.object)
			e.object["apiVersion"], e.object["kind"] = s.kinds[collection][0], s.kinds[collection][1]
			news = append(news, e)
		case strings.HasPrefix(e.key, collection) && selector.Matches(labelsOf(e.object)):
			news = append(news, e)
		}
	}
	return news, s.version, s.changed, s.faults.Cut > 0
}

func labelsOf(object map[string]any) labels.Set {
	meta, _ := object["metadata"].(map[string]any)
	written, _ := meta["labels"].(map[string]any)
	set := labels.Set{}
	for k, v := range written {
		set[k], _ = v.(string)
	}
	return set
}

func say(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func failure(code int, reason, message string) map[string]any {
	return map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "message": message, "reason": reason, "code": code}
}

func refuse(w http.ResponseWriter, code int, reason, message string) {
	say(w, code, failure(code, reason, message))
}

// cut writes a little and then breaks the connection.
type cut struct {
	http.ResponseWriter
	left int
}

// Write implements [http.ResponseWriter].
func (c *cut) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap lets a ResponseController reach the connection.
func (c *cut) Unwrap() http.ResponseWriter { return c.ResponseWriter }
