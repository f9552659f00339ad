package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/gitops/local"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// demoWorld is everything that the demo's daemon works on: a registry, a
// forge, and environments that roll out what is merged.
type demoWorld struct {
	dir      string
	image    string
	forgeURL string
	envsURL  string
	forge    *local.Server
	signer   *signer.Signer
	you      *local.Client
	wake     func()

	mu      sync.Mutex
	view    loop.View
	changed chan struct{}
	runs    map[string]rollout
	// bad maps an environment to a digest that is unhealthy there.
	bad map[string]string
}

// rollout is what an environment runs: the version before until the new one is
// ready.
type rollout struct {
	digest, before string
	ready          time.Time
}

// running is the digest that serves.
func (r rollout) running() string {
	if time.Now().Before(r.ready) {
		return r.before
	}
	return r.digest
}

const (
	demoBotToken = "demo-bot-token" //nolint:gosec // opens nothing but the demo's own forge on loopback
	demoYouToken = "demo-you-token"
	demoRollout  = time.Second
)

// newDemoWorld starts the servers; they stop with the context.
func newDemoWorld(ctx context.Context, g *errgroup.Group, dir string) (*demoWorld, error) {
	d := &demoWorld{dir: dir, changed: make(chan struct{}), runs: map[string]rollout{}, bad: map[string]string{}, wake: func() {}}
	var err error
	if d.signer, err = signer.Generate(); err != nil {
		return nil, err
	}
	reg, err := d.serve(ctx, g, registry.New(registry.Logger(discard()), registry.WithReferrersSupport(true)))
	if err != nil {
		return nil, err
	}
	d.image = strings.TrimPrefix(reg, "http://") + "/acme/shop"
	d.forge, err = local.New(local.Options{
		Dir: d.state("forge"), LoopbackUser: "you", OnChange: func(string) { d.wake() },
		Users: []local.User{
			{Name: "waveguide", Token: demoBotToken, Permission: gitops.PermissionWrite, Bot: true},
			{Name: "you", Token: demoYouToken, Permission: gitops.PermissionAdmin, Teams: []string{"@acme/owners"}},
		},
	})
	if err != nil {
		return nil, err
	}
	if err := d.forge.Create("gitops"); err != nil {
		return nil, err
	}
	if d.forgeURL, err = d.serve(ctx, g, d.forge); err != nil {
		return nil, err
	}
	if d.envsURL, err = d.serve(ctx, g, http.HandlerFunc(d.environment)); err != nil {
		return nil, err
	}
	u, err := url.Parse(d.forgeURL)
	if err != nil {
		return nil, err
	}
	client, err := newHTTPClient(httpLimits{AllowHosts: []string{u.Hostname()}})
	if err != nil {
		return nil, err
	}
	d.you = local.NewClient(local.ClientOptions{
		BaseURL: d.forgeURL, Repository: "gitops", HTTP: client,
		Token: func(context.Context) (string, error) { return demoYouToken, nil },
	})
	first, err := d.publish(ctx, "1.0.0", true)
	if err != nil {
		return nil, err
	}
	if err := d.seed(first); err != nil {
		return nil, err
	}
	g.Go(func() error { return d.reconcile(ctx) })
	return d, nil
}

// serve serves a handler on a free loopback port and returns its address.
func (d *demoWorld) serve(ctx context.Context, g *errgroup.Group, h http.Handler) (string, error) {
	var lc net.ListenConfig
	probe, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := probe.Addr().String()
	if err := probe.Close(); err != nil {
		return "", err
	}
	return "http://" + address, listen(ctx, g, slog.New(slog.DiscardHandler), "demo", address, h)
}

// publish pushes an image, and signs it.
func (d *demoWorld) publish(ctx context.Context, tag string, signed bool) (string, error) {
	img, err := random.Image(256, 1)
	if err != nil {
		return "", err
	}
	ref, err := name.NewTag(d.image + ":" + tag)
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	subject := ref.Context().Digest(digest.String())
	// The digest is signed before a tag makes it a version, as a careful build does.
	if err := remote.Write(subject, img, remote.WithContext(ctx)); err != nil {
		return "", err
	}
	if signed {
		if err := d.signer.Sign(ctx, subject, remote.WithContext(ctx)); err != nil {
			return "", err
		}
	}
	if err := remote.Tag(ref, img, remote.WithContext(ctx)); err != nil {
		return "", err
	}
	d.wake()
	return digest.String(), nil
}

// daemon writes the daemon's file and the key, and reads them as run would.
func (d *demoWorld) daemon(address string) (*config.Daemon, error) {
	pem, err := d.signer.PublicKey()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(d.state("release.pub"), pem, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(d.state("token"), []byte(demoBotToken), 0o600); err != nil {
		return nil, err
	}
	text := strings.NewReplacer(
		"$LISTEN", address, "$DIR", d.dir, "$FORGE", d.forgeURL, "$ENVS", d.envsURL, "$HOST", strings.SplitN(d.image, "/", 2)[0],
	).Replace(demoDaemon)
	file := d.state("waveguide.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return readDaemon(file)
}

// environment answers the probes: what runs, and how it is.
func (d *demoWorld) environment(w http.ResponseWriter, r *http.Request) {
	env := strings.Trim(r.URL.Path, "/")
	d.mu.Lock()
	run, bad := d.runs[env], d.bad[env]
	d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	status := "ok"
	if bad != "" && run.running() == bad {
		w.WriteHeader(http.StatusInternalServerError)
		status = "errors"
	}
	fmt.Fprintf(w, `{"status": %q, "digest": %q}`, status, run.running())
}

// reconcile rolls out what main names, as a GitOps controller would.
func (d *demoWorld) reconcile(ctx context.Context) error {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		for _, env := range demoEnvironments() {
			digest, err := d.desired(env)
			if err != nil {
				return err
			}
			d.mu.Lock()
			if was := d.runs[env]; was.digest == "" {
				d.runs[env] = rollout{digest: digest}
			} else if was.digest != digest {
				d.runs[env] = rollout{digest: digest, before: was.running(), ready: time.Now().Add(demoRollout)}
			}
			d.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// desired is the digest that main names for an environment.
func (d *demoWorld) desired(env string) (string, error) {
	repository, err := git.PlainOpen(filepath.Join(d.state("forge"), "gitops.git"))
	if err != nil {
		return "", err
	}
	ref, err := repository.Reference(plumbing.NewBranchReferenceName("main"), true)
	if err != nil {
		return "", err
	}
	commit, err := repository.CommitObject(ref.Hash())
	if err != nil {
		return "", err
	}
	name := "environments/" + env + "/shop/kustomization.yaml"
	file, err := commit.File(name)
	if err != nil {
		return "", err
	}
	text, err := file.Contents()
	if err != nil {
		return "", err
	}
	f, err := edit.Open(name, []byte(text))
	if err != nil {
		return "", err
	}
	hits, _ := f.Find(d.image)
	if len(hits) != 1 {
		return "", fmt.Errorf("%s names %s %d times", name, d.image, len(hits))
	}
	return hits[0].Digest, nil
}

// looked keeps the newest view and wakes whoever waits for it.
func (d *demoWorld) looked(v loop.View) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.view = v
	close(d.changed)
	d.changed = make(chan struct{})
}

func demoEnvironments() []string { return []string{"dev", "staging", "prod"} }
