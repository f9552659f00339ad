package argocd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// application is what is read of an Application, argoproj.io/v1alpha1.
type application struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Project  string          `json:"project"`
		Source   *origin         `json:"source"`
		Sources  []origin        `json:"sources"`
		Hydrator *map[string]any `json:"sourceHydrator"`
	} `json:"spec"`
	// Operation is one that was asked for and has not begun.
	Operation *map[string]any `json:"operation"`
	Status    status          `json:"status"`
}

type origin struct {
	Repository string `json:"repoURL"`
	Chart      string `json:"chart"`
}

type status struct {
	Sync struct {
		Status     string   `json:"status"`
		Revision   string   `json:"revision"`
		Revisions  []string `json:"revisions"`
		ComparedTo struct {
			Source  origin   `json:"source"`
			Sources []origin `json:"sources"`
		} `json:"comparedTo"`
	} `json:"sync"`
	Health struct {
		Status string      `json:"status"`
		Since  metav1.Time `json:"lastTransitionTime"`
	} `json:"health"`
	Operation *struct {
		Phase    string      `json:"phase"`
		Message  string      `json:"message"`
		Finished metav1.Time `json:"finishedAt"`
		Result   *struct {
			Revision  string   `json:"revision"`
			Revisions []string `json:"revisions"`
		} `json:"syncResult"`
	} `json:"operationState"`
	Reconciled metav1.Time `json:"reconciledAt"`
	Summary    struct {
		Images []string `json:"images"`
	} `json:"summary"`
	Conditions []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"conditions"`
	Hydrator struct {
		Last *struct {
			Dry      string `json:"drySHA"`
			Hydrated string `json:"hydratedSHA"`
		} `json:"lastSuccessfulOperation"`
	} `json:"sourceHydrator"`
}

func say(s signals.State, format string, args ...any) signals.Health {
	return signals.Health{State: s, Reason: kubernetes.Plain(fmt.Sprintf(format, args...))}
}

// judge says what an application says at a time of its server. Its status is
// believed only if the controller still looks and wrote it after the last sync
// ended: the health of yesterday's version stays written until then.
func (a *application) judge(q Spec, now time.Time) signals.Health {
	h := a.state(q, now)
	h.Drift = a.drift()
	runs := a.runs(q)
	switch h.State {
	case signals.StateHealthy:
		if runs.mixed != "" {
			return say(signals.StateProgressing, "%s", runs.mixed)
		}
		h.Since, h.Proven = a.since()
	case signals.StateUnhealthy:
		h.Since = a.Status.Health.Since.Time
	case signals.StateProgressing, signals.StateUnknown:
		h.Digest, h.Rung = runs.digest, runs.rung
		if h.Digest == "" {
			h.Rung = signals.RungNone
		}
		return h
	}
	h.Digest, h.Revision, h.Rung = runs.digest, runs.revision, runs.rung
	if h.Digest == "" && h.Revision == "" {
		h = say(signals.StateUnknown, "nobody can say about which version that is: %s", h.Reason)
	}
	return h
}

// state is the application's own word, in the order in which it may be wrong.
func (a *application) state(q Spec, now time.Time) signals.Health {
	s, op := a.Status, a.Status.Operation
	switch {
	case a.Metadata.DeletionTimestamp != nil:
		return say(signals.StateUnknown, "it is being deleted")
	case a.broken() != "":
		return say(signals.StateUnknown, "%s", a.broken())
	case a.Operation != nil, op != nil && (op.Phase == "Running" || op.Phase == "Terminating"):
		return say(signals.StateProgressing, "it is syncing")
	case s.Reconciled.IsZero(), op != nil && s.Reconciled.Before(&op.Finished):
		return say(signals.StateProgressing, "its status is older than its last sync")
	case now.Sub(s.Reconciled.Time) > cmp.Or(q.Within, defaultSilence):
		return say(signals.StateUnknown, "its controller last looked at %s: does it run?", s.Reconciled.UTC().Format(time.RFC3339))
	case s.Health.Status == "Degraded":
		return say(signals.StateUnhealthy, "it is degraded")
	case s.Sync.Status == "OutOfSync":
		if op != nil && (op.Phase == "Failed" || op.Phase == "Error") {
			return say(signals.StateProgressing, "it is out of sync, and its last sync failed: %s", op.Message)
		}
		return say(signals.StateProgressing, "it is out of sync")
	case s.Sync.Status != "Synced":
		return say(signals.StateUnknown, "whether it is in sync is unknown")
	}
	switch s.Health.Status {
	case "Healthy":
		return say(signals.StateHealthy, "synced and healthy")
	case "Progressing", "Missing":
		return say(signals.StateProgressing, "it is synced and %s", strings.ToLower(s.Health.Status))
	case "Suspended":
		return say(signals.StateProgressing, "it is synced and suspended: something in it is paused")
	}
	return say(signals.StateUnknown, "its health is unknown")
}

// broken is why the controller cannot say anything about the application.
func (a *application) broken() string {
	for _, c := range a.Status.Conditions {
		if slices.Contains([]string{"ComparisonError", "InvalidSpecError", "UnknownError"}, c.Type) {
			return c.Type + ": " + c.Message
		}
	}
	return ""
}

// drift says why what runs may differ from Git: what was synced at the very
// revision that is out of sync was changed past Git.
func (a *application) drift() signals.Drift {
	op := a.Status.Operation
	if a.Status.Sync.Status != "OutOfSync" {
		return ""
	}
	if op != nil && op.Phase == "Succeeded" && op.Result != nil && op.Result.Revision == a.Status.Sync.Revision && slices.Equal(op.Result.Revisions, a.Status.Sync.Revisions) {
		return signals.DriftManual
	}
	return signals.DriftReconciling
}

// since is the later of the last change of health and the last sync.
func (a *application) since() (time.Time, bool) {
	since := a.Status.Health.Since.Time
	if since.IsZero() {
		return time.Time{}, false
	}
	if op := a.Status.Operation; op != nil && op.Finished.After(since) {
		since = op.Finished.Time
	}
	return since, true
}
