package main

import (
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// fitted writes texts that a forge can keep whole, so that what was cut is not
// found to differ, and written again, in every look.
type fitted struct {
	writer loop.Writer
	limits gitops.Limits
}

// Title implements [loop.Writer].
func (f fitted) Title(l promoter.LanePlan) string {
	return gitops.CutLine(f.writer.Title(l), f.limits.Title)
}

// Body implements [loop.Writer].
func (f fitted) Body(l promoter.Letter) string {
	return gitops.CutBody(f.writer.Body(l), f.limits.Body)
}
