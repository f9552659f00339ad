package argocd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// defaultNamespace is where Argo CD usually lives.
const defaultNamespace = "argocd"

// Over makes the source of an Argo CD whose applications are read as objects of
// its cluster, without its API server.
func Over(c *kubernetes.Client) *Source { return &Source{reader: objects{c}} }

type objects struct{ client *kubernetes.Client }

func (o objects) host() string { return o.client.Host() }

func ref(q Spec) kubernetes.Ref {
	return kubernetes.Ref{
		Group: "argoproj.io", Version: "v1alpha1", Resource: "applications",
		Namespace: cmp.Or(q.Namespace, defaultNamespace), Name: q.Application,
	}
}

func (o objects) get(ctx context.Context, q Spec) (app application, behind time.Duration, err error) {
	behind, err = o.client.Get(ctx, ref(q), &app)
	return app, behind, err
}

func (o objects) list(ctx context.Context, q Spec) (apps []application, behind time.Duration, err error) {
	behind, err = o.client.List(ctx, ref(q), q.Selector, func() { apps = nil }, func(item json.RawMessage) error {
		var a application
		if err := json.Unmarshal(item, &a); err != nil {
			return errors.New("an application is not what it should be")
		}
		if apps = append(apps, a); len(apps) > maxApplications {
			return fmt.Errorf("more than %d match %s: narrow the selector", maxApplications, q.Selector)
		}
		return nil
	})
	return apps, behind, err
}
