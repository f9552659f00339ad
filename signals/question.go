package signals

import "time"

// Skew is how far the clocks of two sources may differ before what they say is
// no longer compared.
const Skew = time.Minute

// Question is what the signals of a lane are asked about: how does the version
// do that Git names there?
type Question struct {
	// Digest and Tag are what Git names; empty if it names nothing certain.
	Digest Digest
	Tag    string
	// Since is when Git began to name it.
	Since time.Time
	// Last is when the lane's clock was last seen to go well; what came after
	// it is still to be proven. Zero if it never did.
	Last time.Time
}
