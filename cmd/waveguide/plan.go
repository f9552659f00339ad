package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// planOptions are the flags of plan and explain.
type planOptions struct {
	config, checkout, facts, at, output string
}

func (o *planOptions) flags(c *cobra.Command) {
	configFlag(c, &o.config)
	c.Flags().StringVar(&o.checkout, "checkout", "", "decide offline about this checkout of the GitOps repository")
	c.Flags().StringVar(&o.facts, "facts", "", "with --checkout: a file of facts, see docs/facts.md")
	c.Flags().StringVar(&o.at, "at", "", "with --checkout: decide as of this instant (RFC 3339)")
	outputFlag(c, &o.output)
}

func planCommand(s streams) *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use: "plan", Short: "Show what would be proposed and what blocks the rest; writes nothing", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			look, err := o.look(cmd.Context())
			if err != nil {
				return err
			}
			return answer(s.out, o.output, append([]promoter.Plan{}, look.Plans...), func(w io.Writer) {
				if o.checkout != "" && o.facts == "" {
					fmt.Fprintln(w, "! no --facts: nothing is known here of versions, proofs and health (docs/facts.md)")
				}
				printPlans(w, look, o.checkout)
			})
		},
	}
	o.flags(c)
	return c
}

func explainCommand(s streams) *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use: "explain ARTIFACT ENVIRONMENT", Short: "Show every gate of one artifact in one environment", Args: explained,
		RunE: func(cmd *cobra.Command, args []string) error {
			look, err := o.look(cmd.Context())
			if err != nil {
				return err
			}
			for _, p := range look.Plans {
				for _, l := range p.Lanes {
					if l.Lane.Artifact == args[0] && l.Lane.Environment == args[1] {
						return answer(s.out, o.output, l, func(w io.Writer) { fmt.Fprint(w, prose.Explain(l, look.Now)) })
					}
				}
			}
			return hinted{usage{fmt.Errorf("no promotion takes %s to %s", args[0], args[1])}, "`waveguide plan` lists every artifact and environment"}
		},
	}
	o.flags(c)
	return c
}

// explained refuses anything but two arguments.
func explained(_ *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return hinted{usage{fmt.Errorf("explain takes ARTIFACT and ENVIRONMENT, and there are %d arguments", len(args))}, "for example `waveguide explain shop dev`"}
}

// look decides about a checkout, or about the configured world as it is now.
func (o *planOptions) look(ctx context.Context) (loop.View, error) {
	if o.checkout == "" {
		if o.facts != "" || o.at != "" {
			return loop.View{}, usage{errors.New("--facts and --at go with --checkout: the world has its own facts and its own time")}
		}
		return o.world(ctx)
	}
	now := time.Now().UTC()
	if o.at != "" {
		t, err := time.Parse(time.RFC3339, o.at)
		if err != nil {
			return loop.View{}, usage{fmt.Errorf("--at %q is no RFC 3339 time such as 2026-11-21T08:00:00Z", o.at)}
		}
		now = t.UTC()
	}
	return offline(o.config, o.checkout, o.facts, now)
}

// world looks once at the configured world with a store of its own, so that it
// can run beside the daemon; nothing is written anywhere else.
func (o *planOptions) world(ctx context.Context) (loop.View, error) {
	d, err := readDaemon(o.config)
	if err != nil {
		return loop.View{}, err
	}
	dir, err := os.MkdirTemp("", "waveguide-plan-")
	if err != nil {
		return loop.View{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	copied, err := beside(ctx, d, dir)
	if err != nil {
		return loop.View{}, err
	}
	w, err := wire(ctx, copied, slog.New(slog.DiscardHandler), hooks{}, prometheus.NewRegistry())
	if err != nil {
		return loop.View{}, err
	}
	view := loop.View{Now: time.Now().UTC(), Silent: map[string]string{}}
	for _, l := range w.loops {
		v := l.Look(ctx)
		view.Plans = append(view.Plans, v.Plans...)
		view.Lanes = append(view.Lanes, v.Lanes...)
		view.Problems = append(view.Problems, v.Problems...)
		maps.Copy(view.Silent, v.Silent)
	}
	return view, w.Close()
}

// printPlans prints every lane, with the difference of what would be proposed
// where a checkout is at hand.
func printPlans(w io.Writer, v loop.View, checkout string) {
	for _, p := range v.Problems {
		fmt.Fprintf(w, "! %s\n", prose.Plain(p))
	}
	for _, source := range slices.Sorted(maps.Keys(v.Silent)) {
		fmt.Fprintf(w, "! %s: %s\n", source, prose.Plain(v.Silent[source]))
	}
	for _, p := range v.Plans {
		for _, l := range p.Lanes {
			fmt.Fprintln(w, prose.Summary(l))
			if l.Change == nil {
				continue
			}
			fmt.Fprintf(w, "  => %s\n", prose.Plain(l.Change.String()))
			if checkout != "" {
				fmt.Fprint(w, wouldWrite(checkout, v, l))
			}
		}
	}
}

// wouldWrite is the difference that a lane's change would make in a checkout.
func wouldWrite(checkout string, v loop.View, l promoter.LanePlan) string {
	var out strings.Builder
	files := map[string][]byte{}
	for _, file := range filesOf(v, l.Lane) {
		src, err := os.ReadFile(filepath.Join(checkout, filepath.FromSlash(file)))
		if err != nil {
			fmt.Fprintf(&out, "  %s\n", err)
			continue
		}
		files[file] = src
	}
	image, stop := routed(v, l.Lane)
	r, err := requested(checkout, files, image, stop)
	if err != nil {
		fmt.Fprintf(&out, "  %s\n", err)
	}
	revision := ""
	for _, k := range slices.Concat(v.Lanes...) {
		if k.Lane == l.Lane {
			_, revision = k.Facts.Revision(l.Candidate.Digest)
		}
	}
	edited, err := loop.Edited(files, r, stop.Metadata, l.Change.To, revision)
	if err != nil {
		fmt.Fprintf(&out, "  refused: %s\n", err)
	}
	for _, file := range slices.Sorted(maps.Keys(edited)) {
		out.WriteString(difference(file, files[file], edited[file]))
	}
	return out.String()
}

// routed is where the rules speak of a lane.
func routed(v loop.View, at gitops.Lane) (image string, stop promoter.Stop) {
	for _, r := range v.Routes {
		for _, w := range r.Waves {
			for _, s := range w.Stops {
				if s.Lane == at {
					return r.Image, s
				}
			}
		}
	}
	return "", promoter.Stop{}
}

// filesOf are the files that name a lane's artifact, each once.
func filesOf(v loop.View, at gitops.Lane) []string {
	var files []string
	for _, k := range slices.Concat(v.Lanes...) {
		if k.Lane != at {
			continue
		}
		for _, p := range k.Desired.Places {
			if !slices.Contains(files, p.File) {
				files = append(files, p.File)
			}
		}
	}
	return files
}

// beside is the daemon's configuration with a store and mirrors of its own,
// filled with what the running daemon remembers.
func beside(ctx context.Context, d *config.Daemon, dir string) (*config.Daemon, error) {
	own := *d
	own.StateDir, own.Store = dir, "sqlite:"+filepath.Join(dir, "waveguide.db")
	path, err := storePath(d)
	if err != nil {
		return nil, err
	}
	return &own, copyMemory(ctx, path, filepath.Join(dir, "waveguide.db"))
}
