package local_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
	"github.com/waveguide-dev/waveguide/gitops/local"
)

var _ gitopstest.Client = (*local.Client)(nil)

func TestContract(t *testing.T) {
	t.Parallel()
	gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
		t.Helper()
		f := newForge(t)
		work := f.seed()
		faults := gitopstest.NewFaults(http.DefaultTransport)
		bot := func() gitopstest.Client {
			return local.NewClient(local.ClientOptions{
				BaseURL: f.http.URL, Repository: "env", HTTP: &http.Client{Transport: faults},
				Token: func(context.Context) (string, error) { return botToken, nil },
			})
		}
		return gitopstest.Forge{
			Bot: bot(), Fresh: bot, Faults: faults, Act: f.act,
			Push: func(t *testing.T, branch, file, text string) gitops.Commit {
				t.Helper()
				return f.push(work, "bot", botToken, branch, file, text)
			},
			Withdraw: func(t *testing.T) {
				t.Helper()
				f.options.Users = users()
				f.options.Users[0].Permission = gitops.PermissionRead
				f.restart()
			},
		}
	})
}

// act is what people do, by the API that they have too.
func (f *forge) act(t *testing.T, who gitops.Permission, d gitopstest.Deed) (string, error) {
	t.Helper()
	ctx := t.Context()
	c := f.client(map[gitops.Permission]string{gitops.PermissionTriage: triageToken, gitops.PermissionWrite: adaToken}[who])
	switch d.Kind {
	case gitopstest.DoLabel:
		return "", c.AddLabel(ctx, d.ID, d.Text)
	case gitopstest.DoUnlabel, gitopstest.DoUnlabelIssue:
		return "", c.RemoveLabel(ctx, d.ID, d.Text)
	case gitopstest.DoComment, gitopstest.DoCommentIssue:
		return "", c.Comment(ctx, d.ID, d.Text)
	case gitopstest.DoReview:
		p, err := c.Proposal(ctx, d.ID)
		if err != nil {
			return "", err
		}
		return "", c.Review(ctx, d.ID, d.Review, p.Head)
	case gitopstest.DoDismiss:
		p, err := c.Proposal(ctx, d.ID)
		if err != nil {
			return "", err
		}
		return "", c.Review(ctx, d.ID, gitops.Dismissed, p.Head)
	case gitopstest.DoClose:
		return "", c.Close(ctx, d.ID, "")
	case gitopstest.DoPropose:
		p, err := c.Open(ctx, gitops.Proposal{Branch: d.Text, Title: "by a person"}, nil)
		return p.ID, err
	case gitopstest.DoOpenIssue:
		return c.OpenIssue(ctx, d.Text, "", []string{gitops.LabelPause})
	case gitopstest.DoCloseIssue:
		return "", c.CloseIssue(ctx, d.ID)
	case gitopstest.DoRetitleIssue:
		return "", c.Mend(ctx, gitops.Mend{ID: d.ID, Kind: gitops.Retitle, Value: d.Text})
	}
	return "", fmt.Errorf("nobody can %s here", d.Kind)
}
