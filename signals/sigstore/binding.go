package sigstore

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// bound splits a reference that signed content names into a repository, as
// this package writes it, and a tag. Text that is no reference comes back as
// it is, and then equals no repository.
func bound(reference string) (repository, tag string) {
	repository, _, _ = strings.Cut(reference, "@")
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") && strings.Contains(repository, "/") {
		repository, tag = repository[:i], repository[i+1:]
	}
	host, path, _ := strings.Cut(repository, "/")
	parsed, err := name.NewRepository(strings.ToLower(host)+"/"+path, name.WeakValidation)
	if path == "" {
		parsed, err = name.NewRepository(repository, name.WeakValidation)
	}
	if err != nil {
		return reference, ""
	}
	return parsed.Name(), tag
}

// unmarked refuses a signature that holds and says too little.
func (v *Verifier) unmarked(found verdict) verdict {
	var wanted []string
	for _, key := range slices.Sorted(maps.Keys(v.annotated)) {
		wanted = append(wanted, key+"="+v.annotated[key])
	}
	return refuse(foreign, "signed by %s, but without the signed annotations %.300q", found.By, strings.Join(wanted, ", ")).about(found.Kind)
}

// bind finishes a verdict whose signature holds: signed content that names a
// repository must name the one that was read, otherwise anybody's signed
// image could be copied here.
func bind(found verdict, reference string, subject name.Digest) verdict {
	if reference == "" {
		found.Standing = unbound
		return found
	}
	repository, tag := bound(reference)
	if here, _ := bound(subject.Context().Name()); repository != here {
		refused := refuse(foreign, "signed by %s for %.200q, not for %q", found.By, repository, here).about(found.Kind)
		refused.Repository = repository
		return refused
	}
	found.Repository, found.Tag = repository, tag
	return found
}
