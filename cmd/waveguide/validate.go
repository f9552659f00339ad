package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
)

func validateCommand(s streams) *cobra.Command {
	var file, output, checkout string
	c := &cobra.Command{
		Use: "validate", Short: "Check the daemon's file and the rules of a checkout", Args: alone,
		RunE: func(*cobra.Command, []string) error {
			_, rules, err := readRules(file, checkout, time.Now())
			var problems config.Problems
			if err != nil && !errors.As(err, &problems) {
				return err
			}
			if err := answer(s.out, output, append(config.Problems{}, problems...), func(w io.Writer) {
				if len(problems) == 0 {
					summary(w, rules)
				}
			}); err != nil {
				return err
			}
			if len(problems) > 0 {
				return fmt.Errorf("%d problem(s)\n%w", len(problems), problems)
			}
			return nil
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&checkout, "checkout", ".", "a checkout of the GitOps repository")
	outputFlag(c, &output)
	return c
}

// summary says in a few lines what is in force.
func summary(w io.Writer, r *config.Rules) {
	fmt.Fprintf(w, "ok: %d artifact(s) in %d lane(s)\n", len(r.Routes), len(lanes(r.Routes)))
	for _, e := range r.Exceptions {
		if !e.InForce {
			fmt.Fprintf(w, "exception %s is not in force: %s\n", e.Name, e.Why)
		}
	}
}

// readRules reads the daemon's file and the rules of a checkout of its first
// repository.
func readRules(file, checkout string, now time.Time) (*config.Daemon, *config.Rules, error) {
	d, err := readDaemon(file)
	if err != nil {
		return nil, nil, err
	}
	if len(d.Repositories) == 0 {
		return nil, nil, usage{fmt.Errorf("%s names no repository", file)}
	}
	r := d.Repositories[0]
	files, err := ruleFiles(checkout, r.Rules)
	if err != nil {
		return nil, nil, err
	}
	rules, err := config.ParseRules(files, d.Rules(r), now)
	return d, rules, err
}

// ruleFiles are the YAML files of the rules' folder.
func ruleFiles(checkout, folder string) ([]config.File, error) {
	var files []config.File
	top := filepath.Join(checkout, filepath.FromSlash(folder))
	root, err := os.OpenRoot(checkout)
	if err != nil {
		return nil, hinted{usage{fmt.Errorf("open the checkout: %w", err)}, "name the checkout of the GitOps repository with --checkout"}
	}
	defer func() { _ = root.Close() }()
	err = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		name, err := filepath.Rel(checkout, path)
		if err != nil {
			return err
		}
		data, err := root.ReadFile(name)
		files = append(files, config.File{Name: filepath.ToSlash(name), Data: data})
		return err
	})
	if err != nil {
		return nil, hinted{usage{fmt.Errorf("read the rules: %w", err)}, "name the checkout of the GitOps repository with --checkout"}
	}
	if len(files) == 0 {
		return nil, hinted{usage{fmt.Errorf("%s holds no rules", strings.TrimPrefix(top, "./"))}, "rules are YAML files, see deploy/example/env-gitops/.waveguide"}
	}
	return files, nil
}
