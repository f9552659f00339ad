package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
)

// publishing says whether what soaks can be published. The right to push is read
// and never tried.
func (p *patient) publishing(ctx context.Context, o *oci, r config.Repository, rules *config.Rules) {
	if o.daemon.Publish == nil {
		return
	}
	seen := map[string]bool{}
	for _, route := range rules.Routes {
		if seen[route.Image] {
			continue
		}
		seen[route.Image] = true
		why, err := publishable(ctx, o, route)
		if p.note(r.Name+": publishing beside "+route.Image, err) {
			p.found[len(p.found)-1].Why = why
		}
	}
}

// publishable says how far it can be told, without trying, that something can be
// put beside the versions of an image.
func publishable(ctx context.Context, o *oci, route promoter.Route) (string, error) {
	r, repository, err := o.open(route.Image)
	if err != nil {
		return "", err
	}
	tags, err := r.Tags(ctx, repository)
	if err != nil {
		return "", err
	}
	for _, tag := range tags {
		if !route.Selector.Selects(tag) {
			continue
		}
		v, err := r.Resolve(ctx, repository, tag)
		if err != nil {
			return "", err
		}
		place, _, err := o.place(ctx, route.Image, v.Digest)
		if err != nil {
			return "", err
		}
		switch lists, err := place.Lists(ctx); {
		case err != nil:
			return "", err
		case !lists:
			return "", errors.New("the registry has no Referrers API; without conditional writes, which are rare, nothing is published, so that no evidence of others is lost")
		}
		break
	}
	switch may, known, err := r.MayPush(ctx, repository); {
	case err != nil:
		return "", err
	case !known:
		return "the registry lists referrers; whether the credentials may push is not told before it is tried", nil
	case !may:
		return "", fmt.Errorf("the credentials may not push to %s", repository)
	}
	return "the credentials may push, says the registry's token", nil
}
