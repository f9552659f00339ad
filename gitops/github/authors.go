package github

import (
	"context"
	"fmt"
	"net/http"
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
// that is not on this GitHub or that the credentials may not see, and, beside
// the accounts it knows, where a commit is by nobody with an account or there
// are too many: then nobody will ever know all of them.
func (c *Client) Authors(ctx context.Context, source, from, to string) ([]string, error) {
	owner, name, ok := c.here(source)
	if !ok {
		return nil, fmt.Errorf("who wrote %.100s: %w", source, gitops.ErrUnsupported)
	}
	var all []string
	var unknown error
	o := &gogithub.ListOptions{PerPage: 100}
	for range maxCompared {
		got, resp, err := c.api.REST.Repositories.CompareCommits(ctx, owner, name, from, to, o)
		if status := api.Status(err); status == http.StatusNotFound || status == http.StatusForbidden {
			return nil, fmt.Errorf("compare %.12s and %.12s of %s/%s: %w, %w", from, to, owner, name, gitops.ErrUnsupported, api.Problem(err))
		}
		if err != nil {
			return nil, fmt.Errorf("compare %.12s and %.12s of %s/%s: %w", from, to, owner, name, api.Problem(err))
		}
		for _, one := range got.Commits {
			switch login := one.GetAuthor().GetLogin(); {
			case login == "":
				unknown = fmt.Errorf("commit %.12s of %s/%s is by nobody with an account on GitHub: %w", one.GetSHA(), owner, name, gitops.ErrUnsupported)
			case !slices.Contains(all, login):
				all = append(all, login)
			}
		}
		if resp.NextPage == 0 {
			slices.Sort(all)
			return all, unknown
		}
		o.Page = resp.NextPage
	}
	return all, fmt.Errorf("there are more than %d commits between %.12s and %.12s of %s/%s: %w", maxCompared*100, from, to, owner, name, gitops.ErrUnsupported)
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
