package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestSickSourceHoldsItsOwnLanes lets one environment of a wave ask a server
// that never answers. The other one goes on, with the real program in between.
func TestSickSourceHoldsItsOwnLanes(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // or nobody notices who leaves
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	s := setup{registry: memoryRegistry(t), envs: []string{"east", "west"}}
	w := newWorld(t, s)
	first, err := w.named("east")
	if err != nil {
		t.Fatal(err)
	}
	rules := strings.Replace(w.environments(), "/east/${artifact}\", digestFrom: digest}\n",
		"/east/${artifact}\", digestFrom: digest}\n  - {name: error-rate, signal: silent, query: 'errors{env=\"${environment}\"}', below: 1}\n", 1)
	waves := "waves: [{name: prod, environments: [east, west], merge: auto}]\n"
	promotion, _, _ := strings.Cut(w.promotion(s), "waves:\n")
	w.pushAs("root", rootToken, "main", map[string]string{".waveguide/environments.yaml": rules, ".waveguide/shop.yaml": promotion + waves})
	w.write("waveguide.yaml", w.daemon(s)+fmt.Sprintf("  - {name: silent, kind: prometheus, url: %q, timeout: 300ms}\n", silent.URL))
	d := w.run()
	page := "http://" + d.says(t, `for=page address=(\S+)`)
	next := w.release("1.1.0")
	w.reaches("west", next)
	eventually(t, "that the source rests", func() (string, bool) {
		plans := w.get(page + "/api/plans")
		return plans, strings.Contains(plans, "error-rate of east has no data: it is asked less often until it answers")
	})
	for _, p := range w.proposals() {
		if p.Lane.Environment == "east" {
			t.Errorf("east has proposal %s although nobody knows its health", p.ID)
		}
	}
	if got, err := w.named("east"); err != nil || got != first {
		t.Errorf("east names %s, %v", got, err)
	}
	if n := asked.Load(); n < patience {
		t.Errorf("the silent source was asked %d times", n)
	}
	d.stop(t)
}
