// Package argocd knows what Argo CD applied and how it is: it reads
// applications, over Argo CD's API or as objects of its cluster, and binds each
// answer to the images that run and the revision that was applied.
//
// How applications are read is in api.go and object.go, what one says in
// application.go, which version that is about in version.go. Several
// applications of one environment come together in [Source.Check]. Argo CD is
// never asked to refresh: that costs its controller a comparison, and truth
// comes by its own pace.
package argocd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

const (
	// maxApplications bounds what a selector may match.
	maxApplications = 50
	// defaultSilence is how long ago the controller may have looked: six times
	// its usual period.
	defaultSilence = 20 * time.Minute
)

// Spec is one question about the applications of one artifact in one
// environment.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name string
	// Application is a name; Selector selects by labels instead.
	Application, Selector string
	// Project is that of the applications; any if empty. An application of the
	// same name in another project is never taken for it.
	Project string
	// Namespace is that of the application objects; Argo CD's own if empty.
	Namespace string
	// Image is the artifact's repository as the cluster names it.
	Image string
	// Repository is the URL of the GitOps repository, to tell the sources of an
	// application apart.
	Repository string
	// Within is how long ago the controller may have looked; 0 means 20 minutes.
	Within time.Duration
}

// Source answers questions about the applications of one Argo CD.
type Source struct{ reader reader }

// reader reads applications. The duration is how far the server's clock is
// behind ours.
type reader interface {
	get(ctx context.Context, q Spec) (application, time.Duration, error)
	list(ctx context.Context, q Spec) ([]application, time.Duration, error)
	host() string
}

// Check reads the applications and says what they run and how they are.
// Whatever keeps it from knowing is the reason of an unknown state; the error
// says that Argo CD could not be asked. It costs one request.
func (s *Source) Check(ctx context.Context, q Spec) (signals.Health, error) {
	h := signals.Health{Name: q.Name, Source: fmt.Sprintf("argocd %s at %s", kubernetes.Plain(cmp.Or(q.Application, q.Selector)), s.reader.host())}
	apps, behind, err := s.read(ctx, q)
	h.At = time.Now().UTC()
	if err != nil {
		h.Reason = kubernetes.Plain(err.Error())
		kubernetes.Settle(&h, behind)
		return h, kubernetes.Failure(err)
	}
	var answers []signals.Health
	for i := range apps {
		a := apps[i].judge(q, h.At.Add(-behind))
		if len(apps) > 1 {
			a.Reason = "application " + kubernetes.Plain(apps[i].Metadata.Name) + ": " + a.Reason
		}
		answers = append(answers, a)
	}
	one := fold(answers)
	one.Name, one.Source, one.At = h.Name, h.Source, h.At
	kubernetes.Settle(&one, behind)
	return one, nil
}

// read reads what is asked about and refuses answers about anything else.
func (s *Source) read(ctx context.Context, q Spec) ([]application, time.Duration, error) {
	if (q.Application == "") == (q.Selector == "") {
		return nil, 0, errors.New("an application is asked for by its name or by a selector, one of both")
	}
	for _, name := range []string{q.Application, q.Project, q.Namespace} {
		if name != "" && !kubernetes.IsName(name) {
			return nil, 0, fmt.Errorf("%.80q is no name that Kubernetes allows", name)
		}
	}
	if q.Application != "" {
		a, behind, err := s.reader.get(ctx, q)
		if err != nil {
			return nil, behind, err
		}
		return []application{a}, behind, a.is(q)
	}
	all, behind, err := s.reader.list(ctx, q)
	if err != nil {
		return nil, behind, err
	}
	all = slices.DeleteFunc(all, func(a application) bool { return a.is(q) != nil })
	switch {
	case len(all) == 0:
		return nil, behind, fmt.Errorf("no application matches %s%s", q.Selector, ofProject(q))
	case len(all) > maxApplications:
		return nil, behind, fmt.Errorf("%d applications match %s, which is more than are read: narrow the selector", len(all), q.Selector)
	}
	return all, behind, nil
}

func ofProject(q Spec) string {
	if q.Project == "" {
		return ""
	}
	return " in project " + q.Project
}

// is refuses an application that was not asked for.
func (a *application) is(q Spec) error {
	name := kubernetes.Plain(a.Metadata.Name)
	switch {
	case q.Application != "" && a.Metadata.Name != q.Application:
		return fmt.Errorf("the answer is about application %s instead of %s", name, q.Application)
	case q.Project != "" && a.Spec.Project != q.Project:
		return fmt.Errorf("application %s belongs to project %s, not to %s", name, kubernetes.Plain(a.Spec.Project), q.Project)
	case q.Namespace != "" && a.Metadata.Namespace != q.Namespace:
		return fmt.Errorf("application %s lives in namespace %s, not in %s", name, kubernetes.Plain(a.Metadata.Namespace), q.Namespace)
	}
	return nil
}

// fold is the worst of several answers; good news has to agree about what runs.
func fold(answers []signals.Health) signals.Health {
	worst := answers[0]
	for _, a := range answers[1:] {
		switch {
		case severity(a.State) > severity(worst.State):
			worst = a
		case a.State != worst.State || a.State != signals.StateHealthy:
		case a.Digest != worst.Digest || a.Digest == "" && a.Revision != worst.Revision:
			worst = signals.Health{State: signals.StateProgressing, Reason: "the applications run different versions"}
		default:
			if !a.Rung.Reaches(worst.Rung) {
				worst.Rung = a.Rung
			}
			if worst.Proven = worst.Proven && a.Proven; a.Since.After(worst.Since) {
				worst.Since, worst.Reason = a.Since, a.Reason
			}
		}
	}
	return worst
}

func severity(s signals.State) int {
	return slices.Index([]signals.State{signals.StateHealthy, signals.StateProgressing, signals.StateUnknown, signals.StateUnhealthy}, s)
}
