package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// sourceAuthors is asked who wrote the source commits of a version.
const sourceAuthors = "authors of "

// maxWritten bounds for how many changes of an artifact the authors are
// remembered.
const maxWritten = 50

// pushers are those who changed a proposal's branch, beside us.
func (l *Loop) pushers(events []gitops.Event) []string {
	var all []string
	for _, e := range events {
		if e.Kind == gitops.Pushed && e.By.Name != "" && e.By.Name != l.me.Name && !slices.Contains(all, e.By.Name) {
			all = append(all, e.By.Name)
		}
	}
	return all
}

// caused are the proposals of a lane with the authors of the source commits
// that they bring among their causers. Until whoever may know them has answered,
// no approval counts.
func (l *Loop) caused(k *lane) []gitops.Proposal {
	open := slices.Clone(k.proposals)
	v := l.versions[k.lane.Artifact]
	if v == nil || l.Authors == nil {
		return open
	}
	for i := range open {
		key := wrote(v, open[i])
		list, known := v.Written[key]
		open[i].Causers = slices.Concat(open[i].Causers, list)
		switch {
		case strange(v, open[i]):
			open[i].CausersUnread = fmt.Sprintf("the evidence about %s, which it replaces, was not read yet", cmp.Or(open[i].From.Tag, signals.Digest(open[i].From.Digest).Short()))
		case key != "" && !known:
			open[i].CausersUnread = cmp.Or(l.silent[sourceAuthors+key], "the authors of its source were not told yet")
		}
	}
	return open
}

// strange says that nobody knows yet where the version comes from that a
// proposal replaces, after the store was lost for example.
func strange(v *versions, p gitops.Proposal) bool {
	_, known := v.Origins[signals.Digest(p.From.Digest)]
	return !known && p.From.Digest != "" && v.Origins[signals.Digest(p.To.Digest)].Source != ""
}

// strangers are the digests of a lane of which that has to be read, because
// somebody has to approve what takes their place.
func (l *Loop) strangers(k *lane) (all []signals.Digest) {
	v, s := l.versions[k.lane.Artifact], l.atlas.stops[k.lane]
	if l.Authors == nil || v == nil || len(s.stop.Gates.Approval.Required) == 0 {
		return nil
	}
	for _, p := range k.proposals {
		if strange(v, p) {
			all = append(all, signals.Digest(p.From.Digest))
		}
	}
	return all
}

// wrote names the source commits between two versions.
func wrote(v *versions, p gitops.Proposal) string {
	from, to := v.Origins[signals.Digest(p.From.Digest)], v.Origins[signals.Digest(p.To.Digest)]
	if from.Source == "" || from.Source != to.Source || from.Revision == to.Revision {
		return ""
	}
	return to.Source + " " + from.Revision + ".." + to.Revision
}

// attribute has those asked for who wrote what the open proposals of a plan
// bring, where somebody has to approve.
func (l *Loop) attribute(now time.Time, i int) {
	v := l.versions[l.ruling.Routes[i].Artifact]
	if l.Authors == nil || v == nil {
		return
	}
	for _, lp := range l.queue.plans[i].Lanes {
		k, s := l.lanes[lp.Lane], l.atlas.stops[lp.Lane]
		if k == nil || s.stop == nil || len(s.stop.Gates.Approval.Required) == 0 {
			continue
		}
		for _, p := range k.proposals {
			key := wrote(v, p)
			if _, known := v.Written[key]; key != "" && !known && l.questions[sourceAuthors+key].read == nil {
				from, to := v.Origins[signals.Digest(p.From.Digest)], v.Origins[signals.Digest(p.To.Digest)]
				l.inquire(now, l.aboutAuthors(i, key, from, to))
			}
		}
	}
}

// aboutAuthors asks who wrote the commits between two revisions, once. Whoever
// is not connected to that source is not asked again.
func (l *Loop) aboutAuthors(route int, key string, from, to promoter.Origin) question {
	artifact := l.ruling.Routes[route].Artifact
	return question{
		source: sourceAuthors + key, route: route, every: l.Poll.Versions,
		read: func() reading {
			return func(ctx context.Context) (any, error) {
				list, err := l.Authors.Authors(ctx, to.Source, from.Revision, to.Revision)
				if errors.Is(err, gitops.ErrUnsupported) {
					return append([]string{}, list...), nil
				}
				return list, err
			}
		},
		take: func(found any, _ time.Time) {
			list, ok := found.([]string)
			v := l.versions[artifact]
			if !ok || v == nil {
				return // asked again
			}
			delete(l.questions, sourceAuthors+key)
			if v.Written = maps.Clone(v.Written); v.Written == nil || len(v.Written) >= maxWritten {
				v.Written = map[string][]string{}
			}
			v.Written[key] = list
			for _, i := range l.atlas.artifacts[artifact] {
				l.queue.add(i)
			}
		},
	}
}
