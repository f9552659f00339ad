package githubtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// witness is a test that notes what it is blamed for.
type witness struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// TestTheDescriptionIsKept: a fake that takes any request proves nothing.
func TestTheDescriptionIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, path, body, want string }{
		"as it should be":      {http.MethodGet, "/repos/acme/env/pulls?state=open", "", ""},
		"a missing base":       {http.MethodPost, "/repos/acme/env/pulls", `{"title":"t","head":"b"}`, "base"},
		"a wrong state":        {http.MethodGet, "/repos/acme/env/pulls?state=merged", "", "state"},
		"a wrong type":         {http.MethodPatch, "/repos/acme/env/issues/1", `{"title":{}}`, "title"},
		"a wrong conclusion":   {http.MethodPost, "/repos/acme/env/check-runs", `{"name":"x","head_sha":"1","status":"done"}`, "status"},
		"an unknown path":      {http.MethodGet, "/repos/acme/env/secrets", "", "does not know"},
		"a query of no schema": {http.MethodPost, "/graphql", `{"query":"query q { repository(owner: \"acme\", name: \"env\") { stars } }"}`, "stars"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &witness{TB: t}
			s := githubtest.New(w)
			req, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer token-ada")
			req.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			w.mu.Lock()
			defer w.mu.Unlock()
			if said := strings.Join(w.said, "\n"); !strings.Contains(said, c.want) || (said == "") != (c.want == "") {
				t.Errorf("blamed for %.300q, want %q", said, c.want)
			}
		})
	}
}
