package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	headless bool
	until    string
	listen   string
	verbose  bool
}

func demoCommand(s streams) *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use: "demo", Short: "Play the whole story on loopback, with nothing installed", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.until != "" && o.until != "released" {
				return usage{fmt.Errorf("--until %q: the story ends when it is released", o.until)}
			}
			return demo(cmd.Context(), s, o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.headless, "headless", false, "play the reviewer too, print each step, and fail at the first difference")
	f.StringVar(&o.until, "until", "", "stop at this point of the story: released")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "where the page is served; with --headless a free port")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the daemon's log")
	return c
}

// demo starts a registry, a forge and environments on loopback, runs the real
// daemon on them, and tells the story.
func demo(ctx context.Context, s streams, o demoOptions) (err error) {
	dir, err := os.MkdirTemp("", "waveguide-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	world, err := newDemoWorld(ctx, g, dir)
	if err != nil {
		stop()
		return errors.Join(err, g.Wait())
	}
	if o.headless {
		o.listen = "127.0.0.1:0"
	}
	d, err := world.daemon(o.listen)
	if err != nil {
		stop()
		return errors.Join(err, g.Wait())
	}
	reg := prometheus.NewRegistry()
	w, err := wire(ctx, d, log, hooks{}, reg)
	if err != nil {
		stop()
		return errors.Join(err, g.Wait())
	}
	w.observe = world.looked
	world.wake = func() { w.hint(loop.Hint{}) }
	g.Go(func() error { return w.serve(ctx, reg) })
	g.Go(func() error {
		defer func() {
			if o.headless {
				stop()
			}
		}()
		return world.tell(ctx, s.out, o)
	})
	return errors.Join(g.Wait(), w.Close(), world.forge.Close())
}

// tell tells the story: the first part by itself, the rest with the reviewer,
// who is the person at the browser or, without one, the story itself.
func (d *demoWorld) tell(ctx context.Context, out io.Writer, o demoOptions) error {
	fmt.Fprintf(out, "forge        %s\n", d.forgeURL)
	if !o.headless {
		fmt.Fprintf(out, "page         http://%s\n\nOpen the page. Press Ctrl-C to end.\n\n", o.listen)
	}
	begin := time.Now()
	t := &teller{demoWorld: d, out: out, begin: begin, alone: o.headless}
	for _, step := range t.story() {
		if err := t.play(ctx, step); err != nil {
			if ctx.Err() != nil && !o.headless {
				return nil
			}
			return err
		}
	}
	fmt.Fprintf(out, "the story is told\n")
	if !o.headless && o.until == "" {
		<-ctx.Done()
	}
	return nil
}

// state is a file of the demo's folder.
func (d *demoWorld) state(name string) string { return filepath.Join(d.dir, name) }
