package promoter_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// order ENV by NAME COMMAND: a comment on the newest proposal of the lane, from
// somebody with the right. A pin to nothing is one whose words are gone.
func order(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	if len(k.Proposals) == 0 {
		return fmt.Errorf("no proposal of %s to comment on", a[0])
	}
	p := &k.Proposals[0]
	line := "/waveguide " + strings.Join(a[3:], " ")
	for i, c := range gitops.ParseCommands(line) {
		if c.Problem != "" {
			return fmt.Errorf("%s: %s", line, c.Problem)
		}
		if c.Version == "nothing" {
			c.Version = ""
		}
		g := gitops.Given{Command: c, ID: p.ID, Key: fmt.Sprintf("%s#%d", p.ID, i), By: person(a[2]), At: m.s.Now}
		if c.Word == gitops.CommandPin || c.Word == gitops.CommandUnpin {
			k.Orders = append(k.Orders, g)
			continue
		}
		p.Orders = append(p.Orders, g)
		p.Forgiven = p.Forgiven || c.Word == gitops.CommandRetry
	}
	return nil
}

// judge ENV TAG [NAME INCIDENT]: a person's own proposal, and perhaps the
// emergency that was declared on it. What the gates say of it is in the story's
// next plan, as lines that begin with it.
func judge(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	p := gitops.Proposal{
		ID: "#90", Lane: k.Lane, State: gitops.Open, Author: person("ada"), Head: "ada-1", From: k.Desired.Version,
		To: gitops.Version{Tag: a[1], Digest: string(digestOf(a[1]))}, Class: "promotion", Opened: m.s.Now,
	}
	if len(a) > 2 {
		c := gitops.Command{Word: gitops.CommandEmergency, Name: a[2], Incident: a[3]}
		p.Orders = []gitops.Given{{Command: c, ID: p.ID, Key: "90#0", By: person("sam"), At: m.s.Now.Add(-time.Minute)}}
	}
	m.look()
	m.judged = nil
	for _, v := range promoter.Judge(m.s, p) {
		if v.Answer != 1 {
			m.judged = append(m.judged, "#90 "+v.String())
		}
	}
	if len(m.judged) == 0 {
		m.judged = []string{"#90 every gate passes"}
	}
	m.judged = slices.Clip(m.judged)
	return nil
}
