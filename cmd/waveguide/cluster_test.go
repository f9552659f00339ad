package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

type fields = map[string]any

// cluster is one in which dev is a Deployment, staging an application of Argo
// CD and prod a Kustomization of Flux. The test is their controllers.
type cluster struct {
	*kubernetestest.Server
	w    *world
	pods []string
}

// newCluster makes a world's environments name signals of a cluster.
func newCluster(t *testing.T, w *world, s setup) *cluster {
	t.Helper()
	c := &cluster{Server: kubernetestest.New(t), w: w}
	kubeconfig := w.write("kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: \""+c.URL+"\"}}]\ncontexts: [{name: a, context: {cluster: a, user: \"\"}}]\n")
	w.write("waveguide.yaml", w.daemon(s)+fmt.Sprintf("  - {name: cluster, kind: kubernetes, url: %q}\n  - {name: argocd, kind: argocd, kubeconfig: %q}\n  - {name: flux, kind: flux, url: %q}\n", c.URL, kubeconfig, c.URL))
	health := map[string]string{
		"dev":     "{name: rolled-out, signal: cluster, object: \"deployment/${artifact}\", namespace: dev}",
		"staging": "{name: synced, signal: argocd, application: \"staging-${artifact}\"}",
		"prod":    "{name: applied, signal: flux, object: \"kustomization/${artifact}\"}",
	}
	var b strings.Builder
	for _, e := range s.envs {
		lowest := map[string]string{"dev": "pod", "staging": "applied", "prod": "applied"}[e]
		fmt.Fprintf(&b, "---\napiVersion: waveguide.dev/v1alpha1\nkind: Environment\nname: %s\npath: environments/%s/${artifact}\nlabels: {stage: %s}\nrunning: %s\nhealth:\n  - %s\n", e, e, e, lowest, health[e])
	}
	w.pushAs("root", rootToken, "main", map[string]string{".waveguide/environments.yaml": b.String()})
	return c
}

func stamp(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format(time.RFC3339) }

// head is the newest commit of main.
func (c *cluster) head() string {
	c.w.t.Helper()
	_, commit, err := c.w.main()
	if err != nil {
		c.w.t.Fatal(err)
	}
	return commit.Hash.String()
}

// deploy writes the Deployment of dev: what it asks for, and which of its specs
// its status is about.
func (c *cluster) deploy(digest string, generation, observed int) {
	template := fields{"metadata": fields{"labels": fields{"app": "shop"}}, "spec": fields{"containers": []fields{{"name": "app", "image": c.w.image + "@" + digest}}}}
	c.Put(fields{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": fields{"name": "shop", "namespace": "dev", "uid": "d", "generation": generation},
		"spec": fields{"replicas": 1, "selector": fields{"matchLabels": fields{"app": "shop"}}, "template": template},
		"status": fields{
			"observedGeneration": observed, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
			"conditions": []fields{
				{"type": "Available", "status": "True", "lastTransitionTime": stamp(time.Minute)},
				{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": stamp(0)},
			},
		},
	})
}

// run replaces the pods of dev.
func (c *cluster) run(digest string) {
	for _, p := range c.pods {
		c.Delete("/api/v1/namespaces/dev/pods/" + p)
	}
	hash := digest[7:13]
	c.pods = []string{"shop-" + hash}
	c.Put(fields{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": fields{
			"name": c.pods[0], "namespace": "dev", "labels": fields{"app": "shop", "pod-template-hash": hash},
			"ownerReferences": []fields{{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-" + hash, "uid": "r", "controller": true}},
		},
		"spec": fields{"containers": []fields{{"name": "app", "image": c.w.image + "@" + digest}}},
		"status": fields{
			"phase": "Running", "conditions": []fields{{"type": "Ready", "status": "True", "lastTransitionTime": stamp(0)}},
			"containerStatuses": []fields{{
				"name": "app", "ready": true, "image": c.w.image, "imageID": c.w.image + "@" + digest, "restartCount": 0,
				"state": fields{"running": fields{"startedAt": stamp(0)}},
			}},
		},
	})
}

// sync writes the application of staging, synced to a commit; its pods name the
// image by tag, so the commit is what is known.
func (c *cluster) sync(revision, tag string) {
	c.Put(fields{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": fields{"name": "staging-shop", "namespace": "argocd"},
		"spec": fields{"project": "default", "destination": fields{"namespace": "staging"}, "source": fields{"repoURL": c.w.forge + "/env.git"}},
		"status": fields{
			"sync":         fields{"status": "Synced", "revision": revision, "comparedTo": fields{"destination": fields{}, "source": fields{"repoURL": c.w.forge + "/env.git"}}},
			"health":       fields{"status": "Healthy", "lastTransitionTime": stamp(time.Minute)},
			"reconciledAt": stamp(0), "summary": fields{"images": []string{c.w.image + ":" + tag}},
		},
	})
}

// apply writes the Kustomization of prod, ready at a commit.
func (c *cluster) apply(revision string) {
	c.Put(fields{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": fields{"name": "shop", "namespace": "flux-system", "generation": 1},
		"spec": fields{"interval": "1m", "prune": true, "wait": true, "sourceRef": fields{"kind": "GitRepository", "name": "env"}},
		"status": fields{
			"observedGeneration": 1, "lastAppliedRevision": "main@sha1:" + revision, "lastAttemptedRevision": "main@sha1:" + revision,
			"conditions": []fields{{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "Applied revision", "lastTransitionTime": stamp(0)}},
		},
	})
}

// looks waits until a resource was read so often from now on.
func (c *cluster) looks(resource string, times int) {
	c.w.t.Helper()
	c.Requests()
	seen := 0
	eventually(c.w.t, fmt.Sprintf("%d looks at %s", times, resource), func() (string, bool) {
		for _, r := range c.Requests() {
			if r.Resource == resource && r.Verb == "get" {
				seen++
			}
		}
		return fmt.Sprint(seen), seen >= times
	})
}

// waits checks that nothing reaches an environment while it is looked at.
func (c *cluster) waits(env, digest, resource, why string) {
	c.w.t.Helper()
	c.looks(resource, 4)
	if got, err := c.w.named(env); err != nil || got != digest {
		c.w.t.Fatalf("%s names %s, %v although %s", env, got, err, why)
	}
}

// TestClustersDecide carries an image through environments that Kubernetes,
// Argo CD and Flux deploy. Each is healthy all the time, on the version before:
// only the new one's own health may let it go on.
func TestClustersDecide(t *testing.T) {
	t.Parallel()
	s := setup{registry: memoryRegistry(t), envs: []string{"dev", "staging", "prod"}, soak: 500 * time.Millisecond}
	w := newWorld(t, s)
	first, err := w.named("dev")
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, w, s)
	c.deploy(first, 1, 1)
	c.run(first)
	c.sync(c.head(), "1.0.0")
	c.apply(c.head())
	d := w.run()
	c.looks("kustomizations", 2)
	next := w.release("1.1.0")

	w.reaches("dev", next)
	c.waits("staging", first, "deployments", "dev still runs the version before")
	c.deploy(next, 2, 1)
	c.waits("staging", first, "deployments", "the Deployment's status is older than its spec")
	c.deploy(next, 2, 2)
	c.waits("staging", first, "deployments", "the pods in dev run the version before")
	c.run(next)

	w.reaches("staging", next)
	c.waits("prod", first, "applications", "Argo CD has not applied the commit")
	c.sync(c.head(), "1.1.0")

	w.reaches("prod", next)
	c.apply(c.head())
	w.settled(d)
	d.stop(t)
}
