package promoter

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// obstacle is a conflict, or that somebody else is about to change the lane: of
// two proposals for one lane, a person's goes first.
func (d *decision) obstacle(at *site, v signals.Version, class gate.Class) string {
	if why := d.conflict(at, v, class); why != "" {
		return why
	}
	if why := d.elsewhere(at, v, class); why != "" || at.known.Rival == "" || class != gate.Promotion {
		return why
	}
	return at.known.Rival + " changes it too: merge or close that first"
}

// conflict says why a version must not enter a lane whatever the proofs say:
// its name is contradictory, somebody rejected it here, or it was left here by
// going back.
func (d *decision) conflict(at *site, v signals.Version, class gate.Class) string {
	if v.Digest == "" {
		return ""
	}
	if why := d.versions.conflict(v); why != "" {
		return why
	}
	if class != gate.Promotion {
		return ""
	}
	for _, p := range at.known.Proposals {
		if p.State == gitops.Closed && p.Unread != "" && rejects(p) {
			return fmt.Sprintf("proposal %s was closed by %s, and what it held could not be read: %s", p.ID, p.EndedBy.Name, p.Unread)
		}
		if p.State == gitops.Closed && d.versions.find(p.To).Digest == v.Digest && rejects(p) {
			return fmt.Sprintf("%s was rejected here by %s at %s (proposal %s); a newer version follows by itself", v, p.EndedBy.Name, instant(p.Ended), p.ID)
		}
	}
	for _, r := range at.left {
		if r.left.Digest == v.Digest && v.Digest != at.current.Digest {
			return fmt.Sprintf("%s was left here at %s by going back to %s; a newer version follows by itself", v, instant(r.at), r.to)
		}
	}
	return ""
}

// retreat is that a lane went back from one version to an older one.
type retreat struct {
	left, to signals.Version
	at       time.Time
}

// wentBack finds the versions that a lane left by going back, newest first: a
// version that was followed by an older one was left on purpose.
func (d *decision) wentBack(at *site) []retreat {
	var rs []retreat
	next := at.current
	for _, left := range at.known.Desired.Left {
		was := d.versions.find(left.Version)
		if left.Reverted || d.versions.older(next, was) {
			rs = append(rs, retreat{left: was, to: next, at: left.At})
		}
		next = was
	}
	// A way back that was merged tells the same, whatever was forgotten.
	for _, p := range at.known.Proposals {
		if from, to := d.versions.find(p.From), d.versions.find(p.To); p.State == gitops.Merged && d.versions.older(to, from) {
			rs = append(rs, retreat{left: from, to: to, at: p.Ended})
		}
	}
	return rs
}

// rejects says that closing the proposal was a rejection: by a person who may,
// or of whom nobody knows whether they may.
func rejects(p gitops.Proposal) bool {
	switch p.EndedBy.Permission {
	case gitops.PermissionRead, gitops.PermissionTriage:
		return false
	case gitops.PermissionWrite, gitops.PermissionAdmin, gitops.PermissionUnknown:
	}
	return !p.EndedBy.Bot && !p.Forgiven
}

// rollback is the version to go back to when what is there turned unhealthy
// before it earned the lane: the newest other version that earned it, or that
// was there when Waveguide came.
func (d *decision) rollback(at *site) (signals.Version, bool) {
	r := d.snapshot.Route.Rollback
	if !r.Propose || r.Forward || !d.failing(at) {
		return signals.Version{}, false
	}
	if _, ok := at.earned(at.current.Digest); ok {
		return signals.Version{}, false
	}
	var best signals.Earned
	for _, e := range at.known.Facts.Earned {
		if e.Digest != at.current.Digest && !at.lost(e) && (best.Digest == "" || best.At.Before(e.At)) {
			best = e
		}
	}
	if best.Digest == "" || at.refused(best.Digest) {
		return signals.Version{}, false
	}
	return at.named(d.versions.find(gitops.Version{Digest: string(best.Digest)})), true
}

// named gives a version that the registry has no tag for any more the tag under
// which Git named it here.
func (at *site) named(v signals.Version) signals.Version {
	for _, left := range at.known.Desired.Left {
		if v.Tag == "" && left.Version.Digest == string(v.Digest) {
			v.Tag = left.Version.Tag
		}
	}
	return v
}

// refused says that a person closed the proposal to go back from what is there
// to that digest.
func (at *site) refused(to signals.Digest) bool {
	for _, p := range at.known.Proposals {
		if p.State == gitops.Closed && gate.Class(p.Class) == gate.Rollback && rejects(p) &&
			p.To.Digest == string(to) && p.From.Digest == string(at.current.Digest) {
			return true
		}
	}
	return false
}

// adopted says that what is there was there when Waveguide came.
func (at *site) adopted() bool {
	for _, e := range at.known.Facts.Earned {
		if e.Digest == at.current.Digest && e.Adopted {
			return true
		}
	}
	return at.fresh != nil && at.fresh.Adopted
}
