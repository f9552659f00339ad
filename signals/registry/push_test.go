package registry_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/registry"
)

// TestMayPush holds that the right to push is read from the registry's token,
// and that nothing is tried.
func TestMayPush(t *testing.T) {
	t.Parallel()
	claims := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"none"}`)) + "." + part(raw) + "." + part([]byte("x"))
	}
	access := func(name string, actions ...string) map[string]any {
		return map[string]any{"access": []any{map[string]any{"type": "repository", "name": name, "actions": actions}}}
	}
	for name, tt := range map[string]struct {
		token      string
		may, known bool
	}{
		"pull and push":         {claims(access("team/app", "pull", "push")), true, true},
		"everything":            {claims(access("team/app", "*")), true, true},
		"only pull":             {claims(access("team/app", "pull")), false, true},
		"nothing":               {claims(map[string]any{"access": []any{}}), false, true},
		"of another repository": {claims(access("team/other", "pull", "push")), false, true},
		"a token of its own":    {"opaque", false, false},
		"claims of its own":     {claims(map[string]any{"sub": "me"}), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, address := serve(t)
			asked := ""
			h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet {
					t.Errorf("%s %s was tried", r.Method, r.URL.Path)
				}
				switch {
				case r.URL.Path == "/token":
					asked = r.URL.Query().Get("scope")
					_ = json.NewEncoder(w).Encode(map[string]string{"token": tt.token})
					return true
				case r.Header.Get("Authorization") != "Bearer "+tt.token:
					w.Header().Set("Www-Authenticate", `Bearer realm="http://`+address+`/token",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				return false
			})
			r := open(t, address, func(o *registry.Options) {
				o.Credentials = registry.Credentials{Basic: func() (string, string, error) { return "me", "pw", nil }}
			})
			may, known, err := r.MayPush(t.Context(), "team/app")
			if err != nil || may != tt.may || known != tt.known || !strings.Contains(asked, "push") {
				t.Errorf("may %t, known %t, %v after asking for %q", may, known, err, asked)
			}
		})
	}
}

// TestSlowPush holds that whoever asks for the right to push is not kept by a
// registry that drips its answers.
func TestSlowPush(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v2/", "/v2/team/app/tags/list"} {
		h, address := serve(t)
		h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		})
		r := open(t, address, func(o *registry.Options) { o.Limits.Timeout = 200 * time.Millisecond })
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		if _, _, err := r.MayPush(ctx, "team/app"); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("MayPush while %s drips: %v, want that it is given up", path, err)
		}
		stop()
	}
}
