package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/promoter/dashboard"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals/registry"
)

func runCommand(s streams, h hooks) *cobra.Command {
	var file, level string
	c := &cobra.Command{
		Use: "run", Short: "Run the daemon", Args: alone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := readDaemon(file)
			if err != nil {
				return err
			}
			log, err := logger(s.err, level)
			if err != nil {
				return err
			}
			reg := prometheus.NewRegistry()
			w, err := wire(cmd.Context(), d, log, h, reg)
			if err != nil {
				return err
			}
			w.own.path = file
			return errors.Join(w.serve(cmd.Context(), reg), w.Close())
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&level, "log", "info", "what is logged: debug, info, warn or error")
	return c
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "waveguide.yaml", "the daemon's file")
}

func logger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage{fmt.Errorf("--log %q is none of debug, info, warn and error", level)}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// serve runs the loops and the listeners until the context ends.
func (w *daemon) serve(ctx context.Context, reg *prometheus.Registry) error {
	page := dashboard.New(dashboard.Options{Title: "Waveguide", Forge: w.proposalURL})
	ready, pages := &readiness{}, newShowing()
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range w.loops {
		l.Observe = func(v loop.View) {
			ready.looked(v)
			w.observe(v)
			pages.put(i, v)
		}
		g.Go(func() error { return l.Run(ctx) })
	}
	g.Go(func() error { return pages.run(ctx, page.Publish) })
	g.Go(func() error { return w.renew(ctx) })
	g.Go(func() error { return w.follow(ctx) })
	g.Go(func() error { return w.reload(ctx) })
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok\n") })
	mux.Handle("GET /readyz", ready)
	mux.Handle("/", page)
	if w.config.Listen != "" {
		if err := listen(ctx, g, w.log, "page", w.config.Listen, mux); err != nil {
			return err
		}
	}
	if w.config.Hooks.Listen != "" {
		if err := listen(ctx, g, w.log, "hooks", w.config.Hooks.Listen, w.webhooks()); err != nil {
			return err
		}
	}
	return g.Wait()
}

// proposalURL is where people review a proposal of the embedded forge.
func (w *daemon) proposalURL(id string) string {
	for _, r := range w.config.Repositories {
		if id != "" {
			return strings.TrimSuffix(r.Forge.URL, "/") + "/" + forgeName(r) + "/" + id
		}
	}
	return ""
}

// listen serves one handler until the context ends.
func listen(ctx context.Context, g *errgroup.Group, log *slog.Logger, name, address string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "listening", "for", name, "address", l.Addr().String())
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(stop); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		// A connection on which nothing was asked yet counts as busy, and a
		// browser may keep its stream: whoever is left after that is cut off.
		return srv.Close()
	})
	return nil
}

// renew keeps the store's lease.
func (w *daemon) renew(ctx context.Context) error {
	t := time.NewTicker(5 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if err := w.store.Renew(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// maxHook bounds the body of a webhook.
const maxHook = 1 << 20

// webhooks answers those who hint that something changed. A hint only wakes
// the loops; it is never believed.
func (w *daemon) webhooks() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/registry", func(rw http.ResponseWriter, r *http.Request) {
		if !w.knownHost(r.Host) || !bears(r, w.config.Webhooks.Registry) {
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxHook))
		if err != nil {
			http.Error(rw, "the body is larger than 1 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		hints, err := registry.Hints(body)
		if err != nil {
			http.Error(rw, "this is no notification of a registry", http.StatusBadRequest)
			return
		}
		for _, h := range hints {
			w.hint(loop.Hint{Image: h.Repository})
		}
		rw.WriteHeader(http.StatusAccepted)
	})
	if h := w.config.Webhooks.GitHub; h != nil {
		mux.HandleFunc("POST /hooks/github", w.forgeHook(githubHook(h).Hint))
	}
	if h := w.config.Webhooks.GitLab; h != nil {
		mux.HandleFunc("POST /hooks/gitlab", w.forgeHook(gitlabHook(h).Hint))
	}
	if h := w.config.Webhooks.Gitea; h != nil {
		mux.HandleFunc("POST /hooks/gitea", w.forgeHook(giteaHook(h).Hint))
	}
	mux.Handle("POST /hooks/alertmanager", w.takesAlerts())
	mux.Handle("/signals/", w.takesPushes())
	return mux
}

func (w *daemon) knownHost(host string) bool {
	if len(w.config.Hooks.Hosts) == 0 {
		ip := net.ParseIP(hostname(host))
		return ip != nil && ip.IsLoopback()
	}
	for _, h := range w.config.Hooks.Hosts {
		if strings.EqualFold(h, host) || strings.EqualFold(h, hostname(host)) {
			return true
		}
	}
	return false
}
