package argocd_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/argocd"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

func TestWhoseApplication(t *testing.T) {
	t.Parallel()
	secret := application(after, pinned(two))
	at(secret, "metadata")["name"], at(secret, "spec")["project"] = "hidden", "secret"
	cases := map[string]struct {
		spec argocd.Spec
		want string
	}{
		"not there, and no project is named": {
			argocd.Spec{Application: "nothing"}, "application nothing is not there, or the token may not get it: forbidden (403): permission denied",
		},
		"there, but not to be seen": {
			argocd.Spec{Application: "hidden"}, "application hidden is not there, or the token may not get it: forbidden (403): permission denied",
		},
		"not there in a project that is to be seen": {
			argocd.Spec{Application: "nothing", Project: "payments"}, `application nothing in project payments is not there: not found (404): applications.argoproj.io "nothing" not found`,
		},
		"the same name in another project": {
			argocd.Spec{Application: "prod-order-api", Project: "billing"}, `application prod-order-api in project billing is not there: not found (404): applications.argoproj.io "prod-order-api" not found`,
		},
		"the same name in another namespace": {
			argocd.Spec{Application: "prod-order-api", Namespace: "team-a"}, "application prod-order-api lives in namespace argocd, not in team-a",
		},
		"a name that is a path":     {argocd.Spec{Application: "../session/userinfo"}, `"../session/userinfo" is no name that Kubernetes allows`},
		"neither name nor selector": {argocd.Spec{}, "an application is asked for by its name or by a selector, one of both"},
		"nothing matches":           {argocd.Spec{Selector: "artifact=other"}, "no application matches artifact=other"},
		"nothing of the project":    {argocd.Spec{Selector: "artifact=order-api", Project: "billing"}, "no application matches artifact=order-api in project billing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newArgo(t)
			fake.put(application(after, pinned(two)), secret)
			c.spec.Image = image
			h, _ := source(t, fake).Check(t.Context(), c.spec)
			if h.State != signals.StateUnknown || h.Reason != c.want {
				t.Errorf("%q because %q, want unknown because %q", h.State, h.Reason, c.want)
			}
		})
	}
}

func TestSeveralApplications(t *testing.T) {
	t.Parallel()
	second := func(change func(object)) object {
		a := application(after, pinned(two))
		at(a, "metadata")["name"] = "prod-order-api-worker"
		change(a)
		return a
	}
	cases := map[string]struct {
		second object
		want   signals.Health
	}{
		"all well, since the last of them": {
			second(func(a object) { at(a, "status.health")["lastTransitionTime"] = ago(30 * time.Minute) }),
			signals.Health{State: signals.StateHealthy, Digest: two, Revision: after, Rung: signals.RungSpec, Proven: true, Since: began.Add(-30 * time.Minute), Reason: "application prod-order-api-worker: synced and healthy"},
		},
		"the weaker evidence counts": {
			second(func(a object) {
				at(a, "status.summary")["images"] = []string{proxy}
				at(a, "status.sync")["revision"] = string(two)
				at(a, "status.sync.comparedTo")["source"] = object{"repoURL": "oci://" + image}
			}),
			signals.Health{State: signals.StateHealthy, Digest: two, Revision: after, Rung: signals.RungApplied, Proven: true, Since: began.Add(-50 * time.Minute), Reason: "application prod-order-api: synced and healthy"},
		},
		"one of them is sick": {
			second(func(a object) { at(a, "status.health")["status"] = "Degraded" }),
			signals.Health{State: signals.StateUnhealthy, Digest: two, Revision: after, Rung: signals.RungSpec, Since: began.Add(-50 * time.Minute), Reason: "application prod-order-api-worker: it is degraded"},
		},
		"one of them is not known": {
			second(func(a object) { at(a, "status.health")["status"] = "Unknown" }),
			signals.Health{State: signals.StateUnknown, Digest: two, Rung: signals.RungSpec, Reason: "application prod-order-api-worker: its health is unknown"},
		},
		"one of them runs something else": {
			second(func(a object) { at(a, "status.summary")["images"] = []string{pinned(one)} }),
			signals.Health{State: signals.StateProgressing, Reason: "the applications run different versions"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newArgo(t)
			fake.put(application(after, pinned(two)), c.second)
			h, _ := source(t, fake).Check(t.Context(), argocd.Spec{Name: "synced", Selector: "artifact=order-api", Project: "payments", Image: image, Repository: env})
			if c.want.Since.IsZero() {
				h.Since = time.Time{}
			} else if !h.Since.Equal(c.want.Since) {
				t.Errorf("since %s, want %s", h.Since, c.want.Since)
			}
			h.Name, h.Source, h.At, h.Since, c.want.Since = "", "", time.Time{}, time.Time{}, time.Time{}
			if h != c.want {
				t.Errorf("answer\n %+v, want\n %+v", h, c.want)
			}
		})
	}
}

func TestWhatArgoSays(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	s := source(t, fake)
	ask := func() string {
		h, err := s.Check(t.Context(), argocd.Spec{Name: "synced", Application: "prod-order-api", Image: image})
		if failed := h.State == signals.StateUnknown; failed != (err != nil) {
			t.Errorf("%q because %q with the error %v", h.State, h.Reason, err)
		}
		return h.Reason
	}
	fake.put(application(after, pinned(two)))
	fake.set(func(a *argo) { a.page = true })
	if got, want := ask(), "argocd answered a web page; does the url lead to its page, and is a login in the way?"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	fake.set(func(a *argo) { a.page, a.cut = false, true })
	if got, want := ask(), "the answer of argocd broke off: unexpected EOF"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	wrong, err := argocd.New(argocd.Options{URL: fake.URL, HTTP: &http.Client{}, Token: func(context.Context) (string, error) { return "wrong", nil }})
	if err != nil {
		t.Fatal(err)
	}
	fake.set(func(a *argo) { a.cut = false })
	h, _ := wrong.Check(t.Context(), argocd.Spec{Name: "synced", Application: "prod-order-api"})
	if want := "argocd refused the token (401): no session information"; h.Reason != want {
		t.Errorf("%q, want %q", h.Reason, want)
	}
}

func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	fake.put(application(after, pinned(two)))
	fake.set(func(a *argo) { a.behind = 10 * time.Minute })
	h, _ := source(t, fake).Check(t.Context(), argocd.Spec{Name: "synced", Application: "prod-order-api", Image: image})
	if off := h.Since.Sub(began.Add(-40 * time.Minute)); h.State != signals.StateHealthy || off < -2*time.Second || off > 10*time.Second {
		t.Errorf("since %s, want ten minutes later than the server's clock said", h.Since)
	}
}

func TestRequestsPerLook(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	fake.put(application(after, pinned(two)))
	s := source(t, fake)
	_, _ = s.Check(t.Context(), argocd.Spec{Application: "prod-order-api", Project: "payments", Image: image})
	_, _ = s.Check(t.Context(), argocd.Spec{Selector: "artifact=order-api", Project: "payments", Image: image})
	want := []string{"GET /api/v1/applications/prod-order-api?project=payments", "GET /api/v1/applications?projects=payments&selector=artifact%3Dorder-api"}
	if got := strings.Join(fake.requests, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("requests\n%s, want one each:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"application-200.json", "argocd-application.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			var app object
			if err := json.Unmarshal(data, &app); err != nil {
				t.Fatal(err)
			}
			fake := newArgo(t)
			fake.put(app)
			h, _ := source(t, fake).Check(t.Context(), argocd.Spec{Application: "web", Image: image})
			if h.State != signals.StateProgressing || h.Reason != "it is syncing" {
				t.Errorf("%q because %q, want progressing because it is syncing", h.State, h.Reason)
			}
		})
	}
}

func TestTheRoleIsTheLeast(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	rules := kubernetestest.Role(t, "../../deploy/rbac/argocd.yaml")
	fake.Allow(rules)
	fake.Put(application(after, pinned(two)))
	s := argocd.Over(client)
	for _, q := range []argocd.Spec{{Application: "prod-order-api", Image: image}, {Selector: "artifact=order-api", Image: image}} {
		if h, _ := s.Check(t.Context(), q); h.State != signals.StateHealthy {
			t.Errorf("answer %+v, want healthy", h)
		}
	}
	kubernetestest.Need(t, rules, fake.Requests())
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	fake.set(func(a *argo) { a.status = http.StatusFound })
	h, _ := source(t, fake).Check(t.Context(), argocd.Spec{Application: "prod-order-api", Image: image})
	if len(fake.requests) != 1 || h.Reason != "argocd answered 302: told to fail with "+token {
		t.Errorf("%q after the requests %q, want that nobody went to the login", h.Reason, fake.requests)
	}
}

func TestSinceIsTheLastSyncAtLeast(t *testing.T) {
	t.Parallel()
	fake := newArgo(t)
	app := application(after, pinned(two))
	at(app, "status.operationState")["finishedAt"] = ago(20 * time.Minute)
	fake.put(app)
	h, _ := source(t, fake).Check(t.Context(), argocd.Spec{Application: "prod-order-api", Image: image})
	if h.State != signals.StateHealthy || !h.Proven || !h.Since.Equal(began.Add(-20*time.Minute)) {
		t.Errorf("answer %+v, want it proven since the sync 20 minutes ago", h)
	}
}
