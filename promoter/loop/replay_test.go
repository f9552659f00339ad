package loop_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// TestReplayComparesBytes holds that a decision which says the same in other
// bytes, or rests on something else, is noticed.
func TestReplayComparesBytes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		intents, err := r.store.Entries(t.Context(), store.Filter{Kind: store.Intent}, 100)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(intents, func(e store.Entry) bool { return strings.Contains(string(e.Body), `"kind":"open"`) })
		whole := intents[i]
		if decided, err := loop.Replay(t.Context(), r.store, whole); !decided || err != nil {
			t.Fatalf("as it was stored: %t, %v", decided, err)
		}
		for name, way := range map[string][2]string{
			"another order":    {`"answer":"pass","gate":"version"`, `"gate":"version","answer":"pass"`},
			"the same time":    {`"wake":"2000-01-01T00:10:00Z"`, `"wake":"2000-01-01T00:10:00.0Z"`},
			"a space":          {`"wave":"dev"`, `"wave": "dev"`},
			"an escape":        {`"wave":"dev"`, `"wave":"\u0064ev"`},
			"a key too many":   {`"wave":"dev"`, `"wave":"dev","x":0`},
			"another snapshot": {`"snapshot":"sha256:`, `"snapshot":"sha256:0`},
			"no snapshot":      {`"snapshot":"`, `"snap":"`},
		} {
			e := whole
			e.Body = []byte(strings.Replace(string(whole.Body), way[0], way[1], 1))
			if string(e.Body) == string(whole.Body) {
				t.Errorf("%s: nothing is to be replaced in %s", name, whole.Body)
			}
			if decided, err := loop.Replay(t.Context(), r.store, e); decided || err == nil {
				t.Errorf("%s was not noticed", name)
			}
		}
		note := store.Entry{Body: []byte(`{"previous":[]}`)}
		if decided, err := loop.Replay(t.Context(), r.store, note); decided || err != nil {
			t.Errorf("a note: %t, %v", decided, err)
		}
	})
}
