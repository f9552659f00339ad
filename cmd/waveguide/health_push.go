package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals/alertmanager"
	"github.com/waveguide-dev/waveguide/signals/inbox"
)

// pushed keeps results in the store's memory.
type pushed struct{ store *store.Store }

const bucketInbox = "inbox"

// Recall implements [inbox.Memory].
func (p pushed) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	r, ok, err := p.store.Get(ctx, bucketInbox, key)
	return r.Value, ok, err
}

// Remember implements [inbox.Memory].
func (p pushed) Remember(ctx context.Context, key string, value []byte, expires time.Time) error {
	return p.store.Put(ctx, store.Record{Bucket: bucketInbox, Key: key, Value: value, Expires: expires})
}

// openInbox makes the inbox of a connection, which takes what the rules in
// force ask of it.
func (w *daemon) openInbox(c config.Signal) *inbox.Inbox {
	o := inbox.Options{
		Memory: pushed{w.store},
		Wanted: func(s inbox.Slot) bool { return w.asksFor(c.Name, s) },
		Pushed: func(s inbox.Slot) { w.hint(loop.Hint{Environment: s.Environment}) },
	}
	for _, t := range c.Tokens {
		o.Tokens = append(o.Tokens, inbox.Token{
			Name: t.Name, Environment: t.Environment, Artifact: t.Artifact, Signal: t.Signal,
			Secret: func() (string, error) { return secret(t.Token) },
		})
	}
	return inbox.New(o)
}

// asksFor says whether the rules of any repository name a connection for a slot.
func (w *daemon) asksFor(connection string, s inbox.Slot) bool {
	for _, b := range w.rulebooks {
		if b.asks(connection, s) {
			return true
		}
	}
	return false
}

// takesPushes answers those who push results. Which inbox a place belongs to is
// said by the rules; a place that there is not is explained by the inbox that
// knows the token, and to nobody else.
func (w *daemon) takesPushes() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.knownHost(r.Host) {
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		}
		var found, knows *inbox.Inbox
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/signals/"), "/")
		for _, c := range w.config.Signals {
			box := w.health.inboxes[c.Name]
			switch {
			case box == nil:
			case len(parts) == 3 && w.asksFor(c.Name, inbox.Slot{Environment: parts[0], Artifact: parts[1], Signal: parts[2]}):
				found = box
			case knows == nil && box.Knows(r):
				knows = box
			}
		}
		if found = cmp.Or(found, knows); found == nil {
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		}
		found.ServeHTTP(rw, r)
	})
}

// takesAlerts answers Alertmanager's webhook: alerts are read again now, by all
// lanes that ask for them. What it says is not believed.
func (w *daemon) takesAlerts() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.knownHost(r.Host) || !bears(r, w.config.Webhooks.Alertmanager) {
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxHook))
		if err != nil {
			http.Error(rw, "the body is larger than 1 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		if err := alertmanager.IsHook(body); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		for _, a := range w.health.alerts {
			a.Forget()
		}
		for _, b := range w.rulebooks {
			for _, environment := range b.alerted() {
				w.hint(loop.Hint{Environment: environment})
			}
		}
		rw.WriteHeader(http.StatusAccepted)
	})
}

// bears compares a request's bearer token in constant time.
func bears(r *http.Request, h *config.Webhook) bool {
	if h == nil {
		return false
	}
	want, err := secret(h.Token)
	have := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return err == nil && want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(have)) == 1
}
