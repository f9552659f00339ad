package simulation

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/discreet"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// process is one replica through all its lives.
type process struct {
	*life

	sim  *sim
	name string
	book *book
	// alive says that a life runs; due is when the next one begins.
	alive bool
	due   time.Time
	// cutOff is until when the network of the process is down and it is slow.
	cutOff time.Time
	lives  int
	// skew is how far its clock is before that of the world.
	skew atomic.Int64
}

// life is one run of the program, from its start to its death.
type life struct {
	sim  *sim
	name string
	// turn waits for the turn of a call.
	turn func(ctx context.Context, who, what string) (fate, error)
	ctx  context.Context //nolint:containedctx // it is the life
	end  context.CancelFunc
	done chan struct{}
	err  error

	// dead says that the process was killed: nothing of it happens any more.
	mu   sync.Mutex
	dead bool

	witness *law.Seen
	clone   *world.Clone
	hints   chan loop.Hint
	store   *store.Store
	// clock is that of the machine, metrics what it counts.
	clock   func() time.Time
	metrics *prometheus.Registry
	// seen is the newest view, looks counts those since hour.
	seen  atomic.Pointer[loop.View]
	looks atomic.Int64
	hour  time.Time
}

// died is what ends the main goroutine of a killed process.
type died struct{}

func (s *sim) newProcess(name string) *process { return &process{sim: s, name: name} }

// cut says that the process cannot reach the world now.
func (p *process) cut() bool { return time.Now().Before(p.cutOff) }

// offset is how far the clock of the process is before that of the world.
func (p *process) offset() time.Duration { return time.Duration(p.skew.Load()) }

// set sets the clock of the process.
func (p *process) set(by time.Duration) {
	if by == 0 {
		return
	}
	p.skew.Add(int64(by))
	p.sim.tell("the clock of %s is set by %s, to %s off", p.name, by, p.offset())
	p.tick()
}

// tick has the laws and the book know the clock of the process.
func (p *process) tick() {
	if p.life != nil && p.alive {
		p.witness.Skewed(p.offset())
	}
	if p.book != nil {
		p.book.ahead = max(p.book.ahead, p.offset())
	}
}

// start begins a life with a book, taking it from whoever has it.
func (p *process) start(b *book) {
	p.lives++
	p.book = b
	clone := p.sim.world.Clone(p.name)
	if p.life != nil {
		clone = p.clone.Again()
	}
	l := &life{
		sim: p.sim, name: p.name, done: make(chan struct{}), witness: law.NewSeen(p.sim.laws, p.name, b.clocks),
		clock: func() time.Time { return time.Now().Add(p.offset()).Round(0) }, metrics: prometheus.NewRegistry(),
		clone: clone, hints: make(chan loop.Hint),
	}
	p.life = l
	l.ctx, l.end = context.WithCancel(context.Background())
	l.turn = p.sim.gate.Pass
	s, err := b.open(l.ctx, p.sim)
	if err != nil {
		p.sim.broken([]law.Violation{{Law: "start", Text: err.Error()}})
		l.end()
		close(l.done)
		return
	}
	l.store = s
	port := ports{l}
	o := loop.Options{
		Repository: world.Repository, RulesDir: world.RulesDir, Email: world.Email, Poll: Poll(),
		Repo: port, History: port, Branches: port, Forge: port, Proposer: port, Marker: port, Talker: port, Reporter: port, Queue: port, Publisher: port, Authors: port, Registry: port, Prover: port, Health: port, Rules: port,
		Writer: prose.Proposal{}, Store: s, Log: p.sim.leaks.log(), Hints: l.hints, Now: l.clock, Metrics: loop.NewMetrics(l.metrics),
		Observe: func(v loop.View) {
			l.seen.Store(&v)
			l.sim.leaks.watch(v)
			if l.looks.Add(1); time.Since(l.hour) > time.Hour {
				l.looks.Store(0)
				l.hour = time.Now()
			}
		},
		Crash: port.point,
		Witness: func(ctx context.Context) []store.Checkpoint {
			// What could not be read is no error: see loop.Options.
			found, _ := ask(ctx, port, "witness", func(fate) ([]store.Checkpoint, error) { return l.sim.published(), nil })
			return found
		},
	}
	o = discreet.Options(o, world.Redact)
	if p.sim.Plant != nil {
		p.sim.Plant(p.name, &o, p.sim.world)
	}
	p.alive = true
	p.tick()
	p.sim.tell("%s starts, life %d, store %d", p.name, p.lives, b.number)
	go l.run(loop.New(o))
}

// run is the main goroutine of a life.
func (l *life) run(of *loop.Loop) {
	defer close(l.done)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(died); !ok {
				panic(r)
			}
		}
	}()
	l.err = of.Run(l.ctx)
}

// pass waits for the turn of a call, makes it, and waits for the answer.
func (l *life) pass(ctx context.Context, what string, do func(fate) error) error {
	f, err := l.turn(ctx, l.name, what)
	if err != nil {
		return l.gone(what, err)
	}
	if f.die == 1 {
		return l.kill(what)
	}
	if f.before == nil {
		err = do(f)
	}
	if f.die == 2 {
		return l.kill(what)
	}
	t := time.NewTimer(f.late)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return l.gone(what, errors.Join(err, ctx.Err()))
	}
	return errors.Join(f.before, err, f.after)
}

// point is a place at which a process may die.
func (p ports) point(name string) {
	_ = p.pass(p.ctx, "point "+name, func(fate) error { return nil }) // it only dies or goes on
}

// kill ends the process at once.
func (l *life) kill(what string) error {
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	l.end()
	return l.gone(what, context.Canceled)
}

// gone ends a call of a process that was killed: its main goroutine goes no
// further, those beside it give up.
func (l *life) gone(what string, err error) error {
	l.mu.Lock()
	dead := l.dead
	l.mu.Unlock()
	word, _, _ := strings.Cut(what, " ")
	switch beside := slices.Contains([]string{"health", "versions", "proofs", "proposal", "missing", "publish", "authors"}, word); {
	case dead && strings.HasSuffix(what, "-publish"):
		runtime.Goexit() // a point of a goroutine beside the main one
	case dead && !beside:
		panic(died{})
	}
	return err
}

// tend notices the end of a life and begins the next when it is due.
func (p *process) tend() {
	if p.alive {
		select {
		case <-p.done:
			p.ended()
		default:
		}
		return
	}
	if !p.due.IsZero() && !time.Now().Before(p.due) && p.book != nil {
		p.due = time.Time{}
		p.start(p.book)
	}
}

// ended is the undertaker: the book is closed, and the next life is planned
// unless another process has the book by now.
func (p *process) ended() {
	p.alive = false
	if p.err != nil {
		p.sim.leaks.look("the last word of "+p.name, p.err.Error())
	}
	p.close()
	wait := time.Duration(5+p.sim.rng.IntN(600)) * time.Second
	switch {
	case p.book.holder != p.name:
		p.sim.tell("%s ends: %v", p.name, p.err)
		p.book = nil
	case p.err != nil:
		p.sim.tell("%s ends: %v", p.name, p.err)
		p.due = time.Now().Add(wait)
		p.book.limit = 0 // somebody made room
	default:
		p.due = time.Now().Add(wait)
		p.sim.fired(Restart)
		if p.sim.rng.IntN(8) == 0 {
			p.sim.fired(StoreLost)
			p.sim.tell("the store of %s is lost", p.name)
			p.book.mend()
			p.book, p.clone = p.sim.newBook(p.name), p.sim.world.Clone(p.name)
		}
	}
}

// stop ends a life in order.
func (p *process) stop() {
	if p.alive {
		p.end()
		<-p.done
		p.alive = false
	}
}

// close closes the store of the life.
func (p *process) close() {
	if p.life != nil {
		p.sim.leaks.measure(p.metrics)
	}
	if p.life != nil && p.store != nil {
		_ = p.store.Close() // a lease that was taken over cannot be given back
		p.store = nil
	}
}

// hint offers a hint; it is lost when the loop is busy.
func (p *process) hint(h loop.Hint) bool {
	if !p.alive || p.cut() {
		return false
	}
	select {
	case p.hints <- h:
		return true
	default:
		return false
	}
}
