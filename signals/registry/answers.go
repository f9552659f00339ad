package registry

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// answers remembers what the registry sent with an entity tag, so that an
// unchanged tag costs a 304. It lies below authentication: the registry still
// decides for each request whether we may see the answer.
type answers struct {
	mu   sync.Mutex
	kept map[string]answer
	size int
}

type answer struct {
	header http.Header
	body   []byte
	length int64
}

const (
	mostAnswers     = 8192
	mostAnswerBytes = 16 << 20
)

func answerKey(req *http.Request) (string, bool) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return "", false
	}
	_, named, manifest := strings.Cut(req.URL.Path, "/manifests/")
	if !manifest && !strings.HasSuffix(req.URL.Path, "/tags/list") {
		return "", false
	}
	// What a digest names never changes, so a registry may say that it did not
	// without looking whether it is still there: docker-registry does.
	if strings.Contains(named, ":") {
		return "", false
	}
	return req.Method + " " + req.URL.String() + " " + req.Header.Get("Accept"), true
}

func (a *answers) get(req *http.Request) (answer, bool) {
	key, ok := answerKey(req)
	if !ok {
		return answer{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.kept[key]
	return known, ok
}

// put keeps an answer. When it is full it forgets everything, which costs one
// round of full reads and nothing else.
func (a *answers) put(req *http.Request, resp *http.Response, body []byte) {
	key, ok := answerKey(req)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, ok := a.kept[key]; ok {
		a.size -= len(old.body)
		delete(a.kept, key)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Etag") == "" {
		return
	}
	if len(a.kept) >= mostAnswers || a.size+len(body) > mostAnswerBytes {
		clear(a.kept)
		a.size = 0
	}
	a.kept[key] = answer{header: resp.Header.Clone(), body: body, length: resp.ContentLength}
	a.size += len(body)
}

// response is the remembered answer as if it had just been sent.
func (a answer) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: a.length, Request: req,
	}
}
