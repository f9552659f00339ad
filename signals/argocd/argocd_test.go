package argocd_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/argocd"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

const (
	image  = "registry.example.com/team/order-api"
	one    = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	two    = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	token  = "s3cret-token"
	env    = "https://git.example.com/acme/env.git"
)

var began = time.Now().Truncate(time.Second)

func ago(d time.Duration) string { return began.Add(-d).UTC().Format(time.RFC3339) }

func source(t *testing.T, fake *argo) *argocd.Source {
	t.Helper()
	s, err := argocd.New(argocd.Options{
		URL: fake.URL, HTTP: &http.Client{Timeout: 10 * time.Second}, Token: func(context.Context) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// application is one that is synced to a commit since an hour, healthy since
// 50 minutes and compared a minute ago; its pods run these images.
func application(revision string, images ...string) object {
	return object{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": object{"name": "prod-order-api", "namespace": "argocd", "labels": object{"artifact": "order-api"}},
		"spec": object{
			"project": "payments", "destination": object{"namespace": "prod", "server": "https://kubernetes.default.svc"},
			"source": object{"repoURL": env, "path": "environments/prod/order-api", "targetRevision": "main"},
		},
		"status": object{
			"sync": object{
				"status": "Synced", "revision": revision,
				"comparedTo": object{"destination": object{"namespace": "prod"}, "source": object{"repoURL": env}},
			},
			"health": object{"status": "Healthy", "lastTransitionTime": ago(50 * time.Minute)},
			"operationState": object{
				"phase": "Succeeded", "startedAt": ago(time.Hour), "finishedAt": ago(time.Hour), "operation": object{"sync": object{"revision": revision}},
				"syncResult": object{"revision": revision, "source": object{"repoURL": env}},
			},
			"reconciledAt": ago(time.Minute),
			"summary":      object{"images": images},
		},
	}
}

// at is a value inside an application.
func at(o object, path string) object {
	for key := range strings.SplitSeq(path, ".") {
		o = o[key].(object)
	}
	return o
}

func pinned(d signals.Digest) string { return image + ":v1@" + string(d) }

const proxy = "registry.example.com/mesh/proxy:v9"

// flavour is a way to read applications, or a way in which they name what runs.
type flavour struct {
	old, new signalstest.Version
	// app runs the first or second version.
	app func(n int) object
}

func flavours() map[string]flavour {
	commits := []string{"", before, after}
	digests := []signals.Digest{"", one, two}
	return map[string]flavour{
		"by digest": {signalstest.Version{Digest: one}, signalstest.Version{Digest: two}, func(n int) object {
			return application(commits[n], pinned(digests[n]), proxy)
		}},
		"by tag": {signalstest.Version{Revision: before}, signalstest.Version{Revision: after}, func(n int) object {
			return application(commits[n], image+":v1", proxy)
		}},
		"by bundle": {signalstest.Version{Digest: one}, signalstest.Version{Digest: two}, func(n int) object {
			a := application(string(digests[n]), proxy)
			at(a, "status.sync.comparedTo")["source"] = object{"repoURL": "oci://" + image}
			return a
		}},
	}
}

// play is the scene of the contract, played to whatever serves applications.
func play(f flavour, ask func(context.Context) (signals.Health, error), put func(object)) signalstest.Scene {
	return signalstest.Scene{
		Name: "synced", Secret: token, Old: f.old, New: f.new, Ask: ask,
		Well: func(v signalstest.Version) {
			n := 1
			if v == f.new {
				n = 2
			}
			put(f.app(n))
		},
		// Argo CD was told of the new commit and synced it; its health is the old
		// version's until it looks again.
		Merged: func() {
			a := f.app(2)
			at(a, "status.operationState")["finishedAt"] = ago(10 * time.Second)
			put(a)
		},
		Moving: func() {
			a := f.app(2)
			at(a, "status.health")["status"] = "Progressing"
			put(a)
		},
		Sick: func() {
			a := f.app(2)
			at(a, "status.health")["status"] = "Degraded"
			put(a)
		},
	}
}

func TestSourceKeepsTheContract(t *testing.T) {
	t.Parallel()
	spec := argocd.Spec{Name: "synced", Application: "prod-order-api", Project: "payments", Image: image, Repository: env}
	for name, f := range flavours() {
		t.Run("over its API, "+name, func(t *testing.T) {
			t.Parallel()
			signalstest.Run(t, func(t *testing.T) signalstest.Scene {
				t.Helper()
				fake := newArgo(t)
				source := source(t, fake)
				s := play(f, func(ctx context.Context) (signals.Health, error) { return source.Check(ctx, spec) }, func(o object) { fake.put(o) })
				s.Gone = func() { fake.set(func(a *argo) { clear(a.apps) }) }
				s.Down = func(status int) { fake.set(func(a *argo) { a.status = status }) }
				s.Cut = func() { fake.set(func(a *argo) { a.cut = true }) }
				s.Up = func() { fake.set(func(a *argo) { a.status, a.cut = 0, false }) }
				s.Secret = "" // the fake repeats it on purpose; see TestWhatArgoSays
				return s
			})
		})
		t.Run("as objects, "+name, func(t *testing.T) {
			t.Parallel()
			signalstest.Run(t, func(t *testing.T) signalstest.Scene {
				t.Helper()
				fake, client := cluster(t)
				source := argocd.Over(client)
				s := play(f, func(ctx context.Context) (signals.Health, error) { return source.Check(ctx, spec) }, func(o object) { fake.Put(o) })
				s.Gone = func() { fake.Delete("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/prod-order-api") }
				s.Down = func(status int) { fake.Fault(kubernetestest.Faults{Status: status}) }
				s.Cut = func() { fake.Fault(kubernetestest.Faults{Cut: 100}) }
				s.Up = func() { fake.Fault(kubernetestest.Faults{}) }
				return s
			})
		})
	}
}

func cluster(t *testing.T) (*kubernetestest.Server, *kubernetes.Client) {
	t.Helper()
	fake := kubernetestest.New(t)
	client, err := kubernetes.Connect(kubernetes.Options{URL: fake.URL, Network: func(...string) (kubernetes.Network, error) {
		return kubernetes.Network{Dial: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return fake, client
}

func TestApplication(t *testing.T) {
	t.Parallel()
	type answer struct {
		state    signals.State
		digest   signals.Digest
		revision string
		rung     signals.Rung
		drift    signals.Drift
		reason   string
	}
	progressing := func(d signals.Digest, reason string) answer {
		a := answer{state: signals.StateProgressing, digest: d, reason: reason}
		if d != "" {
			a.rung = signals.RungSpec
		}
		return a
	}
	unknown := func(reason string) answer {
		return answer{state: signals.StateUnknown, digest: two, rung: signals.RungSpec, reason: reason}
	}
	cases := map[string]struct {
		change func(app object)
		want   answer
	}{
		"synced and healthy": {func(object) {}, answer{signals.StateHealthy, two, after, signals.RungSpec, "", "synced and healthy"}},
		"old health after a sync": {
			func(a object) { at(a, "status.operationState")["finishedAt"] = ago(0) }, progressing(two, "its status is older than its last sync"),
		},
		"never compared":   {func(a object) { delete(at(a, "status"), "reconciledAt") }, progressing(two, "its status is older than its last sync")},
		"syncing":          {func(a object) { at(a, "status.operationState")["phase"] = "Running" }, progressing(two, "it is syncing")},
		"about to sync":    {func(a object) { a["operation"] = object{"sync": object{"revision": after}} }, progressing(two, "it is syncing")},
		"something paused": {func(a object) { at(a, "status.health")["status"] = "Suspended" }, progressing(two, "it is synced and suspended: something in it is paused")},
		"rolling out":      {func(a object) { at(a, "status.health")["status"] = "Progressing" }, progressing(two, "it is synced and progressing")},
		"nothing there":    {func(a object) { at(a, "status.health")["status"] = "Missing" }, progressing(two, "it is synced and missing")},
		"health not known": {func(a object) { at(a, "status.health")["status"] = "Unknown" }, unknown("its health is unknown")},
		"sync not known":   {func(a object) { at(a, "status.sync")["status"] = "Unknown" }, unknown("whether it is in sync is unknown")},
		"being deleted":    {func(a object) { at(a, "metadata")["deletionTimestamp"] = ago(time.Minute) }, unknown("it is being deleted")},
		"cannot be compared": {func(a object) {
			at(a, "status")["conditions"] = []object{{"type": "ComparisonError", "message": "no such\npath"}}
		}, unknown("ComparisonError: no suchpath")},
		"a warning is no error": {
			func(a object) {
				at(a, "status")["conditions"] = []object{{"type": "OrphanedResourceWarning", "message": "2 resources"}}
			},
			answer{signals.StateHealthy, two, after, signals.RungSpec, "", "synced and healthy"},
		},
		"the controller is down": {
			func(a object) { at(a, "status")["reconciledAt"] = ago(25 * time.Minute) },
			unknown("its controller last looked at " + ago(25*time.Minute) + ": does it run?"),
		},
		"degraded": {
			func(a object) { at(a, "status.health")["status"] = "Degraded" }, answer{signals.StateUnhealthy, two, after, signals.RungSpec, "", "it is degraded"},
		},
		"degraded while old pods are still there": {
			func(a object) {
				at(a, "status.health")["status"] = "Degraded"
				at(a, "status.summary")["images"] = []string{pinned(one), pinned(two)}
			},
			answer{signals.StateUnhealthy, "", after, signals.RungApplied, "", "it is degraded"},
		},
		"healthy while old pods are still there": {
			func(a object) { at(a, "status.summary")["images"] = []string{pinned(one), pinned(two)} },
			progressing("", "its pods ask for 2 versions of the image"),
		},
		"a tag and a digest": {
			func(a object) { at(a, "status.summary")["images"] = []string{image + ":v1", pinned(two)} },
			progressing("", "its pods ask for 2 versions of the image"),
		},
		"the change has not arrived": {
			func(a object) {
				at(a, "status.sync")["status"], at(a, "status.operationState.syncResult")["revision"] = "OutOfSync", before
			},
			answer{signals.StateProgressing, two, "", signals.RungSpec, signals.DriftReconciling, "it is out of sync"},
		},
		"somebody changed what runs": {
			func(a object) { at(a, "status.sync")["status"] = "OutOfSync" },
			answer{signals.StateProgressing, two, "", signals.RungSpec, signals.DriftManual, "it is out of sync"},
		},
		"a sync that failed blames nobody": {
			func(a object) {
				at(a, "status.sync")["status"] = "OutOfSync"
				at(a, "status.operationState")["phase"], at(a, "status.operationState")["message"] = "Failed", "one or more objects failed to apply"
			},
			answer{signals.StateProgressing, two, "", signals.RungSpec, signals.DriftReconciling, "it is out of sync, and its last sync failed: one or more objects failed to apply"},
		},
		"by tag, the commit is what is known": {
			func(a object) { at(a, "status.summary")["images"] = []string{image + ":v1", proxy} },
			answer{signals.StateHealthy, "", after, signals.RungApplied, "", "synced and healthy"},
		},
		"a chart, its version is what is known": {
			func(a object) {
				at(a, "status.summary")["images"] = []string{proxy}
				at(a, "status.sync.comparedTo")["source"] = object{"repoURL": "registry.example.com/team", "chart": "order-api"}
				at(a, "status.sync")["revision"] = "1.2.3"
			},
			answer{signals.StateHealthy, "", "1.2.3", signals.RungApplied, "", "synced and healthy"},
		},
		"a revision that is none": {
			func(a object) {
				at(a, "status.summary")["images"] = []string{proxy}
				at(a, "status.sync")["revision"] = "main"
			},
			answer{signals.StateUnknown, "", "", "", "", "nobody can say about which version that is: synced and healthy"},
		},
		"of several sources, the GitOps repository's": {
			func(a object) {
				at(a, "status.summary")["images"] = []string{image + ":v1"}
				s := at(a, "status.sync")
				delete(s, "revision")
				s["revisions"] = []string{"4.5.6", before, after}
				s["comparedTo"] = object{"destination": object{}, "sources": []object{
					{"repoURL": "https://charts.example.com", "chart": "web"}, {"repoURL": "https://git.example.com/acme/values"}, {"repoURL": "git@git.example.com:acme/env"},
				}}
			},
			answer{signals.StateHealthy, "", after, signals.RungApplied, "", "synced and healthy"},
		},
		"hydrated, the commit that it was made from": {
			func(a object) {
				at(a, "status.summary")["images"] = []string{image + ":v1"}
				at(a, "spec")["sourceHydrator"] = object{
					"drySource":  object{"repoURL": env, "path": "environments/prod/order-api", "targetRevision": "main"},
					"syncSource": object{"path": "prod", "targetBranch": "hydrated"},
				}
				at(a, "status")["sourceHydrator"] = object{"lastSuccessfulOperation": object{"drySHA": before, "hydratedSHA": after}}
			},
			answer{signals.StateHealthy, "", before, signals.RungApplied, "", "synced and healthy"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newArgo(t)
			app := application(after, pinned(two), proxy)
			c.change(app)
			fake.put(app)
			// The same object is one that a cluster would take.
			objects, client := cluster(t)
			objects.Put(app)
			q := argocd.Spec{Name: "synced", Application: "prod-order-api", Image: image, Repository: env}
			for _, s := range []*argocd.Source{source(t, fake), argocd.Over(client)} {
				h, err := s.Check(t.Context(), q)
				if err != nil {
					t.Error(err)
				}
				if got := (answer{h.State, h.Digest, h.Revision, h.Rung, h.Drift, h.Reason}); got != c.want {
					t.Errorf("answer\n %+v, want\n %+v", got, c.want)
				}
				if h.State == signals.StateHealthy && (!h.Proven || !h.Since.Equal(began.Add(-50*time.Minute))) {
					t.Errorf("since %s, proven %v, want it proven since 50 minutes", h.Since, h.Proven)
				}
			}
		})
	}
}
