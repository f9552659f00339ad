package promoter_test

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// need ENV ARTIFACT[@CONSTRAINT] met|unmet.
func need(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	artifact, constraint, _ := strings.Cut(a[1], "@")
	n := gate.Need{Artifact: artifact, Constraint: constraint, Met: a[2] == "met"}
	if !n.Met {
		n.Reason = "1.0.0 is there"
	}
	k.Needs = []gate.Need{n}
	return nil
}

// merge ENV: a person merges the open proposal.
func merge(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	if c, ok := p.Check(gitops.CheckName); !ok || c.State != gitops.CheckSuccess {
		return fmt.Errorf("the check is %q, so nobody can merge %s", c.State, p.ID)
	}
	m.merge(k, p, person("mia"))
	return nil
}

// close ENV by NAME [PERMISSION].
func closing(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.State, p.Ended, p.EndedBy = gitops.Closed, m.s.Now, person(a[2])
	if len(a) > 3 {
		p.EndedBy.Permission = gitops.Permission(a[3])
	}
	return nil
}

// forgive ENV: a person asks to forget the last closing.
func forgive(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	for i := range k.Proposals {
		if k.Proposals[i].State == gitops.Closed {
			k.Proposals[i].Forgiven = true
			return nil
		}
	}
	return fmt.Errorf("nothing was closed in %s", a[0])
}

// approve|object ENV by NAME.
func review(s gitops.ReviewState) func(*model, []string) error {
	return func(m *model, a []string) error {
		p, err := m.open(a[0])
		if err != nil {
			return err
		}
		p.Reviews = append(p.Reviews, gitops.Review{By: person(a[2]), State: s, Head: p.Head, At: m.s.Now})
		return nil
	}
}

// label ENV NAME [REASON].
func label(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.Labels = append(p.Labels, gitops.Label{Name: a[1], By: person("sam"), At: m.s.Now, Reason: strings.Join(a[2:], " ")})
	return nil
}

// unlabel ENV NAME.
func unlabel(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.Labels = slices.DeleteFunc(p.Labels, func(l gitops.Label) bool { return l.Name == a[1] })
	return nil
}

// edited ENV REASON: a person pushed to the branch.
func edited(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.Edited = strings.Join(a[1:], " ")
	return nil
}

// behind ENV: the protected branch moved under the proposal.
func behind(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.Behind = true
	return nil
}

// check ENV NAME STATE: another required check of the forge.
func check(m *model, a []string) error {
	p, err := m.open(a[0])
	if err != nil {
		return err
	}
	p.Checks = slices.DeleteFunc(p.Checks, func(c gitops.Check) bool { return c.Name == a[1] })
	p.Checks = append(p.Checks, gitops.Check{Name: a[1], State: gitops.CheckState(a[2]), Required: true})
	return nil
}

// pause TITLE: an issue with the pause label.
func pause(m *model, a []string) error {
	p := gitops.ParsePause(strings.Join(a, " "))
	p.ID, p.By, p.Since = "issue 7", person("sam"), m.s.Now
	m.s.World.Pauses = append(m.s.World.Pauses, p)
	return nil
}

// killall: the kill switch.
func killall(m *model, _ []string) error {
	m.s.World.Pauses = append(m.s.World.Pauses, gitops.Pause{ID: "the kill switch"})
	return nil
}
