package inbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/inbox"
)

// FuzzPush holds that no body ends the program, and that nothing is kept of one
// that is not taken.
func FuzzPush(f *testing.F) {
	f.Add(run("1", ours, "healthy", time.Now(), ""))
	f.Add(run("1", ours, "unhealthy", time.Now(), `,"expires":"0001-01-01T00:00:00Z","url":"https://x/"`))
	f.Add(`{"id":null,"digest":[],"at":"9999-12-31T23:59:59Z"}`)
	f.Add(`[[[[`)
	f.Fuzz(func(t *testing.T, body string) {
		m, pushed := &memory{values: map[string][]byte{}}, []inbox.Slot{}
		status, _ := push(newInbox(m, &pushed), "/signals/dev/shop/e2e", "dev-token", body)
		if kept := len(m.values) == 1; kept != (status == http.StatusNoContent) || kept != (len(pushed) == 1) {
			t.Errorf("%q is answered with %d, but kept: %t", body, status, kept)
		}
		if status >= 500 {
			t.Errorf("%q is answered with %d", body, status)
		}
	})
}
