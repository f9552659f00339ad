package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/webhook"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// hookTime is how long the body of a webhook may take.
const hookTime = 15 * time.Second

// forgeHook answers a forge's webhooks: read authenticates one and says what
// it is about, and the loops of that repository are woken.
func (w *daemon) forgeHook(read func(*http.Request) (gitops.Hint, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if !w.knownHost(r.Host) {
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		}
		// Whoever sends slowly does not keep us waiting; not every writer can.
		_ = http.NewResponseController(rw).SetReadDeadline(time.Now().Add(hookTime))
		hint, err := read(r)
		if err != nil {
			w.log.WarnContext(r.Context(), "a webhook is refused", "error", err)
			code := webhook.Status(err)
			http.Error(rw, strings.ToLower(http.StatusText(code)), code)
			return
		}
		w.wake(hint)
		rw.WriteHeader(webhook.Status(nil))
	}
}

// wake wakes the loops of the repository that a hint names.
func (w *daemon) wake(hint gitops.Hint) {
	for i, r := range w.config.Repositories {
		if hint.Repository == "" || !strings.EqualFold(forgePath(r), hint.Repository) {
			continue
		}
		select {
		case w.hints[i] <- loop.Hint{Git: hint.Git, Forge: hint.Forge}:
		default: // enough hints wait already
		}
	}
}
