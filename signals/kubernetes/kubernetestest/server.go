// Package kubernetestest is a cluster for tests: the part of the Kubernetes API
// that is read, over HTTP, with memory. It lists in pages, watches from a
// resourceVersion with bookmarks, forgets what is old (410), refuses what a
// role does not allow (403), and is slow or breaks off when it is told to.
//
// What objects must look like is in schema.go: those that Kubernetes knows
// itself are decoded strictly, custom resources are validated as its API
// server does. What the API answers is in server.go and answer.go.
package kubernetestest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Request is one request as a role sees it.
type Request struct {
	Verb, Group, Resource, Namespace, Name string
}

// String is the request as people say it.
func (r Request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s.%s in %s %s", r.Verb, r.Resource, r.Group, r.Namespace, r.Name))
}

// Faults are what goes wrong until it is told otherwise.
type Faults struct {
	// Status answers every request, if it is not 0.
	Status int
	// Slow holds every answer back.
	Slow time.Duration
	// Cut breaks every answer off after so many bytes, if it is not 0.
	Cut int
	// Behind is how far the cluster's clock is behind.
	Behind time.Duration
	// Lost loses the objects of pages after the first: their token is too old.
	Lost bool
}

type event struct {
	version int
	kind    string
	key     string
	object  map[string]any
}

// Server is a cluster.
type Server struct {
	URL string

	tb      testing.TB
	schemas *schemas

	mu       sync.Mutex
	version  int
	oldest   int
	objects  map[string]map[string]any
	kinds    map[string][2]any // apiVersion and kind of a collection
	history  []event
	changed  chan struct{}
	token    string
	roles    []rbacv1.PolicyRule
	guarded  bool
	faults   Faults
	requests []Request
}

// New starts a cluster that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	known, err := loadSchemas()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, schemas: known, objects: map[string]map[string]any{}, kinds: map[string][2]any{}, changed: make(chan struct{}), version: 100}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Put creates or replaces an object, as JSON or as anything that becomes it.
// The test fails if the API server would have refused it.
func (s *Server) Put(object any) {
	s.tb.Helper()
	data, ok := object.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(object); err != nil {
			s.tb.Fatal(err)
		}
	}
	key, parsed, err := s.schemas.parse(data)
	if err != nil {
		s.tb.Fatalf("the cluster refuses %.200s: %v", data, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "ADDED"
	if _, ok := s.objects[key]; ok {
		kind = "MODIFIED"
	}
	s.happen(kind, key, parsed)
	s.objects[key] = parsed
	collection := key[:strings.LastIndex(key, "/")+1]
	s.kinds[collection] = [2]any{parsed["apiVersion"], parsed["kind"]}
}

// Delete removes an object, named as its path in the API.
func (s *Server) Delete(path string) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	object, ok := s.objects[path]
	if !ok {
		s.tb.Fatalf("there is no %s; there are %v", path, slices.Sorted(maps.Keys(s.objects)))
	}
	delete(s.objects, path)
	s.happen("DELETED", path, maps.Clone(object))
}

// happen gives an object its version and tells who watches.
func (s *Server) happen(kind, key string, object map[string]any) {
	s.version++
	if meta, ok := object["metadata"].(map[string]any); ok {
		meta = maps.Clone(meta)
		meta["resourceVersion"] = fmt.Sprint(s.version)
		object["metadata"] = meta
	}
	s.history = append(s.history, event{s.version, kind, key, object})
	close(s.changed)
	s.changed = make(chan struct{})
}

// Bookmark tells who watches how far the cluster is, though nothing that they
// watch changed.
func (s *Server) Bookmark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happen("BOOKMARK", "", map[string]any{"metadata": map[string]any{"creationTimestamp": nil}})
}

// Forget drops what happened so far, as etcd's compaction does: who wants to go
// on from there is told 410.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.oldest, s.history = s.version, nil
}

// Demand asks every request for a bearer token.
func (s *Server) Demand(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Allow refuses from now on what none of the rules covers.
func (s *Server) Allow(rules []rbacv1.PolicyRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles, s.guarded = rules, true
}

// Fault makes things go wrong, or, with the zero value, well again.
func (s *Server) Fault(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Requests are those that came since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

// Covers says whether rules allow a request.
func Covers(rules []rbacv1.PolicyRule, r Request) bool {
	has := func(list []string, one string) bool { return slices.Contains(list, one) }
	return slices.ContainsFunc(rules, func(p rbacv1.PolicyRule) bool {
		named := len(p.ResourceNames) == 0 || has(p.ResourceNames, r.Name)
		return has(p.Verbs, r.Verb) && has(p.APIGroups, r.Group) && has(p.Resources, r.Resource) && named
	})
}
