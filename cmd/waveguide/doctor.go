package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// finding is one line of doctor.
type finding struct {
	What  string `json:"what"`
	State string `json:"state"` // works, missing or risk
	Why   string `json:"why,omitempty"`
}

func doctorCommand(s streams) *cobra.Command {
	var file, output string
	c := &cobra.Command{
		Use: "doctor", Short: "Read forges, registries and signals as the daemon would, and say what is missing or could be bypassed", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := readDaemon(file)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Minute)
			defer cancel()
			found := examine(ctx, d)
			if err := answer(s.out, output, found, func(w io.Writer) {
				for _, f := range found {
					fmt.Fprintf(w, "%-8s %s%s\n", f.State, prose.Plain(f.What), after(prose.Plain(f.Why)))
				}
			}); err != nil {
				return err
			}
			for _, f := range found {
				if f.State == "missing" {
					return errors.New("something is missing: see above")
				}
			}
			return nil
		},
	}
	configFlag(c, &file)
	outputFlag(c, &output)
	return c
}

func after(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// patient collects what doctor finds, which is passed on: to tickets, to logs.
type patient struct {
	found   []finding
	secrets *secrets
}

// note says that something works, or what is missing.
func (p *patient) note(what string, err error) bool {
	f := finding{What: what, State: "works"}
	if err != nil {
		f.State, f.Why = "missing", p.secrets.redact(err.Error())
	}
	p.found = append(p.found, f)
	return err == nil
}

// risk says what could be bypassed.
func (p *patient) risk(what, why string) { p.found = append(p.found, finding{what, "risk", why}) }

// examine looks at everything the daemon's file names.
func examine(ctx context.Context, d *config.Daemon) []finding {
	p := &patient{secrets: newSecrets(d)}
	for _, k := range d.Trust.Keys {
		_, err := newOCI(d, nil).trusted.keys(k.Name)
		p.note("key "+k.Name, err)
	}
	p.roots(d)
	if d.Publish != nil {
		_, err := ourselves(d.Publish)
		p.note("publish: the key of "+d.Publish.Verifier, err)
	}
	p.signals(ctx, d)
	for _, r := range d.Repositories {
		p.forge(ctx, r)
		rules, err := p.readRules(ctx, d, r)
		if p.note(r.Name+": git and rules", err) {
			images, clusters := newOCI(d, nil), newClusters(d, r)
			images.secrets, clusters.secrets = p.secrets, p.secrets
			p.rules(ctx, images, r, rules)
			p.publishing(ctx, images, r, rules)
			p.clusters(ctx, clusters, r, rules)
		}
	}
	return p.found
}

// rules looks at the images of a repository's rules, and at what they leave open.
func (p *patient) rules(ctx context.Context, o *oci, r config.Repository, rules *config.Rules) {
	for _, route := range rules.Routes {
		client, repository, err := o.open(route.Image)
		if err == nil {
			_, err = client.Tags(ctx, repository)
		}
		p.note(r.Name+": image "+route.Image, err)
		for _, s := range lanes([]promoter.Route{route}) {
			if s.Gates.Signature == nil {
				p.risk(r.Name+": "+s.Lane.String(), "no signature is asked for: whoever may push a tag may promote it")
			}
			if s.Auto && len(s.Gates.Approval.Required) == 0 && s.Labels["stage"] == "prod" {
				p.risk(r.Name+": "+s.Lane.String(), "production is merged by the bot without any approval")
			}
		}
	}
}

// readRules reads the rules from the protected branch into a mirror of its
// own, beside a running daemon.
func (p *patient) readRules(ctx context.Context, d *config.Daemon, r config.Repository) (rules *config.Rules, err error) {
	dir, err := os.MkdirTemp("", "waveguide-doctor-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	own := *d
	own.StateDir = dir
	m, err := openMirror(ctx, &own, r, p.secrets)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	git := newRepo(m)
	up, err := git.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	files, err := git.Files(ctx, up.Head, r.Rules, "")
	if err != nil {
		return nil, err
	}
	list := make([]config.File, 0, len(files))
	for name, data := range files {
		list = append(list, config.File{Name: name, Data: data})
	}
	rules, err = config.ParseRules(list, d.Rules(r), time.Now())
	if rules != nil {
		p.owners(r, git, up.Head, rules.Routes)
	}
	return rules, err
}
