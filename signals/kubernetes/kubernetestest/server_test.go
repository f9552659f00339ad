package kubernetestest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// pods is where the tests look, as Kubernetes' own client says it.
var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// theirs is Kubernetes' own client: what it understands, an API server may say.
func theirs(t *testing.T, s *kubernetestest.Server, token string) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(&rest.Config{Host: s.URL, BearerToken: token, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(pods).Namespace("apps")
}

func pod(name, app string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name, "namespace": "apps", "labels": map[string]any{"app": app}},
		"spec": map[string]any{"containers": []any{}},
	}
}

func next(t *testing.T, w watch.Interface) watch.Event {
	t.Helper()
	select {
	case e, ok := <-w.ResultChan():
		if !ok {
			t.Fatal("the watch ended")
		}
		return e
	case <-time.After(time.Minute):
		t.Fatal("nothing happens")
	}
	panic("unreachable")
}

func said(e watch.Event) string {
	if o, ok := e.Object.(*unstructured.Unstructured); ok {
		return strings.TrimSpace(fmt.Sprintf("%s %s", e.Type, o.GetName()))
	}
	return fmt.Sprintf("%s %v", e.Type, apierrors.FromObject(e.Object))
}

func TestListsPageByPage(t *testing.T) {
	t.Parallel()
	s := kubernetestest.New(t)
	for i := range 5 {
		s.Put(pod(fmt.Sprintf("a-%d", i), "a"))
		s.Put(pod(fmt.Sprintf("b-%d", i), "b"))
	}
	client := theirs(t, s, "")
	var names []string
	o := metav1.ListOptions{Limit: 2, LabelSelector: "app=a"}
	for {
		list, err := client.List(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			names = append(names, item.GetName())
		}
		if o.Continue = list.GetContinue(); o.Continue == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "a-0 a-1 a-2 a-3 a-4" {
		t.Errorf("pages hold %s", got)
	}
	list, err := client.List(t.Context(), metav1.ListOptions{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if _, err = client.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: list.GetContinue()}); !apierrors.IsResourceExpired(err) {
		t.Errorf("a page of what is forgotten: %v, want 410", err)
	}
}

func TestWatchesFromAVersion(t *testing.T) {
	t.Parallel()
	s := kubernetestest.New(t)
	s.Put(pod("before", "a"))
	client := theirs(t, s, "")
	list, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Put(pod("other", "b"))
	s.Put(pod("after", "a"))
	w, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion(), LabelSelector: "app=a", AllowWatchBookmarks: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	first := next(t, w)
	if got := said(first); got != "ADDED after" {
		t.Errorf("first came %s", got)
	}
	s.Put(pod("after", "a"))
	if got := said(next(t, w)); got != "MODIFIED after" {
		t.Errorf("then came %s", got)
	}
	s.Delete("/api/v1/namespaces/apps/pods/after")
	if got := said(next(t, w)); got != "DELETED after" {
		t.Errorf("then came %s", got)
	}
	s.Bookmark()
	mark := next(t, w)
	o, ok := mark.Object.(*unstructured.Unstructured)
	if mark.Type != watch.Bookmark || !ok || o.GetResourceVersion() == "" {
		t.Fatalf("then came %s", said(mark))
	}
	again, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: o.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	s.Put(pod("last", "a"))
	if got := said(next(t, again)); got != "ADDED last" {
		t.Errorf("after the bookmark came %s, want nothing twice", got)
	}
	s.Forget()
	gone, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Stop()
	if e := next(t, gone); e.Type != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(e.Object)) {
		t.Errorf("a watch from what is forgotten begins with %s, want 410", said(e))
	}
}

func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	s := kubernetestest.New(t)
	s.Put(pod("a", "a"))
	s.Demand("token")
	if _, err := theirs(t, s, "other").Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("another token: %v, want 401", err)
	}
	s.Allow([]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}})
	client := theirs(t, s, "token")
	if _, err := client.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("what the role allows: %v", err)
	}
	if _, err := client.Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("what it does not: %v, want 403", err)
	}
	if _, err := client.Watch(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("what it does not: %v, want 403", err)
	}
	s.Allow([]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}, ResourceNames: []string{"a"}}})
	if _, err := client.Get(t.Context(), "b", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("another name: %v, want 403", err)
	}
	if err := client.Delete(t.Context(), "a", metav1.DeleteOptions{}); err == nil {
		t.Error("it can be written to")
	}
	s.Allow([]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}})
	if _, err := client.Get(t.Context(), "b", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("what is not there: %v, want 404", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := kubernetestest.New(t)
	s.Put(pod("a", "a"))
	client := theirs(t, s, "")
	s.Fault(kubernetestest.Faults{Status: http.StatusServiceUnavailable})
	if _, err := client.Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsServiceUnavailable(err) && !apierrors.IsInternalError(err) {
		t.Errorf("told to fail: %v", err)
	}
	s.Fault(kubernetestest.Faults{Slow: time.Hour})
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := client.Get(ctx, "a", metav1.GetOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v, want no answer in time", err)
	}
	s.Fault(kubernetestest.Faults{Cut: 20})
	if _, err := client.Get(t.Context(), "a", metav1.GetOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v, want half an answer", err)
	}
	s.Fault(kubernetestest.Faults{Behind: time.Hour})
	res, err := http.Get(s.URL + "/api/v1/namespaces/apps/pods/a") //nolint:noctx // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if at, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Since(at) < 50*time.Minute {
		t.Errorf("a clock that is behind says %s", at)
	}
}
