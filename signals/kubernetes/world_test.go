package kubernetes_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

const (
	image = "registry.example.com/team/order-api"
	one   = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	two   = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	token = "s3cret-token"
)

// began is when the tests began, in whole seconds as a cluster writes them.
var began = time.Now().Truncate(time.Second)

// ago is a time of the cluster before the tests began.
func ago(d time.Duration) metav1.Time { return metav1.NewTime(began.Add(-d)) }

func network(...string) (kubernetes.Network, error) {
	return kubernetes.Network{Dial: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}, nil
}

// cluster is a fake and a client that has its token.
func cluster(t *testing.T) (*kubernetestest.Server, *kubernetes.Client) {
	t.Helper()
	fake := kubernetestest.New(t)
	fake.Demand(token)
	client, err := kubernetes.Connect(kubernetes.Options{
		URL: fake.URL, Token: func(context.Context) (string, error) { return token, nil }, Network: network,
	})
	if err != nil {
		t.Fatal(err)
	}
	return fake, client
}

func ask(t *testing.T, c *kubernetes.Client, object string) signals.Health {
	t.Helper()
	h, _ := kubernetes.New(c).Check(t.Context(), kubernetes.Spec{Name: "workload", Object: object, Namespace: "staging", Image: image})
	return h
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "staging", UID: types.UID("uid-of-" + name), Generation: 2}
}

func pinned(d signals.Digest) string { return image + ":v1@" + string(d) }

func template(ref string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "order-api"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "app", Image: ref}, {Name: "proxy", Image: "registry.example.com/mesh/proxy:v9"},
		}},
	}
}

func selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": "order-api"}}
}

// deployment is one that is rolled out since an hour.
func deployment(ref string) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta("order-api"),
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(2)), Selector: selector(), Template: template(ref)},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, LastTransitionTime: ago(2 * time.Hour), LastUpdateTime: ago(2 * time.Hour)},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable", LastTransitionTime: ago(2 * time.Hour), LastUpdateTime: ago(time.Hour)},
			},
		},
	}
}

// pod is one that runs since 50 minutes; owner is kind/name of its controller.
func pod(name, owner, ref string, runs signals.Digest) *corev1.Pod {
	kind, by, _ := strings.Cut(owner, "/")
	labels := map[string]string{"app": "order-api"}
	if kind == "ReplicaSet" {
		hash := by[strings.LastIndexByte(by, '-')+1:]
		labels["pod-template-hash"], labels["rollouts-pod-template-hash"] = hash, hash
	}
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "staging", Labels: labels,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: by, UID: types.UID("uid-of-" + by), Controller: new(true)}},
		},
		Spec: template(ref).Spec,
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(49 * time.Minute)}},
			ContainerStatuses: []corev1.ContainerStatus{
				{Name: "app", Image: ref, ImageID: image + "@" + string(runs), Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: ago(50 * time.Minute)}}},
				{Name: "proxy", Image: "registry.example.com/mesh/proxy:v9", ImageID: "registry.example.com/mesh/proxy@sha256:9999999999999999999999999999999999999999999999999999999999999999", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: ago(50 * time.Minute)}}},
			},
		},
	}
}

// replica is a pod of the Deployment, or of the Rollout, order-api.
func replica(n int, d signals.Digest) *corev1.Pod {
	hash := string(d[7:13])
	return pod(fmt.Sprintf("order-api-%s-%d", hash, n), "ReplicaSet/order-api-"+hash, pinned(d), d)
}

// crash lets a pod's container crash again and again.
func crash(p *corev1.Pod) *corev1.Pod {
	p.Status.Conditions[0].Status, p.Status.Conditions[0].LastTransitionTime = corev1.ConditionFalse, ago(3*time.Minute)
	s := &p.Status.ContainerStatuses[0]
	s.Ready, s.RestartCount = false, 4
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 1m20s restarting"}}
	s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, StartedAt: ago(70 * time.Second), FinishedAt: ago(time.Minute)}
	return p
}

// path is where the API serves a pod.
func path(p *corev1.Pod) string { return "/api/v1/namespaces/staging/pods/" + p.Name }

// compare compares answers but for their name, source and time. A since that is
// wanted now is that of the reading.
func compare(t *testing.T, got, want signals.Health) {
	t.Helper()
	if want.Since.Equal(began) {
		want.Since = got.At
	}
	if want.Since.IsZero() || got.Since.Equal(want.Since) {
		got.Since, want.Since = time.Time{}, time.Time{}
	}
	got.Name, got.Source, got.At = "", "", time.Time{}
	if got != want {
		t.Errorf("answer\n %+v, want\n %+v", got, want)
	}
}
