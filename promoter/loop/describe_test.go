package loop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// TestTextFollows holds that a proposal's text says what the plan says, also
// where its check says the same as before, and is written no other time.
func TestTextFollows(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(11 * time.Minute)
		p := forge{r.world}.find("1")
		p.Reviews = []gitops.Review{{By: gitops.Actor{Name: "ada", Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now()}}
		r.run(11 * time.Minute)
		updates, checks := r.count("update"), r.count("check")

		r.tags = append(r.tags, "1.2.0") // it waits behind the one that is approved
		r.run(11 * time.Minute)
		if !strings.Contains(p.Body, "1.2.0") || r.count("update") != updates+1 || r.count("check") != checks {
			t.Errorf("%d updates and %d checks for the version that waits: %v\n%s", r.count("update")-updates, r.count("check")-checks, r.deeds, p.Body)
		}
		said := p.Body
		p.Title, p.Body = "another title", "another text"
		r.run(11 * time.Minute)
		if p.Body != said || p.Title == "another title" || r.count("update") != updates+2 {
			t.Errorf("%d updates after a person wrote over the text", r.count("update")-updates-1)
		}
		p.Labels = append(p.Labels, gitops.Label{Name: "wave/long-ago", By: gitops.Actor{Name: "bot", Bot: true}})
		r.run(11 * time.Minute)
		if _, stale := p.Label("wave/long-ago"); stale || len(p.Labels) != 3 {
			t.Errorf("after it came into another wave its labels are %v", p.Labels)
		}
		updates++
		p.Body = strings.ReplaceAll(strings.TrimRight(p.Body, "\n"), "\n", "\r\n")
		r.run(24 * time.Hour)
		if r.count("update") != updates+2 {
			t.Errorf("%d updates of a text whose line ends alone differ", r.count("update")-updates-2)
		}
	})
}
