package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// longest bounds a list of referrers.
	longest = 4 << 20
	// rounds bounds how often a list is read again because it was changed.
	rounds = 5
)

// answer is a registry's answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do makes one request to the repository.
func (p Place) do(ctx context.Context, method, path string, body []byte, header http.Header) (answer, error) {
	repo := p.Subject.Context()
	address := fmt.Sprintf("%s://%s/v2/%s/%s", repo.Scheme(), repo.RegistryStr(), repo.RepositoryStr(), path)
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = header
	resp, err := p.Client.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, longest+1))
	if err = errors.Join(err, resp.Body.Close()); err == nil && len(data) > longest {
		err = fmt.Errorf("the registry sent more than %d bytes", longest)
	}
	return answer{resp.StatusCode, resp.Header, data}, err
}

func (p Place) write(ctx context.Context, path string, body []byte, media types.MediaType, header http.Header) (answer, error) {
	if header = header.Clone(); header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", string(media))
	return p.do(ctx, http.MethodPut, path, body, header)
}

// append puts a manifest and adds it to the list that lies under a tag, if the
// registry knows conditional writes. That is tried on the manifest itself, which
// nobody else writes.
func (p Place) append(ctx context.Context, d v1.Descriptor, manifest []byte) error {
	own := "manifests/" + d.Digest.String()
	switch conditional, err := p.conditional(ctx, own, manifest); {
	case err != nil:
		return err
	case !conditional:
		return ErrUnsafe
	}
	for range rounds {
		list, only, err := p.list(ctx)
		if err != nil {
			return err
		}
		raw, err := list.with(d)
		if err != nil {
			return err
		}
		resp, err := p.write(ctx, p.tag(), raw, types.OCIImageIndex, only)
		switch {
		case err != nil:
			return err
		case resp.status == http.StatusPreconditionFailed: // somebody else was faster
		case resp.status == http.StatusCreated || resp.status == http.StatusOK:
			return nil
		default:
			return &refusal{resp.status}
		}
	}
	return fmt.Errorf("the list of its referrers changed %d times meanwhile", rounds)
}

// conditional puts a manifest and says whether the registry honours both
// conditions that are needed.
func (p Place) conditional(ctx context.Context, path string, manifest []byte) (bool, error) {
	never := http.Header{"If-Match": {`"sha256:` + strings.Repeat("0", 64) + `"`}}
	resp, err := p.write(ctx, path, manifest, types.OCIManifestSchema1, never)
	if err != nil || resp.status != http.StatusPreconditionFailed {
		return false, err
	}
	if err := p.expect(ctx, path, manifest, types.OCIManifestSchema1, nil); err != nil {
		return false, err
	}
	resp, err = p.write(ctx, path, manifest, types.OCIManifestSchema1, http.Header{"If-None-Match": {"*"}})
	return err == nil && resp.status == http.StatusPreconditionFailed, err
}

// tag is where the list of referrers lies.
func (p Place) tag() string {
	return "manifests/" + strings.Replace(p.Subject.DigestStr(), ":", "-", 1)
}

// index is a list of referrers, of which nothing is lost that we do not know.
type index map[string]json.RawMessage

// with is the list with one more entry.
func (l index) with(d v1.Descriptor) ([]byte, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(l["manifests"], &entries); err != nil {
		return nil, errNoList
	}
	entry, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if l["manifests"], err = json.Marshal(append(entries, entry)); err != nil {
		return nil, err
	}
	return json.Marshal(l)
}

var errNoList = errors.New("what lies under the tag of its referrers is no list")

// list reads the list of referrers, and gives the condition under which it may
// be replaced.
func (p Place) list(ctx context.Context) (index, http.Header, error) {
	resp, err := p.do(ctx, http.MethodGet, p.tag(), nil, http.Header{"Accept": {string(types.OCIImageIndex)}})
	if err != nil {
		return nil, nil, err
	}
	switch resp.status {
	case http.StatusNotFound:
		empty := index{"schemaVersion": []byte("2"), "mediaType": []byte(`"` + types.OCIImageIndex + `"`), "manifests": []byte("[]")}
		return empty, http.Header{"If-None-Match": {"*"}}, nil
	case http.StatusOK:
	default:
		return nil, nil, &refusal{resp.status}
	}
	var list index
	var media types.MediaType
	if json.Unmarshal(resp.body, &list) != nil || json.Unmarshal(list["mediaType"], &media) != nil || media != types.OCIImageIndex {
		return nil, nil, errNoList
	}
	etag := resp.header.Get("Etag")
	if etag == "" || strings.HasPrefix(etag, "W/") {
		return nil, nil, ErrUnsafe
	}
	return list, http.Header{"If-Match": {etag}}, nil
}
