package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/limit"
)

// ClientOptions say which repository of which forge a client speaks to.
type ClientOptions struct {
	BaseURL    string
	Repository string
	// Name is what lanes call the repository; Repository if empty.
	Name  string
	Token func(ctx context.Context) (string, error)
	HTTP  *http.Client
}

// Client is the loop's side of the forge.
type Client struct {
	options ClientOptions
	base    string
	limit   *limit.Transport
}

const (
	maxResponse = limit.MaxAnswer
	maxPages    = 2500
)

// NewClient makes a client. It does not connect.
func NewClient(o ClientOptions) *Client {
	if o.Name == "" {
		o.Name = o.Repository
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	c := &Client{base: "/api/v1/repos/" + url.PathEscape(o.Repository)}
	o.HTTP, c.limit = limit.Client(o.HTTP)
	c.options = o
	return c
}

// Whoami is who the token belongs to.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) {
	var a gitops.Actor
	return a, c.call(ctx, http.MethodGet, "/api/v1/user", nil, &a)
}

// Proposals are all open ones and those that ended since the cursor, which is
// empty for all that ever ended.
func (c *Client) Proposals(ctx context.Context, since string) (list []gitops.Proposal, next string, err error) {
	after := ""
	for range maxPages {
		var p proposalPage
		q := url.Values{"since": {since}, "after": {after}}
		if err := c.call(ctx, http.MethodGet, c.base+"/proposals?"+q.Encode(), nil, &p); err != nil {
			return nil, "", fmt.Errorf("list proposals: %w", err)
		}
		if next == "" {
			next = p.Cursor // the first page's: what happens meanwhile is told again
		}
		for _, one := range p.Proposals {
			list = append(list, c.mine(one))
		}
		if p.After == "" {
			return list, next, nil
		}
		if p.After == after {
			break
		}
		after = p.After
	}
	return nil, "", fmt.Errorf("list proposals: the pages of %s do not end", c.options.Repository)
}

// Proposal is one proposal as it is now.
func (c *Client) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	var p gitops.Proposal
	if err := c.call(ctx, http.MethodGet, c.base+"/proposals/"+url.PathEscape(id), nil, &p); err != nil {
		return gitops.Proposal{}, fmt.Errorf("read proposal %s: %w", id, err)
	}
	return c.mine(p), nil
}

// Open finds the open proposal of the branch, whoever made it, or opens one.
func (c *Client) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if p.Branch == "" {
		p.Branch = p.Lane.Branch()
	}
	var out gitops.Proposal
	in := fit(draft{Branch: p.Branch, Title: p.Title, Body: p.Body, Labels: labels})
	if err := c.call(ctx, http.MethodPost, c.base+"/proposals", in, &out); err != nil {
		return gitops.Proposal{}, fmt.Errorf("open a proposal for %s: %w", p.Branch, err)
	}
	return c.mine(out), nil
}

// Update sets the title and the body.
func (c *Client) Update(ctx context.Context, id, title, body string) error {
	return c.about(ctx, "update proposal", id, http.MethodPatch, "", fit(draft{Title: title, Body: body}))
}

// Close closes a proposal with a comment; closing it again does nothing.
func (c *Client) Close(ctx context.Context, id, comment string) error {
	return c.about(ctx, "close proposal", id, http.MethodPost, "/close", wish{Text: comment})
}

// Merge merges exactly that head. It fails with [gitops.ErrMoved] when the
// head or the state is another, and with [gitops.ErrDenied] when the check,
// a hold or the permission refuses it.
func (c *Client) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	var out made
	if err := c.call(ctx, http.MethodPost, c.base+"/proposals/"+url.PathEscape(id)+"/merge", wish{Head: head}, &out); err != nil {
		return "", fmt.Errorf("merge proposal %s: %w", id, err)
	}
	return out.Commit, nil
}

// Review says a word about one head of a proposal.
func (c *Client) Review(ctx context.Context, id string, said gitops.ReviewState, head gitops.Commit) error {
	return c.about(ctx, "review proposal", id, http.MethodPost, "/reviews", wish{State: said, Head: head})
}

// SetCheck sets the check of that name on a commit.
func (c *Client) SetCheck(ctx context.Context, head gitops.Commit, check gitops.Check) error {
	check.Text = gitops.CutLine(check.Text, c.Limits().Check)
	if err := c.call(ctx, http.MethodPost, c.base+"/commits/"+url.PathEscape(string(head))+"/statuses", wish{Check: &check}, nil); err != nil {
		return fmt.Errorf("set check %s on %s: %w", check.Name, head.Short(), err)
	}
	return nil
}

// AddLabel puts a label on a proposal or an issue.
func (c *Client) AddLabel(ctx context.Context, id, name string) error {
	return c.about(ctx, "label", id, http.MethodPost, "/labels", wish{Name: gitops.CutLine(name, maxLabel)})
}

// RemoveLabel takes a label off a proposal or an issue.
func (c *Client) RemoveLabel(ctx context.Context, id, name string) error {
	return c.about(ctx, "take label "+name+" off", id, http.MethodDelete, "/labels?name="+url.QueryEscape(gitops.CutLine(name, maxLabel)), nil)
}

// Comment writes below a proposal or an issue.
func (c *Client) Comment(ctx context.Context, id, text string) error {
	return c.about(ctx, "comment on", id, http.MethodPost, "/comments", wish{Text: text})
}

// Answer comments once with that key.
func (c *Client) Answer(ctx context.Context, id, key, text string) error {
	return c.about(ctx, "answer on", id, http.MethodPost, "/comments", wish{Text: gitops.AnswerText(key, text), Key: key})
}

// Request asks people of this forge for a review. There are no assignees.
func (c *Client) Request(ctx context.Context, id string, r gitops.Request) error {
	return c.about(ctx, "ask for a review of", id, http.MethodPost, "/requests", wish{Who: r.Reviewers})
}

// OpenIssue opens an issue and returns its number.
func (c *Client) OpenIssue(ctx context.Context, title, body string, labels []string) (string, error) {
	var out made
	if err := c.call(ctx, http.MethodPost, c.base+"/issues", draft{Title: title, Body: body, Labels: labels}, &out); err != nil {
		return "", fmt.Errorf("open an issue: %w", err)
	}
	return out.ID, nil
}

// CloseIssue closes an issue.
func (c *Client) CloseIssue(ctx context.Context, id string) error {
	if err := c.call(ctx, http.MethodPost, c.base+"/issues/"+url.PathEscape(id)+"/close", wish{}, nil); err != nil {
		return fmt.Errorf("close issue %s: %w", id, err)
	}
	return nil
}

func (c *Client) mine(p gitops.Proposal) gitops.Proposal {
	p.Lane = laneOf(c.options.Name, p.Branch)
	p.URL = c.options.BaseURL + p.URL
	return p
}

func (c *Client) about(ctx context.Context, doing, id, method, tail string, body any) error {
	if err := c.call(ctx, method, c.base+"/proposals/"+url.PathEscape(id)+tail, body, nil); err != nil {
		return fmt.Errorf("%s %s: %w", doing, id, err)
	}
	return nil
}

func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.options.BaseURL+path, in)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	token, err := c.options.Token(ctx)
	if err != nil {
		return fmt.Errorf("read the forge's token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.options.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("ask the forge: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing is lost
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the forge's answer: %w", err)
	case len(data) > maxResponse:
		return errors.New("the forge's answer is longer than 16 MiB")
	case resp.StatusCode != http.StatusOK:
		return failed(resp, data)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the forge's answer is not the JSON that is expected: %w", err)
	}
	return nil
}

// failed turns an answer into an error that names status and message.
func failed(resp *http.Response, data []byte) error {
	p := problem{Message: string(data)}
	_ = json.Unmarshal(data, &p) // then the text as it came is the message
	err := fmt.Errorf("the forge says %d: %s", resp.StatusCode, oneLine(strings.TrimSpace(p.Message), 300))
	switch {
	case p.Code == "moved":
		return fmt.Errorf("%w: %w", gitops.ErrMoved, err)
	case p.Code == "denied", resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: %w", gitops.ErrDenied, err)
	}
	return err
}
