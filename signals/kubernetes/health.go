package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
)

// Spec is one question about one workload.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name string
	// Object is kind/name, as in deployment/order-api; the kinds are deployment,
	// statefulset, daemonset and rollout.
	Object    string
	Namespace string
	// Image is the repository of the artifact as the cluster names it.
	Image string
}

// Source answers questions about the workloads of one cluster.
type Source struct{ client *Client }

// New makes the source of a cluster.
func New(c *Client) *Source { return &Source{client: c} }

// Check reads a workload and its pods and says what runs and how it is.
// Whatever keeps it from knowing is the reason of an unknown state; the error
// says that the cluster could not be asked. It costs two requests, and one more
// for each 250 pods beyond the first or for a Rollout that borrows a
// Deployment's template.
func (s *Source) Check(ctx context.Context, q Spec) (signals.Health, error) {
	h := signals.Health{Name: q.Name, Source: fmt.Sprintf("%s in %s at %s", Plain(q.Object), Plain(q.Namespace), s.client.Host())}
	w, behind, err := s.workload(ctx, q)
	var pods []seen
	now := time.Now().UTC()
	if err == nil && !w.empty {
		pods, err = s.pods(ctx, q, w, now.Add(-behind))
	}
	h.At = time.Now().UTC()
	if err != nil {
		h.Since, h.Reason = h.At, Plain(err.Error())
		return h, Failure(err)
	}
	judge(&h, w, pods, q)
	Settle(&h, behind)
	return h, nil
}

// Follow calls hint with the name of a pod that changed in a namespace, and with
// none where any may have, until the context ends: see [Client.Follow].
func (s *Source) Follow(ctx context.Context, namespace string, hint func(pod string), fail func(error)) {
	s.client.Follow(ctx, Ref{Version: "v1", Resource: "pods", Namespace: namespace}, "", hint, fail)
}

// Settle makes a time of the cluster one of ours. A clock that is behind made
// it too early; one that is ahead can only make it later, which is the safe
// side, up to now. Where no time is known it is that of the reading.
func Settle(h *signals.Health, behind time.Duration) {
	if h.Since.IsZero() {
		h.Since, h.Proven = h.At, false
		return
	}
	h.Since = h.Since.Add(behind).UTC()
	if h.Since.After(h.At) {
		h.Since = h.At
	}
}

// workload reads the object that is asked about.
func (s *Source) workload(ctx context.Context, q Spec) (w workload, behind time.Duration, err error) {
	kind, name, ok := strings.Cut(q.Object, "/")
	if !ok || name == "" {
		return w, 0, fmt.Errorf("object %.80q is not kind/name", q.Object)
	}
	ref := Ref{Group: "apps", Version: "v1", Namespace: q.Namespace, Name: name}
	switch kind {
	case "deployment":
		var d appsv1.Deployment
		ref.Resource = "deployments"
		if behind, err = s.client.Get(ctx, ref, &d); err == nil {
			w, err = fromDeployment(&d), same(d.ObjectMeta, ref)
		}
	case "statefulset":
		var d appsv1.StatefulSet
		ref.Resource = "statefulsets"
		if behind, err = s.client.Get(ctx, ref, &d); err == nil {
			w, err = fromStatefulSet(&d), same(d.ObjectMeta, ref)
		}
	case "daemonset":
		var d appsv1.DaemonSet
		ref.Resource = "daemonsets"
		if behind, err = s.client.Get(ctx, ref, &d); err == nil {
			w, err = fromDaemonSet(&d), same(d.ObjectMeta, ref)
		}
	case "rollout":
		return s.rollout(ctx, ref)
	default:
		err = fmt.Errorf("%.40q is no kind of workload that is read: use deployment, statefulset, daemonset or rollout", kind)
	}
	return w, behind, err
}

// same refuses an answer about another object, as a proxy or a cache may give.
func same(m metav1.ObjectMeta, r Ref) error {
	if m.Name != r.Name || m.Namespace != r.Namespace {
		return fmt.Errorf("the cluster answered about %s/%s instead of %s", Plain(m.Namespace), Plain(m.Name), r)
	}
	return nil
}

func (s *Source) rollout(ctx context.Context, ref Ref) (w workload, behind time.Duration, err error) {
	deployment := ref
	ref.Group, ref.Version, ref.Resource = "argoproj.io", "v1alpha1", "rollouts"
	var r rollout
	if behind, err = s.client.Get(ctx, ref, &r); err != nil {
		return w, behind, err
	}
	if err := same(r.Metadata, ref); err != nil || r.Spec.Workload == nil {
		return fromRollout(&r, nil), behind, err
	}
	if r.Spec.Workload.Kind != "Deployment" {
		return w, behind, fmt.Errorf("%s borrows its template from a %.40q; only a Deployment's is read", ref, Plain(r.Spec.Workload.Kind))
	}
	var of appsv1.Deployment
	deployment.Resource, deployment.Name = "deployments", r.Spec.Workload.Name
	if _, err = s.client.Get(ctx, deployment, &of); err != nil {
		return w, behind, err
	}
	return fromRollout(&r, &of), behind, nil
}

// pods reads what the workload's pods say about the image.
func (s *Source) pods(ctx context.Context, q Spec, w workload, now time.Time) ([]seen, error) {
	selector, err := metav1.LabelSelectorAsSelector(w.selector)
	if err != nil || selector.Empty() {
		return nil, errors.New("its selector cannot be used to find its pods")
	}
	var out []seen
	ref := Ref{Version: "v1", Resource: "pods", Namespace: q.Namespace}
	_, err = s.client.List(ctx, ref, selector.String(), func() { out = nil }, func(item json.RawMessage) error {
		var p corev1.Pod
		if err := json.Unmarshal(item, &p); err != nil {
			return errors.New("a pod is not what it should be")
		}
		if w.owns(p.ObjectMeta) {
			out = append(out, readPod(&p, q.Image, now)...)
		}
		return nil
	})
	return out, err
}

// judge brings together what the workload and its pods say. Good news is bound
// to the one digest that all pods run; bad news to the digest that the
// workload asks for, because that is what it is about.
func judge(h *signals.Health, w workload, pods []seen, q Spec) {
	newest := templateImages(w.template, q.Image)
	h.State, h.Reason, h.Since, h.Proven = w.stand.state, w.stand.reason, w.stand.since, !w.stand.since.IsZero()
	switch {
	case w.empty:
		*h = doubt(*h, signals.StateUnknown, "it asks for no pod, so nothing runs")
		return
	case len(newest) == 0:
		*h = doubt(*h, signals.StateUnknown, "none of its containers has the image "+Plain(q.Image))
		return
	}
	digests, rung := running(pods)
	if len(digests) == 1 {
		h.Digest, h.Rung = digests[0], rung
	}
	if trouble, ok := worst(pods, newest); ok && w.stand.state != signals.StateUnknown {
		h.State, h.Reason, h.Since, h.Proven = signals.StateUnhealthy, trouble.trouble, trouble.troubled, false
	}
	switch h.State {
	case signals.StateUnhealthy:
		blame(h, pods, newest)
	case signals.StateHealthy:
		weigh(h, w, pods, digests, newest)
	case signals.StateProgressing, signals.StateUnknown:
	}
}

// doubt is an answer in a state that nobody vouches for.
func doubt(h signals.Health, s signals.State, reason string) signals.Health {
	h.State, h.Reason, h.Since, h.Proven = s, reason, time.Time{}, false
	return h
}

// weigh lowers a workload's own good news to what its pods bear out.
func weigh(h *signals.Health, w workload, pods []seen, digests []signals.Digest, newest []string) {
	switch {
	case len(digests) > 1:
		*h = doubt(*h, signals.StateProgressing, fmt.Sprintf("its pods run %d digests: %s", len(digests), shorts(digests)))
		return
	case len(digests) == 0:
		*h = doubt(*h, signals.StateProgressing, "none of its pods says which digest it runs")
		return
	}
	pinned := !slices.ContainsFunc(newest, func(image string) bool { return Digest(image) == "" })
	restarts := int32(0)
	for _, p := range pods {
		restarts += p.restarts
		// A tag may move under a workload that stays available, and a workload
		// without conditions has only its pods to say since when.
		if !pinned || w.stand.since.IsZero() || p.restarts > 0 {
			h.Since = later(h.Since, p.since)
		}
	}
	h.Proven = !h.Since.IsZero()
	if restarts > 0 {
		h.Reason += fmt.Sprintf(", %d restarts", restarts)
	}
}

// blame finds the digest that bad news is about.
func blame(h *signals.Health, pods []seen, newest []string) {
	h.Proven = false
	var named []signals.Digest
	for _, image := range newest {
		if d := Digest(image); d != "" && !slices.Contains(named, d) {
			named = append(named, d)
		}
	}
	switch {
	case len(named) == 1 && h.Digest != named[0]:
		h.Digest, h.Rung = named[0], signals.RungSpec
	case len(named) == 0:
		sick := slices.DeleteFunc(slices.Clone(pods), func(p seen) bool { return p.trouble == "" })
		if len(sick) == 0 {
			sick = pods
		}
		d, rung := running(sick)
		if len(d) != 1 {
			*h = doubt(*h, signals.StateUnknown, "nobody can say about which digest that is: "+h.Reason)
			return
		}
		h.Digest, h.Rung = d[0], rung
	}
}

// templateImages are the workload's own names of the artifact's image.
func templateImages(p corev1.PodSpec, image string) []string {
	var out []string
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		if Repository(c.Image) == Repository(image) && image != "" {
			out = append(out, c.Image)
		}
	}
	return out
}

// running are the digests that pods run, sorted, and the weakest evidence.
func running(pods []seen) (digests []signals.Digest, rung signals.Rung) {
	for _, p := range pods {
		if p.digest == "" {
			continue
		}
		if rung == signals.RungNone || rung.Reaches(p.rung) {
			rung = p.rung
		}
		digests = append(digests, p.digest)
	}
	slices.Sort(digests)
	return slices.Compact(digests), rung
}

// worst is a pod of the newest template that cannot run, the one that cannot
// for the longest time. Trouble of pods that are being replaced is none.
func worst(pods []seen, newest []string) (seen, bool) {
	var out seen
	for _, p := range pods {
		if p.trouble == "" || !slices.ContainsFunc(newest, func(image string) bool {
			return image == p.image || Digest(image) != "" && Digest(image) == Digest(p.image)
		}) {
			continue
		}
		if out.trouble == "" || p.troubled.Before(out.troubled) {
			out = p
		}
	}
	return out, out.trouble != ""
}

func shorts(digests []signals.Digest) string {
	names := make([]string, 0, 3)
	for i, d := range digests {
		if i == 3 {
			return strings.Join(append(names, "…"), ", ")
		}
		names = append(names, d.Short())
	}
	return strings.Join(names, ", ")
}
