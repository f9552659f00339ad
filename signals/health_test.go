package signals_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals"
)

func TestCarry(t *testing.T) {
	t.Parallel()
	was := signals.Health{Name: "synced", State: signals.StateHealthy, Digest: digest, For: digest, Since: noon(0), At: noon(0)}
	cases := map[string]struct {
		change func(h *signals.Health)
		since  int
	}{
		"the same goes on":             {func(*signals.Health) {}, 0},
		"another reason goes on":       {func(h *signals.Health) { h.Reason = "still" }, 0},
		"another state begins":         {func(h *signals.Health) { h.State = signals.StateUnhealthy }, 5},
		"another digest begins":        {func(h *signals.Health) { h.Digest = "sha256:b" }, 5},
		"about another version begins": {func(h *signals.Health) { h.For = "sha256:b" }, 5},
		"another signal begins":        {func(h *signals.Health) { h.Name = "smoke" }, 5},
		"what is vouched for is left":  {func(h *signals.Health) { h.Proven = true }, 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := was
			h.Since, h.At = noon(5), noon(5)
			c.change(&h)
			want := h
			want.Since = noon(c.since)
			now := []signals.Health{h}
			if diff := cmp.Diff([]signals.Health{want}, signals.Carry([]signals.Health{was}, now)); diff != "" {
				t.Errorf("Carry() (-want +got):\n%s", diff)
			}
			if now[0].Since != noon(5) {
				t.Error("Carry() changed what it was given")
			}
		})
	}
}
