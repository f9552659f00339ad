package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

func TestEndlessAdvertisement(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	m := opened(t, u)
	u.intercept(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, pkt("# service=git-upload-pack\n")+"0000"+pkt(strings.Repeat("1", 40)+" HEAD\x00shallow\n"))
			for i := 0; ; i++ {
				if _, err := io.WriteString(w, pkt(fmt.Sprintf("%s refs/tags/%s%d\n", strings.Repeat("1", 40), strings.Repeat("x", 60000), i))); err != nil {
					return
				}
			}
		})
	})
	if _, err := m.Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), "larger than the limit") {
		t.Errorf("Fetch = %v, want a refusal of so much", err)
	}
}

func TestSilentRemote(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	o := options(t, u.url)
	o.Limits.Timeout = 2 * time.Second
	m := open(t, o)
	fetch(t, m)
	c := compose(t, m, map[string]string{"top": "x\n"})
	u.intercept(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
	if _, err := m.Fetch(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch = %v, want a missed deadline", err)
	}
	if _, err := m.Push(context.Background(), []mirror.RefUpdate{{Branch: "b", Composed: &c}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Push = %v, want a missed deadline", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch = %v, want it canceled", err)
	}
}
