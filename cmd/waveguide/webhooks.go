package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
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
		switch {
		case errors.Is(err, gitops.ErrDenied):
			w.log.WarnContext(r.Context(), "a webhook is refused", "error", err)
			http.Error(rw, "not authorized", http.StatusUnauthorized)
			return
		case err != nil:
			http.Error(rw, "the webhook cannot be read", http.StatusBadRequest)
			return
		}
		w.wake(hint)
		rw.WriteHeader(http.StatusAccepted)
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
