package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	d := deployment(pinned(two))
	fake.Put(d)
	for n := range 600 {
		fake.Put(replica(n, two))
	}
	fake.Requests()
	if h := ask(t, client, "deployment/order-api"); h.State != signals.StateHealthy || h.Digest != two {
		t.Errorf("answer %+v, want healthy", h)
	}
	if got := len(fake.Requests()); got != 4 {
		t.Errorf("600 pods cost %d requests, want one for the Deployment and three pages", got)
	}
	fake.Put(pod("order-api-111111-z", "ReplicaSet/order-api-111111", pinned(one), one))
	if h := ask(t, client, "deployment/order-api"); h.State != signals.StateProgressing || !strings.Contains(h.Reason, "2 digests") {
		t.Errorf("answer %+v, want that the last page counts", h)
	}
	fake.Fault(kubernetestest.Faults{Lost: true})
	fake.Requests()
	h := ask(t, client, "deployment/order-api")
	if h.State != signals.StateUnknown || !strings.Contains(h.Reason, "gone: The provided continue parameter is too old") {
		t.Errorf("answer %+v, want that pages were lost", h)
	}
	if got := len(fake.Requests()); got != 5 {
		t.Errorf("lost pages cost %d requests, want one for the Deployment and the list begun twice", got)
	}
}

// serve is a client of a cluster that answers what it wants.
func serve(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *kubernetes.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := kubernetes.Connect(kubernetes.Options{URL: server.URL, Network: network, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	block := strings.Repeat("x", 1<<20)
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, block); err != nil {
					return
				}
			}
		}, "the answer is longer than 16 MiB"},
		"silent":   {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no whole answer in time"},
		"not JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") }, "the answer is not what it should be"},
		"another object": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, `{"metadata":{"name":"other","namespace":"staging"}}`)
		}, "the cluster answered about staging/other instead of deployments.apps/order-api in staging"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}, "the cluster answered 302: Found"},
		"come back later": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "the cluster answered 429 and asks to come back after 7 s: Too Many Requests"},
		"words for terminals": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprint(w, `{"message":"\u001b[31mred\nline\u202e"}`)
		}, "the cluster answered 500: [31mredline"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if name == "silent" {
				timeout = 200 * time.Millisecond
			}
			h := ask(t, serve(t, timeout, c.handler), "deployment/order-api")
			if h.State != signals.StateUnknown || !strings.Contains(h.Reason, c.want) {
				t.Errorf("%q because %q, want unknown because %q", h.State, h.Reason, c.want)
			}
		})
	}
}

func TestListsEnd(t *testing.T) {
	t.Parallel()
	asked := 0
	client := serve(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprint(w, `{"metadata":{"continue":"more"},"items":[]}`)
	})
	_, err := client.List(t.Context(), kubernetes.Ref{Version: "v1", Resource: "pods", Namespace: "staging"}, "", func() {}, nil)
	if err == nil || asked != 40 || !strings.Contains(err.Error(), "narrow the selector") {
		t.Errorf("List() = %v after %d requests, want it to give up after 40", err, asked)
	}
}

func TestNamesAreNoPaths(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	for _, object := range []string{"deployment/../../secrets/x", "deployment/", "deployment", "deployment/a?b", "Deployment/a", "job/a", "deployment/.."} {
		if h := ask(t, client, object); h.State != signals.StateUnknown || h.Reason == "" {
			t.Errorf("%s: answer %+v, want unknown", object, h)
		}
	}
	if asked := fake.Requests(); len(asked) > 0 {
		t.Errorf("the cluster was asked %v", asked)
	}
}

func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	fake.Put(deployment(pinned(two)))
	fake.Put(replica(1, two))
	fake.Fault(kubernetestest.Faults{Behind: 10 * time.Minute})
	h := ask(t, client, "deployment/order-api")
	if off := h.Since.Sub(began.Add(-50 * time.Minute)); h.State != signals.StateHealthy || off < -2*time.Second || off > 20*time.Second {
		t.Errorf("since %s, want ten minutes later than the cluster's clock said", h.Since)
	}
}

func TestRecordedObjects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		state  signals.State
		reason string
	}{
		"deployment": {signals.StateUnknown, "none of its containers has the image registry.example.com/team/order-api"},
		"rollout":    {signals.StateUnknown, "none of its containers has the image registry.example.com/team/order-api"},
	}
	for kind, want := range cases {
		fake, client := cluster(t)
		data, err := os.ReadFile("testdata/" + kind + ".json")
		if err != nil {
			t.Fatal(err)
		}
		fake.Put(data)
		q := kubernetes.Spec{Name: "workload", Object: kind + "/web", Namespace: "staging", Image: image}
		if h, _ := kubernetes.New(client).Check(t.Context(), q); h.State != want.state || h.Reason != want.reason {
			t.Errorf("%s: %q because %q, want %q because %q", kind, h.State, h.Reason, want.state, want.reason)
		}
	}
	// Asked about the image that they do have: one has not seen its newest spec,
	// the other has no pods here.
	for kind, want := range map[string]string{"deployment": "its status is older than its spec", "rollout": "none of its pods says which digest it runs"} {
		fake, client := cluster(t)
		data, err := os.ReadFile("testdata/" + kind + ".json")
		if err != nil {
			t.Fatal(err)
		}
		fake.Put(data)
		q := kubernetes.Spec{Name: "workload", Object: kind + "/web", Namespace: "staging", Image: "127.0.0.1/team/app"}
		if h, _ := kubernetes.New(client).Check(t.Context(), q); h.State != signals.StateProgressing || h.Reason != want {
			t.Errorf("%s: %q because %q, want progressing because %q", kind, h.State, h.Reason, want)
		}
	}
}

func TestSlowClusters(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	fake.Put(deployment(pinned(two)))
	fake.Fault(kubernetestest.Faults{Slow: time.Minute})
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	h, _ := kubernetes.New(client).Check(ctx, kubernetes.Spec{Name: "workload", Object: "deployment/order-api", Namespace: "staging", Image: image})
	if h.State != signals.StateUnknown || !strings.Contains(h.Reason, "no whole answer in time") {
		t.Errorf("answer %+v, want that there was none in time", h)
	}
}
