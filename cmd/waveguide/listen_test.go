package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestListenEnds holds that a connection on which nobody asks anything neither
// keeps a listener from ending nor makes its end an error.
func TestListenEnds(t *testing.T) {
	t.Parallel()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g, ctx := errgroup.WithContext(ctx)
	if err := listen(ctx, g, slog.New(slog.DiscardHandler), "page", address, http.NotFoundHandler()); err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	cancel()
	if err := g.Wait(); err != nil {
		t.Errorf("the end of a listener: %v", err)
	}
}
