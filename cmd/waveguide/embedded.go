package main

import (
	"bytes"
	"io"
	"log"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// embedded is a registry inside this process. It answers the client without a
// socket, under whatever name it is asked for.
type embedded struct{ registry http.Handler }

func newEmbedded() remote.Option {
	quiet := log.New(io.Discard, "", 0)
	return remote.WithTransport(embedded{registry.New(registry.Logger(quiet), registry.WithReferrersSupport(true))})
}

// RoundTrip implements [http.RoundTripper].
func (e embedded) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := req.Clone(req.Context())
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	w := &reply{header: http.Header{}, status: http.StatusOK}
	e.registry.ServeHTTP(w, asked)
	if err := asked.Body.Close(); err != nil {
		return nil, err
	}
	resp := &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}
	return resp, nil
}

// reply keeps an answer.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (r *reply) Header() http.Header { return r.header }

// Write implements [http.ResponseWriter].
func (r *reply) Write(p []byte) (int, error) { return r.body.Write(p) }

// WriteHeader implements [http.ResponseWriter].
func (r *reply) WriteHeader(status int) { r.status = status }
