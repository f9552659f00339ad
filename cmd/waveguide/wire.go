package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/discreet"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// daemon is everything that is open, and how to close it.
type daemon struct {
	// config is the daemon's file as it was at the start; own is what of it may
	// change without a restart.
	config *config.Daemon
	own    *ownFile
	// secrets are kept out of what others see.
	secrets *secrets
	log     *slog.Logger
	store   *store.Store
	oci     *oci
	health  *healthSources
	// loops and rulebooks are those of the repositories, in their order.
	loops     []*loop.Loop
	rulebooks []*rulebook
	hints     []chan loop.Hint
	budgets   *budgets
	close     []func() error
	// observe sees every look, beside the page.
	observe func(loop.View)
}

// readDaemon reads and checks the daemon's file.
func readDaemon(path string) (*config.Daemon, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, hinted{usage{fmt.Errorf("read the daemon's file: %w", err)}, "name it with --config, or see deploy/example/waveguide.yaml"}
	}
	d, err := config.ParseDaemon(path, data)
	if err == nil && d.Store != "" && !strings.HasPrefix(d.Store, "sqlite:") {
		kind, _, _ := strings.Cut(d.Store, ":") // the rest may hold a password
		return nil, hinted{usage{fmt.Errorf("%s: a store of kind %s is not kept by this build", path, kind)}, "write sqlite:/path/to/waveguide.db"}
	}
	return d, err
}

// wire opens the adapters that the daemon's file names and makes one loop for
// each repository. Nothing starts.
func wire(ctx context.Context, d *config.Daemon, log *slog.Logger, h hooks, metrics prometheus.Registerer) (w *daemon, err error) {
	w = &daemon{config: d, own: &ownFile{config: d}, secrets: newSecrets(d), log: log, budgets: newBudgets(), observe: func(loop.View) {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	path, err := storePath(d)
	if err != nil {
		return w, err
	}
	host, err := os.Hostname()
	if err != nil {
		return w, err
	}
	w.store, err = store.Open(ctx, store.Options{Path: path, Holder: fmt.Sprintf("%s:%d", host, os.Getpid())})
	if err != nil {
		return w, err
	}
	w.close = append(w.close, w.store.Close)
	w.oci = newOCI(d, w.store)
	w.oci.secrets = w.secrets
	questions := signalQuestions()
	metrics.MustRegister(questions)
	w.health = w.openHealth(questions)
	m := loop.NewMetrics(metrics)
	for _, r := range d.Repositories {
		if err := w.repository(ctx, r, h, m); err != nil {
			return w, fmt.Errorf("repository %s: %w", r.Name, err)
		}
	}
	metrics.MustRegister(w.budgets)
	return w, nil
}

// repository makes the loop of one repository.
func (w *daemon) repository(ctx context.Context, r config.Repository, h hooks, m *loop.Metrics) error {
	forge, err := openForge(r, w.secrets)
	if err != nil {
		return err
	}
	remembering(forge, w.store, r.Name)
	w.budgets.forges[r.Name] = forge
	mirror, err := openMirror(ctx, w.config, r, w.secrets)
	if err != nil {
		return err
	}
	w.close = append(w.close, mirror.Close)
	rules := newRulebook(w.config, r, w.health)
	w.rulebooks = append(w.rulebooks, rules)
	hints := make(chan loop.Hint, maxHints)
	w.hints = append(w.hints, hints)
	git := newRepo(mirror)
	// The loop reads charts at the head, and health where clusters are: each
	// remembers its own commit.
	rules.trees, rules.sources = git, &charts{Mirror: mirror}
	rules.clusters.secrets = w.secrets
	o := loop.Options{
		Repository: r.Name, RulesDir: r.Rules, Repo: git, History: git, Branches: git, Forge: forge, Proposer: forge, Marker: forge, Talker: forge, Reporter: forge, Authors: authors(forge), Queue: forge,
		Registry: w.oci, Prover: w.oci, Health: rules, Rules: heeding(forge, rules), Writer: fitted{prose.Proposal{}, forge.Limits()}, Store: w.store,
		Log: w.log.With("repository", r.Name), Metrics: m, Email: r.Commit.Email, Hints: hints, Crash: h.crash, Witness: git.Witness, Publisher: publishing(w.config, w.oci),
		Poll: polls(w.config, r), HumanChanges: loop.HumanChanges(r.HumanChanges), Target: w.page,
		Right: right(r.Forge.Releasers), Owners: git.owners(r), Paused: w.own.paused, Sources: &charts{Mirror: mirror},
	}
	w.loops = append(w.loops, loop.New(discreet.Options(o, w.secrets.redact)))
	return nil
}

// page is the address of a lane's page, or of the whole page for no lane; empty
// if nobody said where it is reached.
func (w *daemon) page(at gitops.Lane) string {
	base := strings.TrimSuffix(w.config.ExternalURL, "/")
	if base == "" || at == (gitops.Lane{}) {
		return base
	}
	return base + "/lane/" + url.PathEscape(at.Environment) + "/" + url.PathEscape(at.Artifact)
}

// polls says how often to look without a hint: the registries' shortest time
// for versions, the repository's own for Git and the forge.
func polls(d *config.Daemon, r config.Repository) loop.Poll {
	p := loop.Poll{Repository: r.PollEvery, Versions: 2 * time.Minute, Health: 15 * time.Second, Gap: 2 * time.Minute}
	if p.Repository == 0 {
		p.Repository = 30 * time.Second
	}
	for _, c := range d.Registries {
		if c.PollEvery > 0 {
			p.Versions = min(p.Versions, c.PollEvery)
		}
	}
	p.Health = min(p.Health, p.Repository)
	return p
}

// openMirror makes the mirror of a repository; the remote is not asked yet. The
// secrets may be nil.
func openMirror(ctx context.Context, d *config.Daemon, r config.Repository, kept *secrets) (*mirror.Mirror, error) {
	o := mirror.Options{
		Dir: filepath.Join(stateDir(d), "mirror", r.Name), URL: r.URL, Branch: r.Branch,
		Identity: mirror.Identity{Name: r.Commit.Name, Email: r.Commit.Email}, Credentials: gitCredentials(r, kept),
	}
	if r.Credentials != nil {
		o.SSH.File = r.Credentials.SSHKey.File
	}
	if u, err := url.Parse(r.URL); err == nil && strings.HasPrefix(u.Scheme, "http") {
		if o.HTTP, err = newHTTPClient(httpLimits{Timeout: 15 * time.Minute, CAFile: r.Forge.CAFile, AllowHosts: []string{u.Hostname()}, Secrets: kept}); err != nil {
			return nil, err
		}
	}
	if key := r.Commit.SigningKey; !key.IsZero() {
		pem, err := secret(key)
		if err != nil {
			return nil, fmt.Errorf("commit signing key: %w", err)
		}
		if o.Signer, err = mirror.ParseSigner([]byte(pem+"\n"), nil); err != nil {
			return nil, fmt.Errorf("commit signing key: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o750); err != nil {
		return nil, err
	}
	return mirror.Open(ctx, o)
}

// gitCredentials are those of the repository, or the forge's token where the
// forge serves Git itself.
func gitCredentials(r config.Repository, kept *secrets) func(context.Context) (string, string, error) {
	if r.Credentials == nil && r.Forge.App != nil && strings.HasPrefix(r.URL, "http") {
		return appGit(r, kept)
	}
	return func(context.Context) (string, string, error) {
		c := r.Credentials
		switch {
		case c == nil && strings.HasPrefix(r.URL, "http"):
			return forgeGit(r)
		case c == nil:
			return "", "", nil
		case !c.Token.IsZero():
			token, err := secret(c.Token)
			return "", token, err
		}
		user, err := secret(c.Username)
		if err != nil {
			return "", "", err
		}
		password, err := secret(c.Password)
		return user, password, err
	}
}

// forgeName is the repository's name on the forge: the last part of its URL.
func forgeName(r config.Repository) string {
	name := strings.TrimSuffix(strings.TrimSuffix(r.URL, "/"), ".git")
	return name[strings.LastIndexByte(name, '/')+1:]
}

func newOCI(d *config.Daemon, s *store.Store) *oci {
	o := &oci{daemon: d, store: s, registries: map[string]*registryClient{}}
	o.trusts(d.Trust)
	return o
}

func stateDir(d *config.Daemon) string {
	if d.StateDir != "" {
		return d.StateDir
	}
	if path, ok := strings.CutPrefix(d.Store, "sqlite:"); ok {
		return filepath.Dir(path)
	}
	return "/var/lib/waveguide"
}

// storePath is the file of the database; its folder is made.
func storePath(d *config.Daemon) (string, error) {
	path := filepath.Join(stateDir(d), "waveguide.db")
	if file, ok := strings.CutPrefix(d.Store, "sqlite:"); ok {
		path = file
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("make the folder of the store: %w", err)
	}
	return path, nil
}

// Close closes what was opened, in reverse.
func (w *daemon) Close() error {
	var errs []error
	for _, end := range slices.Backward(w.close) {
		errs = append(errs, end())
	}
	w.close = nil
	return errors.Join(errs...)
}

// maxHints bounds how many hints wait for a loop; with more, some are lost,
// which costs time and nothing else.
const maxHints = 64

// hint wakes every loop.
func (w *daemon) hint(h loop.Hint) {
	for _, c := range w.hints {
		select {
		case c <- h:
		default:
		}
	}
}
