package simulation_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/looptest"
	"github.com/waveguide-dev/waveguide/promoter/simulation"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// The models are held to the contracts that the real adapters are held to in
// cmd/waveguide, so that the simulation does not run on a lie.

func newWorld() *world.World { return world.New(1, world.Spec{Soak: map[string]time.Duration{}}) }

// builder pushes unsigned builds of an artifact, each another one.
func builder(w *world.World, artifact string) func(tag string) signals.Digest {
	n := 0
	return func(tag string) signals.Digest {
		n++
		return w.Forge("ann", artifact, tag, fmt.Sprint("build ", n), world.Signature{})
	}
}

func TestRegistryKeepsTheContract(t *testing.T) {
	t.Parallel()
	looptest.RegistryContract(t, func(*testing.T) looptest.Registry {
		w := newWorld()
		pushes := map[string]func(string) signals.Digest{world.Image("shop"): builder(w, "shop"), world.Image("cart"): builder(w, "cart")}
		return looptest.Registry{
			Registry: simulation.NewPorts(w), Image: world.Image("shop"), Other: world.Image("cart"), Nowhere: world.Image("nowhere"),
			Push:  func(_ *testing.T, image, tag string) signals.Digest { return pushes[image](tag) },
			Tag:   func(_ *testing.T, tag string, d signals.Digest) { w.Tag("ann", "shop", tag, d) },
			Untag: func(_ *testing.T, tag string) { w.Untag("ann", "shop", tag) },
			Erase: func(_ *testing.T, d signals.Digest) { w.Erase("ann", "shop", d) },
		}
	})
}

func TestProofsKeepTheContract(t *testing.T) {
	t.Parallel()
	looptest.ProofsContract(t, func(*testing.T) looptest.Proofs {
		w := newWorld()
		push := builder(w, "shop")
		return looptest.Proofs{
			Prover: simulation.NewPorts(w), Image: world.Image("shop"), Other: world.Image("cart"), Key: world.Key, Now: time.Now,
			Stop: promoter.Stop{Lane: world.Lane("dev", "shop"), Gates: gate.Set{Signature: &gate.Signature{Key: world.Key}}},
			Push: func(*testing.T) signals.Digest { return push("build") },
			Sign: func(_ *testing.T, d signals.Digest, image string) {
				w.Build(string(d)).Signature = world.Signature{By: world.Key, For: image}
			},
			Forge: func(_ *testing.T, d signals.Digest) {
				w.Build(string(d)).Signature = world.Signature{By: "mal", For: world.Image("shop")}
			},
			Erase:  func(_ *testing.T, d signals.Digest) { w.Erase("ann", "shop", d) },
			Revoke: func(_ *testing.T, d signals.Digest) { w.Revoke("ann", d) },
		}
	})
}

func TestHealthKeepsTheContract(t *testing.T) {
	t.Parallel()
	const step = world.Rollout / 2
	looptest.HealthContract(t, func(t *testing.T, point func(*testing.T, looptest.Health)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			lane := world.Lane("dev", "shop")
			newer := w.Publish("ann", "shop", "2.0.0", true)
			point(t, looptest.Health{
				Health: simulation.NewPorts(w), Lane: lane, Beside: world.Lane("staging", "shop"), Unwatched: world.Lane("nowhere", "shop"),
				Signal: "web", Running: world.DigestOf("shop", "1.0.0"), Newer: newer, Now: time.Now,
				Sicken:  func(*testing.T) { w.Sicken(lane, time.Hour) },
				Silence: func(*testing.T) { w.Silence(lane, time.Hour) },
				Heal:    func(*testing.T) { w.Calm() },
				Drift:   func(*testing.T) { w.Drift("carl", lane, newer, time.Hour) },
				Roll: func(t *testing.T) {
					t.Helper()
					w.Commit("ann", "", map[string]string{world.File("dev", "shop"): world.Content("shop", "2.0.0", newer)}, "roll out")
					for range 60 {
						if h := w.Health(lane); h.Digest == newer {
							return
						}
						time.Sleep(step)
					}
					t.Fatal("it never arrives")
				},
				Arrive: func(*testing.T) { time.Sleep(world.Rollout) },
			})
		})
	})
}

func TestPublisherKeepsTheContract(t *testing.T) {
	t.Parallel()
	looptest.PublisherContract(t, func(*testing.T) looptest.Publisher {
		w := newWorld()
		d := w.Publish("ann", "shop", "1.1.0", true)
		return looptest.Publisher{
			Publisher: simulation.NewPorts(w),
			About: loop.Publication{
				Merit: loop.Merit{Version: gitops.Version{Tag: "1.1.0", Digest: string(d)}, Earned: time.Now()},
				Image: world.Image("shop"), Wave: "dev", Entry: "e1", Ledger: "l1",
				Stop: promoter.Stop{Lane: world.Lane("dev", "shop"), Gates: gate.Set{Signature: &gate.Signature{Key: world.Key}, Soak: gate.Soak{For: time.Hour}}},
			},
			Said:  func(_ *testing.T, d signals.Digest) int { return w.Statements(string(d)) },
			Push:  func(*testing.T) signals.Digest { return w.Publish("ann", "shop", "1.2.0", true) },
			Erase: func(_ *testing.T, d signals.Digest) { w.Erase("ann", "shop", d) },
			// Nothing is said beside the model's images by anybody else, so there is
			// no place where somebody's words could be lost.
			Never: nil,
		}
	})
}
