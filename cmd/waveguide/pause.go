package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
)

// pauseOptions say what is paused, and why.
type pauseOptions struct {
	config, reason, until string
	all                   bool
	envs, waves, arts     []string
}

func pauseCommand(s streams) *cobra.Command {
	var o pauseOptions
	c := &cobra.Command{
		Use: "pause", Short: "Stop promotions by opening a pause issue in every repository", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			title, err := o.title()
			if err != nil {
				return err
			}
			return eachForge(o.config, func(r config.Repository) error {
				forge, err := openForge(r, nil)
				if err != nil {
					return err
				}
				id, err := forge.OpenIssue(cmd.Context(), title, o.reason, []string{gitops.LabelPause})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.out, "%s: paused by issue %s; `waveguide resume %s#%s` or closing it resumes\n", r.Name, id, r.Name, strings.TrimPrefix(id, "#"))
				return err
			})
		},
	}
	configFlag(c, &o.config)
	f := c.Flags()
	f.BoolVar(&o.all, "all", false, "stop everything")
	f.StringSliceVar(&o.envs, "env", nil, "environments to stop (globs)")
	f.StringSliceVar(&o.waves, "wave", nil, "waves to stop, as promotion/wave (globs)")
	f.StringSliceVar(&o.arts, "artifact", nil, "artifacts to stop (globs)")
	f.StringVar(&o.until, "until", "", "when it ends, RFC 3339 with an offset")
	f.StringVar(&o.reason, "reason", "", "why")
	return c
}

// title writes the tokens of a pause issue.
func (o pauseOptions) title() (string, error) {
	words := []string{"pause"}
	for _, kind := range []struct {
		word  string
		globs []string
	}{{"env", o.envs}, {"wave", o.waves}, {"artifact", o.arts}} {
		if len(kind.globs) > 0 {
			words = append(words, kind.word+":"+strings.Join(kind.globs, ","))
		}
	}
	switch {
	case o.all && len(words) > 1:
		return "", usage{fmt.Errorf("--all stops everything, so it goes with no other scope")}
	case o.all:
		words = append(words, "scope:all")
	case len(words) == 1:
		return "", usage{fmt.Errorf("say what to stop: --all, --env, --wave or --artifact")}
	}
	if o.until != "" {
		t, err := time.Parse(time.RFC3339, o.until)
		if err != nil {
			return "", usage{fmt.Errorf("--until %q is no RFC 3339 time such as 2026-11-21T08:00:00Z", o.until)}
		}
		words = append(words, "until:"+t.UTC().Format(time.RFC3339))
	}
	title := strings.Join(words, " ")
	if p := gitops.ParsePause(title); len(p.Unread) > 0 {
		return "", usage{fmt.Errorf("%s is no pattern", p.Unread[0])}
	}
	return title, nil
}

func resumeCommand(s streams) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "resume [ISSUE...]", Short: "Close pause issues; without a number it lists those in force",
		Long: "Resume closes pause issues, named by their number or, where several repositories have a pause of that number, as\n" +
			"REPOSITORY#NUMBER. No other issue is closed. Without a number it lists the pauses in force.",
		RunE: func(cmd *cobra.Command, ids []string) error {
			all, err := pausesInForce(cmd.Context(), file)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				for _, p := range all {
					fmt.Fprintf(s.out, "%s: %s %q by %s since %s\n", p.repository, p.ID, p.Title, p.By.Name, p.Since.UTC().Format(time.RFC3339))
				}
				return nil
			}
			return resume(cmd.Context(), s.out, all, ids)
		},
	}
	configFlag(c, &file)
	return c
}

// inForce is a pause where it is.
type inForce struct {
	gitops.Pause

	repository string
	forge      forge
}

func pausesInForce(ctx context.Context, file string) ([]inForce, error) {
	var all []inForce
	err := eachForge(file, func(r config.Repository) error {
		forge, err := openForge(r, nil)
		if err != nil {
			return err
		}
		list, err := forge.Pauses(ctx)
		for _, p := range list {
			p.ID = strings.TrimPrefix(p.ID, "#")
			all = append(all, inForce{p, r.Name, forge})
		}
		return err
	})
	return all, err
}

// resume closes the issues of pauses: all that are named, or none.
func resume(ctx context.Context, out io.Writer, all []inForce, ids []string) error {
	var ending []inForce
	for _, id := range ids {
		var named []inForce
		var names []string
		for _, p := range all {
			if full := p.repository + "#" + p.ID; strings.TrimPrefix(id, "#") == p.ID || id == full {
				named, names = append(named, p), append(names, full)
			}
		}
		switch len(named) {
		case 0:
			return hinted{usage{fmt.Errorf("issue %.80q is no pause in force", id)}, "`waveguide resume` lists those in force"}
		case 1:
			ending = append(ending, named[0])
		default:
			return usage{fmt.Errorf("issue %s is a pause in %d repositories: write which, of %s", id, len(named), strings.Join(names, ", "))}
		}
	}
	for _, p := range ending {
		if err := p.forge.CloseIssue(ctx, p.ID); err != nil {
			return fmt.Errorf("repository %s: %w", p.repository, err)
		}
		fmt.Fprintf(out, "%s: issue %s is closed\n", p.repository, p.ID)
	}
	return nil
}

// eachForge does something on the forge of every repository.
func eachForge(file string, do func(config.Repository) error) error {
	d, err := readDaemon(file)
	if err != nil {
		return err
	}
	for _, r := range d.Repositories {
		if err := do(r); err != nil {
			return fmt.Errorf("repository %s: %w", r.Name, err)
		}
	}
	return nil
}
