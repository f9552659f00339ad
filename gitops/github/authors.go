package github

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
)

// maxCompared bounds how many pages of commits are read between two revisions.
const maxCompared = 10

// Authors are the accounts that wrote the commits of a repository after one
// revision up to another. It fails with [gitops.ErrUnsupported] for a source
// that is not on this GitHub. A commit by nobody with an account is an error:
// then nobody knows all of them.
func (c *Client) Authors(ctx context.Context, source, from, to string) ([]string, error) {
	owner, name, ok := c.here(source)
	if !ok {
		return nil, fmt.Errorf("who wrote %.100s: %w", source, gitops.ErrUnsupported)
	}
	var all []string
	o := &gogithub.ListOptions{PerPage: 100}
	for range maxCompared {
		got, resp, err := c.api.REST.Repositories.CompareCommits(ctx, owner, name, from, to, o)
		if err != nil {
			return nil, fmt.Errorf("compare %.12s and %.12s of %s/%s: %w", from, to, owner, name, api.Problem(err))
		}
		for _, one := range got.Commits {
			login := one.GetAuthor().GetLogin()
			if login == "" {
				return nil, fmt.Errorf("commit %.12s of %s/%s is by nobody with an account on GitHub", one.GetSHA(), owner, name)
			}
			if !slices.Contains(all, login) {
				all = append(all, login)
			}
		}
		if resp.NextPage == 0 {
			slices.Sort(all)
			return all, nil
		}
		o.Page = resp.NextPage
	}
	return nil, fmt.Errorf("there are more than %d commits between %.12s and %.12s of %s/%s", maxCompared*100, from, to, owner, name)
}

// here reads the owner and the name of a repository of this GitHub from its
// address.
func (c *Client) here(source string) (owner, name string, ok bool) {
	u, err := url.Parse(source)
	web, errWeb := url.Parse(c.api.Web)
	if err != nil || errWeb != nil || !strings.EqualFold(u.Host, web.Host) {
		return "", "", false
	}
	owner, name, ok = strings.Cut(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"), "/")
	return owner, name, ok && owner != "" && name != "" && !strings.Contains(name, "/")
}
