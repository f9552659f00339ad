package prose

import (
	"fmt"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
)

// orders tells what people ordered: the emergency that was declared on the
// proposal, and the pin of its lane.
func orders(b *strings.Builder, l promoter.LanePlan) {
	if e := l.Emergency; e != nil {
		fmt.Fprintf(b, "**Emergency** %s for %s, declared by %s at %s. Not asked: %s, and freezes that allow it. Signature, approvals, holds and pauses are asked as ever. A review is due until %s.\n\n",
			Code(e.Name), Code(e.Incident), Code(e.By.Name), stamp(e.At), Code(strings.Join(l.Class.PassesOver(), ", ")), stamp(e.At.Add(promoter.ReviewDue)))
	}
	if l.Pin != nil {
		fmt.Fprintf(b, "**Pin**: %s.\n\n", Markdown(l.Pin.String()))
	}
}

// Ordered is what people ordered in a lane, a line each: a title, and what it
// says.
func Ordered(l promoter.LanePlan) [][2]string {
	var lines [][2]string
	if e := l.Emergency; e != nil {
		lines = append(lines, [2]string{"emergency", fmt.Sprintf("%s for %s, declared by %s at %s; a review is due until %s; it ends when the proposal is merged or closed",
			Plain(e.Name), Plain(e.Incident), Plain(e.By.Name), stamp(e.At), stamp(e.At.Add(promoter.ReviewDue)))})
	}
	if l.Pin != nil {
		lines = append(lines, [2]string{"pin", Plain(l.Pin.String())})
	}
	return lines
}

// stamp writes an instant the way every sentence of ours does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
