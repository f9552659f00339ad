package hook_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/gitlab/hook"
)

// FuzzHook sends any body with any headers: what is not authentic wakes
// nobody, and nothing ends the process.
func FuzzHook(f *testing.F) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no examples", err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, "t0ken", "1", "1795262400", "v1,AAAA")
	}
	f.Fuzz(func(t *testing.T, body []byte, token, id, stamp, signature string) {
		h := &hook.Hook{Token: text("t0ken"), Now: noon}
		signed := &hook.Hook{Secret: text("whsec_" + hookKey), Now: noon}
		r := func() *http.Request {
			r := delivery(t, string(body))
			r.Header = http.Header{"X-Gitlab-Token": {token}, "Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
			return r
		}
		if hint, err := h.Hint(r()); err == nil && token != "t0ken" {
			t.Errorf("accepted %q: %+v", token, hint)
		}
		if hint, err := signed.Hint(r()); err == nil {
			t.Errorf("accepted a signature that nobody made: %+v", hint)
		}
	})
}
