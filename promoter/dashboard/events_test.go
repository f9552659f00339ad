package dashboard_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/dashboard"
)

// stream is a response whose writes can be read while it goes on.
type stream struct {
	*httptest.ResponseRecorder
	to *io.PipeWriter
}

func (s stream) Write(b []byte) (int, error) { return s.to.Write(b) }

// listen opens a stream of events; its lines end when the context does.
func listen(ctx context.Context, p *dashboard.Page) *bufio.Scanner {
	from, to := io.Pipe()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
	r.Host = "localhost"
	go func() {
		p.ServeHTTP(stream{httptest.NewRecorder(), to}, r)
		_ = to.Close()
	}()
	return bufio.NewScanner(from)
}

func expect(t *testing.T, lines *bufio.Scanner, want ...string) {
	t.Helper()
	for _, w := range want {
		if !lines.Scan() || lines.Text() != w {
			t.Fatalf("the stream says %q, want %q", lines.Text(), w)
		}
	}
}

func TestEventsTellWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPage()
		lines := listen(ctx, p)
		expect(t, lines, ": nothing was looked at yet", "")

		v := busy()
		p.Publish(v)
		expect(t, lines, "event: version", "data: 1", "")

		// The same again is only a look, which the heartbeat tells.
		v.Now = v.Now.Add(time.Minute)
		v.Lanes[0][0].Facts.Health[0].At = v.Now
		v.Plans[0].Wake = v.Now
		p.Publish(v)
		expect(t, lines, "event: look", "data: 2026-11-20T09:31:00Z", "")

		v.Problems = nil
		p.Publish(v)
		expect(t, lines, "event: version", "data: 2", "")
		cancel()
		if lines.Scan() {
			t.Errorf("the stream goes on after its request with %q", lines.Text())
		}
	})
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPage()
		for range 64 {
			lines := listen(ctx, p)
			expect(t, lines, ": nothing was looked at yet", "")
		}
		if code := get(t, p, "localhost", "/events").Code; code != http.StatusServiceUnavailable {
			t.Errorf("one more stream answers %d", code)
		}
		if code := get(t, p, "localhost", "/").Code; code != http.StatusOK {
			t.Errorf("the page itself answers %d", code)
		}
		cancel()
		synctest.Wait()
		again, done := context.WithCancel(t.Context())
		expect(t, listen(again, p), ": nothing was looked at yet", "")
		done()
	})
}
