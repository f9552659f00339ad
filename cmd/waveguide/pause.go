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
				_, err = fmt.Fprintf(s.out, "%s: paused by issue %s; `waveguide resume %s` or closing it resumes\n", r.Name, id, strings.TrimPrefix(id, "#"))
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
	for kind, globs := range map[string][]string{"env": o.envs, "wave": o.waves, "artifact": o.arts} {
		if len(globs) > 0 {
			words = append(words, kind+":"+strings.Join(globs, ","))
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
		RunE: func(cmd *cobra.Command, ids []string) error {
			return eachForge(file, func(r config.Repository) error { return resume(cmd.Context(), s.out, r, ids) })
		},
	}
	configFlag(c, &file)
	return c
}

// resume closes pause issues of a repository, or lists those in force.
func resume(ctx context.Context, out io.Writer, r config.Repository, ids []string) error {
	forge, err := openForge(r, nil)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := forge.CloseIssue(ctx, id); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: issue %s is closed\n", r.Name, id)
	}
	if len(ids) > 0 {
		return nil
	}
	pauses, err := forge.Pauses(ctx)
	for _, p := range pauses {
		fmt.Fprintf(out, "%s: %s %q by %s since %s\n", r.Name, p.ID, p.Title, p.By.Name, p.Since.UTC().Format(time.RFC3339))
	}
	return err
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
