package github_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

// asApp makes a client that acts as the app.
func asApp(t *testing.T, s *githubtest.Server, transport http.RoundTripper) *github.Client {
	t.Helper()
	return client(t, github.Options{
		URL: s.URL, HTTP: &http.Client{Transport: transport},
		App: &github.App{ID: githubtest.AppID, Installation: githubtest.Installation, Key: func(context.Context) (string, error) { return string(s.Key()), nil }},
	})
}

// as makes a client that acts as an account with a token.
func as(t *testing.T, s *githubtest.Server, name string, transport http.RoundTripper) *github.Client {
	t.Helper()
	return client(t, github.Options{
		URL: s.URL, HTTP: &http.Client{Transport: transport}, Token: func(context.Context) (string, error) { return "token-" + name, nil },
	})
}

func client(t *testing.T, o github.Options) *github.Client {
	t.Helper()
	o.Repository, o.Branch, o.Name = githubtest.Owner+"/"+githubtest.Name, "main", "env"
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// person does what people do, by REST and with their own token.
type person struct {
	t    *testing.T
	s    *githubtest.Server
	name string
}

func (p person) call(method, path string, in any) (map[string]any, error) {
	p.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.s.URL+"/repos/acme/env/"+path, bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-"+p.name)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var out map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&out) // lists are not looked at
	switch {
	case resp.StatusCode == http.StatusForbidden:
		return out, fmt.Errorf("%w: %v", gitops.ErrDenied, out["message"])
	case resp.StatusCode >= http.StatusBadRequest:
		return out, fmt.Errorf("%s %s: %d %v", method, path, resp.StatusCode, out["message"])
	}
	return out, nil
}

type object = map[string]any

func (p person) act(d gitopstest.Deed) (string, error) {
	p.t.Helper()
	method, path, in := http.MethodPost, "issues/"+d.ID, any(object{})
	switch d.Kind {
	case gitopstest.DoLabel:
		path, in = path+"/labels", object{"labels": []string{d.Text}}
	case gitopstest.DoUnlabel, gitopstest.DoUnlabelIssue:
		method, path, in = http.MethodDelete, path+"/labels/"+d.Text, nil
	case gitopstest.DoComment, gitopstest.DoCommentIssue:
		path, in = path+"/comments", object{"body": d.Text}
	case gitopstest.DoReview:
		event := map[gitops.ReviewState]string{gitops.Approved: "APPROVE", gitops.ChangesRequested: "REQUEST_CHANGES"}[d.Review]
		path, in = "pulls/"+d.ID+"/reviews", object{"event": event, "body": "said"}
	case gitopstest.DoDismiss:
		method, path, in = http.MethodPut, "pulls/"+d.ID+"/reviews/"+d.Text+"/dismissals", object{"message": "taken back"}
	case gitopstest.DoClose, gitopstest.DoCloseIssue:
		method, in = http.MethodPatch, object{"state": "closed"}
	case gitopstest.DoPropose:
		path, in = "pulls", object{"head": d.Text, "base": "main", "title": "a person's"}
	case gitopstest.DoOpenIssue:
		path, in = "issues", object{"title": d.Text, "labels": []string{gitops.LabelPause}}
	case gitopstest.DoRetitleIssue:
		method, in = http.MethodPatch, object{"title": d.Text}
	}
	out, err := p.call(method, path, in)
	n, ok := out["number"].(float64)
	if !ok {
		n, _ = out["id"].(float64)
	}
	return strconv.Itoa(int(n)), err
}

// forge makes the contract's forge of a fake; bot makes its clients.
func forge(t *testing.T, s *githubtest.Server, bot func(http.RoundTripper) *github.Client) gitopstest.Forge {
	t.Helper()
	faults := gitopstest.NewFaults(http.DefaultTransport)
	return gitopstest.Forge{
		Bot: bot(faults), Fresh: func() gitopstest.Client { return bot(faults) }, Faults: faults,
		Push: func(_ *testing.T, branch, file, text string) gitops.Commit {
			return gitops.Commit(s.Push(branch, "bot", map[string]string{file: text}))
		},
		Act: func(t *testing.T, who gitops.Permission, d gitopstest.Deed) (string, error) {
			t.Helper()
			name := map[gitops.Permission]string{gitops.PermissionTriage: "tim", gitops.PermissionWrite: "ada"}[who]
			return person{t, s, name}.act(d)
		},
		DisableIssues: func(*testing.T) { s.Set(func(o *githubtest.Settings) { o.HasIssues = false }) },
		Queue:         func(*testing.T) { s.Set(func(o *githubtest.Settings) { o.MergeQueue = true }) },
	}
}

func TestContractAsApp(t *testing.T) {
	t.Parallel()
	gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
		t.Helper()
		s := githubtest.New(t)
		f := forge(t, s, func(rt http.RoundTripper) *github.Client { return asApp(t, s, rt) })
		f.Withdraw = func(*testing.T) {
			s.SetUser(githubtest.Bot, githubtest.User{Role: "read", Bot: true})
			s.Set(func(o *githubtest.Settings) {
				o.AppPermissions = map[string]string{"metadata": "read", "contents": "read"}
			})
		}
		return f
	})
}

func TestContractWithToken(t *testing.T) {
	t.Parallel()
	gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
		t.Helper()
		s := githubtest.New(t)
		s.SetUser("robot", githubtest.User{Role: "write"})
		s.Set(func(o *githubtest.Settings) { o.Checks = []githubtest.RequiredCheck{{Context: gitops.CheckName}} })
		f := forge(t, s, func(rt http.RoundTripper) *github.Client { return as(t, s, "robot", rt) })
		f.Withdraw = func(*testing.T) { s.SetUser("robot", githubtest.User{Role: "read"}) }
		return f
	})
}
