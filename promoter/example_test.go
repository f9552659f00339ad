package promoter_test

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// A version exists, the environment is healthy, and no rule asks for more:
// the plan is to open a proposal.
func ExampleDecide() {
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	old := signals.Version{Tag: "1.0.0", Digest: "sha256:" + "1111111111111111111111111111111111111111111111111111111111111111", FirstSeen: now.Add(-time.Hour)}
	fresh := signals.Version{Tag: "1.1.0", Digest: "sha256:" + "2222222222222222222222222222222222222222222222222222222222222222", FirstSeen: now}
	lane := gitops.Lane{Repository: "deploy", Environment: "dev", Artifact: "order-api"}
	selector, err := promoter.NewSelector(promoter.Selector{Semver: ">=1.0.0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	snapshot := promoter.Snapshot{
		Now: now,
		Route: promoter.Route{
			Promotion: "orders", Artifact: "order-api", Image: "registry.example.com/order-api", Selector: selector,
			Waves: []promoter.Wave{{Name: "dev", Stops: []promoter.Stop{{Lane: lane, TrustDesired: true}}}},
		},
		Versions: []signals.Version{old, fresh},
		Lanes: []promoter.Lane{{
			Lane:    lane,
			Desired: gitops.Desired{Presence: gitops.At, Version: gitops.Version{Tag: old.Tag, Digest: string(old.Digest)}},
		}},
	}
	fmt.Print(promoter.Decide(snapshot))
	// Output:
	// dev/order-api [dev] waiting 1.0.0 -> 1.1.0
	//   earns sha256:111111111111
	//   => open dev/order-api 1.0.0 -> 1.1.0
}
