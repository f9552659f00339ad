package simulation

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation/people"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// outage has all calls of one kind fail for a while.
func (s *sim) outage(rng *rand.Rand) {
	s.weather.outage = one(rng, []string{"fetch", "push", "proposals", "issues", "proposal", "open", "merge", "enqueue", "groups", "check", "versions", "proofs", "health", "update", "close", "delta"})
	s.weather.until = time.Now().Add(people.Minutes(rng, 2, 62))
	s.tell("every %s fails until %s", s.weather.outage, s.weather.until.Format(time.TimeOnly))
}

// working is the process that holds its store.
func (s *sim) working() *process {
	i := slices.IndexFunc(s.processes, func(p *process) bool { return p.alive && p.book != nil && p.book.holder == p.name })
	if i < 0 {
		return nil
	}
	return s.processes[i]
}

// takeOver has the other process take the store of the one that works, which
// is frozen, or goes on and does not know yet.
func (s *sim) takeOver(rng *rand.Rand) {
	old := s.working()
	if old == nil {
		return
	}
	next := s.processes[(slices.Index(s.processes, old)+1)%len(s.processes)]
	if next.alive {
		return // it is cut off itself and does not know yet
	}
	if rng.IntN(3) == 0 {
		s.fired(LeaseLost)
		s.tell("%s loses its lease to %s", old.name, next.name)
	} else {
		s.fired(Frozen)
		old.cutOff = time.Now().Add(people.Minutes(rng, 1, 41))
		s.tell("%s is frozen until %s, %s takes over", old.name, old.cutOff.Format(time.TimeOnly), next.name)
	}
	old.book.holder = next.name
	next.due = time.Time{}
	next.start(old.book)
}

// restart ends a process in order, or at once.
func (s *sim) restart(rng *rand.Rand) {
	p := one(rng, s.processes)
	if !p.alive || p.cut() {
		return
	}
	if rng.IntN(2) == 0 {
		s.tell("%s is asked to stop", p.name)
	} else {
		s.tell("%s is killed", p.name)
		s.report.Crashes++
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
	}
	p.end()
}

// fill makes the disk full the next time that the process starts.
func (s *sim) fill(rng *rand.Rand) {
	if p := s.working(); p != nil && !p.cut() {
		s.fired(DiskFull)
		p.book.limit = p.book.size() + int64(rng.IntN(20))*4096
		s.tell("the disk of %s is nearly full, and it is asked to stop", p.name)
		p.end()
	}
}

// jam has the next write to the store of the working process fail.
func (s *sim) jam(*rand.Rand) { s.breakStore(s.working()) }

// breakStore has every transaction of a store fail before it is made, or keeps
// it locked from outside, until its process has ended and begins again.
func (s *sim) breakStore(p *process) {
	if p == nil || p.book == nil || p.book.holder != p.name || p.book.broken != nil {
		return
	}
	fault, how := StoreFails, `CREATE TRIGGER broken BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END;
		CREATE TRIGGER worn BEFORE INSERT ON memory BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`
	if s.rng.IntN(2) == 0 {
		fault, how = StoreBusy, `BEGIN IMMEDIATE`
	}
	db, err := sql.Open("sqlite", "file:"+p.book.path)
	if err != nil {
		s.tell("the store of %s cannot be opened: %v", p.name, err)
		return
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), how); err != nil {
		_ = db.Close() // somebody else has it
		return
	}
	s.fired(fault)
	s.tell("%s: %s", p.name, fault)
	p.book.broken = func() {
		_, _ = db.ExecContext(context.Background(), `ROLLBACK`)                                                   // it may have begun
		_, _ = db.ExecContext(context.Background(), `DROP TRIGGER IF EXISTS broken; DROP TRIGGER IF EXISTS worn`) // they may be there
		_ = db.Close()                                                                                            // nothing is kept
	}
}

// setClock sets the clock of a process forward or back, by seconds or hours.
func (s *sim) setClock(rng *rand.Rand) {
	p := one(rng, s.processes)
	by := time.Duration(1+rng.IntN(180)) * time.Second
	if rng.IntN(2) == 0 {
		by = people.Minutes(rng, 1, 180)
	}
	f := ClockAhead
	if rng.IntN(2) == 0 {
		f, by = ClockBack, -by
	}
	s.fired(f)
	p.set(by)
}

// slip has the forge merge another tree than it is asked to, the next time that
// it merges a proposal of the bot: with a change that nobody proposed, with the
// version of another lane, or with a digest that nobody built.
func (s *sim) slip(rng *rand.Rand) {
	lane, n := one(rng, world.Lanes()), s.crowd.Count
	v := one(rng, s.world.Versions(lane.Artifact))
	how := rng.IntN(3)
	s.world.Slip(func(own string, files map[string]string) {
		switch how {
		case 0:
			files["README.md"] = fmt.Sprintf("what nobody wrote, %d\n", n)
		case 1:
			files[world.File(lane.Environment, lane.Artifact)] = world.Content(lane.Artifact, v.Tag, v.Digest)
		case 2:
			_, is, _ := strings.Cut(files[own], "digest: ")
			files[own] = strings.ReplaceAll(files[own], strings.TrimSpace(is), string(world.DigestOf(lane.Artifact, fmt.Sprint("nobody's ", n))))
		}
	})
}
