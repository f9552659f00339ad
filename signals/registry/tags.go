package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

var digestTag = regexp.MustCompile(`^sha(?:256|384|512)-[0-9a-f]{32,}`)

// Tags lists the tags of a repository that can name versions, sorted. Tags
// that carry evidence, and names that are no tags, are left out.
func (r *Registry) Tags(ctx context.Context, repository string) ([]string, error) {
	repo, err := r.repository(repository)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	tags, err := r.pages(ctx, repo)
	if err != nil {
		return nil, fmt.Errorf("list the tags of %s: %w", repo.Name(), err)
	}
	return tags, nil
}

// isEvidence tells tags that carry signatures and the like from tags that
// name versions.
func isEvidence(tag string) bool {
	return digestTag.MatchString(tag) ||
		strings.HasSuffix(tag, ".sig") || strings.HasSuffix(tag, ".att") || strings.HasSuffix(tag, ".sbom")
}

// tagList gathers pages until a bound is reached.
type tagList struct {
	limits Limits
	kept   map[string]struct{}
	pages  int
	read   int
	last   []string
}

// evidencePerVersion is how many evidence tags are read for each version tag
// that is allowed.
const evidencePerVersion = 10

func (l *tagList) add(page []string) error {
	if l.pages++; l.pages > l.limits.Pages {
		return fmt.Errorf("%w: more than %d pages; the registry may be paging in a circle (limit pages)", ErrLimit, l.limits.Pages)
	}
	if len(page) > 0 && slices.Equal(page, l.last) {
		return errors.New("the registry answered with the same page of tags twice; its paging is broken")
	}
	l.last = page
	if l.read += len(page); l.read > l.limits.Tags*(1+evidencePerVersion) {
		return fmt.Errorf("%w: more than %d tags with the evidence (limit tags)", ErrLimit, l.limits.Tags*(1+evidencePerVersion))
	}
	for _, tag := range page {
		if tagName.MatchString(tag) && !isEvidence(tag) {
			l.kept[tag] = struct{}{}
		}
	}
	if len(l.kept) > l.limits.Tags {
		return fmt.Errorf("%w: more than %d tags (limit tags); remove old tags or raise the limit", ErrLimit, l.limits.Tags)
	}
	return nil
}

func (r *Registry) pages(ctx context.Context, repo name.Repository) ([]string, error) {
	lister, err := r.puller.Lister(ctx, repo)
	if err != nil {
		return nil, r.explain(err)
	}
	list := tagList{limits: r.limits, kept: map[string]struct{}{}}
	for lister.HasNext() {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, r.explain(err)
		}
		if err := list.add(page.Tags); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(list.kept)), nil
}
