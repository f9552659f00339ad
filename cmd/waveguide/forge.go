package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/local"
)

// forgeUser is one line of the users' file.
type forgeUser struct {
	Name       string            `yaml:"name"`
	TokenFile  string            `yaml:"tokenFile"`
	TokenEnv   string            `yaml:"tokenEnv"`
	Permission gitops.Permission `yaml:"permission"`
	Teams      []string          `yaml:"teams"`
	Bot        bool              `yaml:"bot"`
}

func forgeCommand(s streams) *cobra.Command {
	var dir, address, users, branch string
	var repositories, hosts []string
	c := &cobra.Command{
		Use: "forge", Short: "Serve the embedded forge: Git, proposals, reviews and issues for one team", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			people, err := readUsers(users)
			if err != nil {
				return err
			}
			f, err := local.New(local.Options{Dir: dir, Users: people, Protected: branch, Hosts: hosts})
			if err != nil {
				return err
			}
			for _, name := range repositories {
				if err := f.Create(name); err != nil {
					return errors.Join(err, f.Close())
				}
			}
			log := slog.New(slog.NewTextHandler(s.err, nil))
			return errors.Join(serveForge(cmd.Context(), log, f, address), f.Close())
		},
	}
	fl := c.Flags()
	fl.StringVar(&dir, "dir", "forge", "the folder of the repositories")
	fl.StringVar(&address, "listen", "127.0.0.1:8090", "where to serve")
	fl.StringVar(&users, "users", "users.yaml", "a list of users: name, tokenFile or tokenEnv, permission, teams, bot")
	fl.StringVar(&branch, "branch", "main", "the protected branch")
	fl.StringArrayVar(&repositories, "create", nil, "create this repository if it is not there")
	fl.StringArrayVar(&hosts, "host", nil, "a name the forge answers to, beside loopback names")
	return c
}

func serveForge(ctx context.Context, log *slog.Logger, f *local.Server, address string) error {
	g, ctx := errgroup.WithContext(ctx)
	if err := listen(ctx, g, log, "forge", address, f); err != nil {
		return err
	}
	return g.Wait()
}

// readUsers reads the users' file strictly; tokens stay in their own places.
func readUsers(path string) ([]local.User, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, hinted{usage{err}, "write one with lines such as {name: ana, tokenFile: ana.token, permission: write}"}
	}
	var list []forgeUser
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&list); err != nil {
		return nil, usage{fmt.Errorf("%s: %w", path, err)}
	}
	people := make([]local.User, 0, len(list))
	for _, u := range list {
		token, err := secret(config.Secret{File: u.TokenFile, Env: u.TokenEnv})
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", u.Name, err)
		}
		people = append(people, local.User{Name: u.Name, Token: token, Permission: u.Permission, Teams: u.Teams, Bot: u.Bot})
	}
	return people, nil
}
