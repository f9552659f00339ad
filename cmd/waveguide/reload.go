package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// ownFile is the daemon's file as it is in force: whom it trusts, what it
// pauses and the floor under the rules may change while the daemon runs.
// Connections are made once.
type ownFile struct {
	path string // empty: it is not followed

	mu     sync.Mutex
	config *config.Daemon
	broken error
}

// paused implements [loop.Options].Paused. While the file cannot be used nobody
// knows whether it pauses, or revokes what is about to move.
func (f *ownFile) paused() (*gitops.Pause, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil || f.config.Paused == nil {
		return nil, f.broken
	}
	return &gitops.Pause{ID: "the daemon's file", Title: f.config.Paused.Reason, Until: f.config.Paused.Until}, nil
}

// inForce is the newest file that could be used.
func (f *ownFile) inForce() *config.Daemon {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config
}

// take puts a file in force, or says why none is.
func (f *ownFile) take(d *config.Daemon, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken = err; err == nil {
		f.config = d
	}
}

// reloadEvery is how often the daemon's file is read, and the files that it
// trusts; more often where a repository is.
const reloadEvery = 5 * time.Second

// reload follows the daemon's file until the context ends. A change counts when
// it reads the same twice, so that a file that is being written is not taken
// for a shorter one.
func (w *daemon) reload(ctx context.Context) error {
	if w.own.path == "" {
		return nil
	}
	every := reloadEvery
	for _, r := range w.config.Repositories {
		if r.PollEvery > 0 {
			every = min(every, r.PollEvery)
		}
	}
	t := time.NewTicker(every)
	defer t.Stop()
	before := readOwn(w.own.path, w.config.Trust)
	if d, err := before.parse(w.own.path); err != nil || !reflect.DeepEqual(d, w.config) {
		before.sum = [sha256.Size]byte{} // it changed since the start
	}
	settling := before
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		now := readOwn(w.own.path, w.own.inForce().Trust)
		if now.sum != before.sum && now.sum == settling.sum {
			w.reloaded(ctx, now)
			before = readOwn(w.own.path, w.own.inForce().Trust) // with the files it trusts now
		}
		settling = now
	}
}

// reloaded puts a changed file in force and has everything judged by it.
func (w *daemon) reloaded(ctx context.Context, read ownRead) {
	d, err := read.parse(w.own.path)
	if err != nil {
		w.own.take(nil, err)
		w.log.ErrorContext(ctx, "the daemon's file cannot be used: the last good one stays in force and nothing advances", "file", w.own.path, "error", err)
	} else {
		waiting := restarts(w.config, d)
		d = merge(w.config, d)
		w.own.take(d, nil)
		w.oci.trusts(d.Trust)
		w.lowered(d)
		w.log.InfoContext(ctx, "the daemon's file was read anew", "file", w.own.path)
		if len(waiting) > 0 {
			w.log.WarnContext(ctx, "the daemon's file changed in what needs a restart", "file", w.own.path, "keys", strings.Join(waiting, ", "))
		}
	}
	for _, c := range w.hints {
		select {
		case c <- loop.Hint{Daemon: true}:
		case <-ctx.Done():
		}
	}
}

// lowered lays the floor of a file under the rules of every repository.
func (w *daemon) lowered(d *config.Daemon) {
	for _, b := range w.rulebooks {
		for _, r := range d.Repositories {
			if r.Name == b.with.Name {
				with := d.Rules(r)
				b.floor.Store(&with)
			}
		}
	}
}

// ownRead is what a reading of the daemon's file found.
type ownRead struct {
	data []byte
	err  error
	// sum names the file and all that it trusts.
	sum [sha256.Size]byte
}

// mostOwn bounds the daemon's file and each file that it trusts.
const mostOwn = 4 << 20

// readOwn reads the daemon's file, and the keys and roots that a trust names.
func readOwn(path string, t config.Trust) ownRead {
	sum := sha256.New()
	add := func(path string) ([]byte, error) {
		data, err := readBounded(path, mostOwn)
		fmt.Fprintf(sum, "%q %q %v\n", path, data, err)
		return data, err
	}
	var out ownRead
	out.data, out.err = add(path)
	files := []string{t.Sigstore.TrustedRootFile}
	for _, r := range t.Roots {
		files = append(files, r.File)
	}
	for _, k := range t.Keys {
		files = append(files, k.File)
	}
	for _, file := range slices.DeleteFunc(files, func(f string) bool { return f == "" }) {
		_, _ = add(file) // who needs it says that it cannot be read
	}
	sum.Sum(out.sum[:0])
	return out
}

func readBounded(path string, limit int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(f, limit+1)); int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, err
}

func (r ownRead) parse(path string) (*config.Daemon, error) {
	if r.err != nil {
		return nil, r.err
	}
	return config.ParseDaemon(path, r.data)
}

// merge is the file of the start with what a newer one may change.
func merge(began, newer *config.Daemon) *config.Daemon {
	out := *began
	out.Trust, out.Paused = newer.Trust, newer.Paused
	out.Repositories = slices.Clone(began.Repositories)
	for i, r := range out.Repositories {
		if n := slices.IndexFunc(newer.Repositories, func(o config.Repository) bool { return o.Name == r.Name }); n >= 0 {
			out.Repositories[i].Floor, out.Repositories[i].Governance = newer.Repositories[n].Floor, newer.Repositories[n].Governance
		}
	}
	return &out
}

// restarts are the keys of the file in which a newer one differs from what was
// made of it at the start.
func restarts(began, newer *config.Daemon) []string {
	a, b := reflect.ValueOf(*merge(newer, began)), reflect.ValueOf(*began)
	var keys []string
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
			keys = append(keys, cmp.Or(key, a.Type().Field(i).Name))
		}
	}
	return keys
}
