package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
)

// shown is the newest view of every repository.
type shown struct {
	version uint64
	views   map[string]view
}

// replace puts a view in the place of its repository's last one and says
// whether people would read anything new.
func (s *shown) replace(now view) bool {
	was, ok := s.views[now.Repository]
	s.views[now.Repository] = now
	was.Looked, was.plans, now.Looked, now.plans = time.Time{}, nil, time.Time{}, nil
	if ok && reflect.DeepEqual(was, now) {
		return false
	}
	s.version++
	return true
}

// again notes that a repository was looked at and nothing was new; false if it
// was never shown.
func (s *shown) again(repository string, now time.Time) bool {
	v, ok := s.views[repository]
	v.Looked = now
	if ok {
		s.views[repository] = v
	}
	return ok
}

// page is all views as one, in the order of their repositories.
func (s *shown) page(title string, now time.Time) page {
	p := page{Title: title, Version: s.version, Now: now}
	for _, name := range slices.Sorted(maps.Keys(s.views)) {
		v := s.views[name]
		p.Rows = append(p.Rows, v.Rows...)
		p.Stops = append(p.Stops, v.Stops...)
		p.Problems = append(p.Problems, v.Problems...)
		p.Silent = append(p.Silent, v.Silent...)
		p.Sources = append(p.Sources, source{Repository: v.Repository, Head: v.Head, Looked: v.Looked})
		p.plans = append(p.plans, v.plans...)
		if p.Looked.IsZero() || v.Looked.Before(p.Looked) {
			p.Looked = v.Looked
		}
	}
	p.Summary = p.summary()
	return p
}

// page is what the templates are given.
type page struct {
	Title    string
	Summary  string
	Version  uint64
	Now      time.Time
	Looked   time.Time
	Rows     []row
	Stops    []stop
	Problems []string
	Silent   []silence
	Sources  []source
	Card     *card
	plans    []json.RawMessage
}

type source struct {
	Repository, Head string
	Looked           time.Time
}

// Cards are all lanes in the order of their promotion.
func (p page) Cards() []card {
	var all []card
	for _, r := range p.Rows {
		for _, w := range r.Waves {
			all = append(all, w.Cards...)
		}
	}
	return all
}

// summary is one sentence: how many lanes are where, and what stands against them.
func (p page) summary() string {
	if len(p.Sources) == 0 {
		return "Nothing has been looked at yet."
	}
	count := map[promoter.Phase]int{}
	cards := p.Cards()
	for _, c := range cards {
		count[c.Phase]++
	}
	var parts []string
	for _, ph := range []promoter.Phase{
		promoter.PhaseFailing, promoter.PhaseBlocked, promoter.PhaseUnknown, promoter.PhaseProposed,
		promoter.PhaseWaiting, promoter.PhaseSoaking, promoter.PhaseEarned, promoter.PhaseAbsent,
	} {
		if n := count[ph]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, ph))
		}
	}
	said := []string{plural(len(cards), "lane")}
	if len(parts) > 0 {
		said[0] += ": " + strings.Join(parts, ", ")
	}
	for _, more := range []struct {
		n    int
		word string
	}{{len(p.Stops), "stop"}, {len(p.Problems), "problem"}, {len(p.Silent), "silent source"}} {
		if more.n > 0 {
			said = append(said, plural(more.n, more.word))
		}
	}
	return strings.Join(said, "; ") + "."
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
