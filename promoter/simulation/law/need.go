package law

import (
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// required holds that what a lane requires is there at a version that will do,
// and ran there and was well when it was last asked.
func (j *judge) required(lane gitops.Lane) {
	at, need := j.seen.spec.Requires(lane)
	if need == "" {
		return
	}
	is, there := j.laws.world.Commits[j.seen.head].Version(at)
	h, told := j.seen.health[at]
	switch {
	case !there:
		j.say("required", "%s requires %s, which is not there", lane, at)
	case !need.Meets(is.Tag):
		j.say("required", "%s requires %s %s, where %s is", lane, at, need, is.Tag)
	case !told || j.deed.At.Sub(h.at) > maxAge+fresh:
		j.say("required", "%s requires %s, which was last asked at %s", lane, at, h.at.Format(time.TimeOnly))
	case h.what.State != signals.StateHealthy:
		j.say("required", "%s requires %s, which said %q", lane, at, h.what.State)
	case string(h.what.Digest) != is.Digest:
		j.say("required", "%s requires %s, which runs %s where Git names %s", lane, at, h.what.Digest.Short(), is.Tag)
	}
}
