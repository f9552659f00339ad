package attest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

const verifierID = "https://waveguide.acme.example"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve is a registry with or without the Referrers API.
func serve(t *testing.T, referrers bool) *registrytest.Registry {
	t.Helper()
	return registrytest.New(t, memory.WithReferrersSupport(referrers))
}

// place pushes an image and is where statements about it are put.
func place(t *testing.T, h *registrytest.Registry) attest.Place {
	t.Helper()
	subject := h.Image(t, "team/app")
	repo := subject.Context()
	client, err := transport.NewWithContext(t.Context(), repo.Registry, authn.Anonymous, http.DefaultTransport, []string{repo.Scope(transport.PushScope)})
	must(t, err)
	return attest.Place{Subject: subject, Client: client, Options: []remote.Option{remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false })}}
}

// debian is Debian's registry, which has neither the API nor conditional writes.
func debian(t *testing.T) *registrytest.Registry {
	t.Helper()
	return &registrytest.Registry{Address: registrytest.Debian(t)}
}

func fetcher(t *testing.T) sigstore.Fetcher {
	t.Helper()
	puller, err := remote.NewPuller(remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false }))
	must(t, err)
	return sigstore.Fetcher{Puller: puller}
}

func newSigner(t *testing.T) *signer.Signer {
	t.Helper()
	s, err := signer.Generate()
	must(t, err)
	return s
}

// both are a summary and a record about the place's digest.
func both(p attest.Place, env string) []signer.Statement {
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	d, image := signals.Digest(p.Subject.DigestStr()), p.Subject.Context().Name()
	policy := attest.Policy{URI: verifierID + "/policy/" + env, Digest: signals.Digest("sha256:" + strings.Repeat("c", 64))}
	return []signer.Statement{
		attest.Summary{
			Verifier: verifierID, Version: "1", At: at, Image: image, Digest: d, Policy: policy, Levels: []string{"SLSA_BUILD_LEVEL_2"},
			Inputs: []signals.Digest{signals.Digest("sha256:" + strings.Repeat("d", 64))},
		}.Statement(),
		attest.Record{
			Verifier: verifierID, Artifact: "app", Image: image, Environment: env, Repository: "env", Version: attest.Version{Tag: "1.0.0", Digest: d},
			Times: attest.Times{Earned: at}, Policy: policy,
		}.Statement(),
	}
}

func missing(t *testing.T, p attest.Place, s *signer.Signer, wanted []signer.Statement) []string {
	t.Helper()
	left, err := p.Missing(t.Context(), fetcher(t), s, wanted)
	must(t, err)
	return attest.Types(left)
}

// beside lists the digests of all referrers.
func beside(t *testing.T, d name.Digest) []string {
	t.Helper()
	index, err := remote.Referrers(d)
	must(t, err)
	list, err := index.IndexManifest()
	must(t, err)
	var out []string
	for _, m := range list.Manifests {
		out = append(out, m.Digest.String())
	}
	slices.Sort(out)
	return out
}

func TestPutOnce(t *testing.T) {
	t.Parallel()
	h, s, stranger := serve(t, true), newSigner(t), newSigner(t)
	p := place(t, h)
	wanted := both(p, "prod")
	types := []string{"https://slsa.dev/verification_summary/v1", attest.RecordType}
	if got := missing(t, p, s, wanted); !slices.Equal(got, types) {
		t.Fatalf("missing %v", got)
	}
	must(t, p.Put(t.Context(), stranger, wanted)) // of the same content, by somebody else
	if got := missing(t, p, s, wanted); !slices.Equal(got, types) {
		t.Fatalf("a stranger's word is taken for ours: missing %v", got)
	}
	must(t, p.Put(t.Context(), s, wanted[:1]))
	if got := missing(t, p, s, wanted); !slices.Equal(got, types[1:]) {
		t.Fatalf("missing %v", got)
	}
	must(t, p.Put(t.Context(), s, wanted[1:]))
	if got := missing(t, p, s, wanted); len(got) != 0 {
		t.Fatalf("missing %v", got)
	}
	if got := missing(t, p, s, both(p, "dev")); !slices.Equal(got, types) {
		t.Errorf("another environment's is taken for it: missing %v", got)
	}
	if got := beside(t, p.Subject); len(got) != 4 {
		t.Errorf("beside it are %v", got)
	}
}

// TestSummaryIsAccepted holds that whoever trusts our key reads our summary as
// we mean it.
func TestSummaryIsAccepted(t *testing.T) {
	t.Parallel()
	h, s := serve(t, true), newSigner(t)
	p := place(t, h)
	must(t, p.Put(t.Context(), s, both(p, "prod")))
	public, err := s.PublicKey()
	must(t, err)
	evidence, err := fetcher(t).Fetch(t.Context(), p.Subject)
	must(t, err)
	for _, own := range []bool{false, true} {
		o := sigstore.Options{Keys: []sigstore.Key{{Name: "waveguide", PEM: public}}, Kinds: []signals.ProofKind{signals.ProofSummary}}
		if own {
			o.Own = sigstore.Own{Verifier: verifierID, Key: public}
		}
		v, err := sigstore.New(o)
		must(t, err)
		proofs, err := v.Verify(t.Context(), evidence)
		must(t, err)
		if own {
			if proofs[0].Outcome != signals.OutcomeRefused || !strings.Contains(proofs[0].Reason, "our own word proves nothing to us") {
				t.Errorf("our own: %+v", proofs[0])
			}
			continue
		}
		image := p.Subject.Context().Name()
		want := []signals.Summary{{
			Verifier: verifierID, At: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Resource: "oci://" + image, Repository: image,
			Policy: signals.Digest("sha256:" + strings.Repeat("c", 64)), PolicyURI: verifierID + "/policy/prod", Passed: true, Levels: []string{"SLSA_BUILD_LEVEL_2"},
		}}
		if diff := cmp.Diff(want, proofs[0].Summaries); diff != "" {
			t.Errorf("%s (-want +got):\n%s", proofs[0].Reason, diff)
		}
	}
}

// TestNobodyElseIsErased holds that without the API and without conditional
// writes the tag that holds the list is not written.
func TestNobodyElseIsErased(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *registrytest.Registry{
		"in memory": func(t *testing.T) *registrytest.Registry { t.Helper(); return serve(t, false) },
		"Debian's":  debian,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ci := newSigner(t), newSigner(t)
			p := place(t, start(t))
			must(t, ci.SignBundle(t.Context(), p.Subject))
			before := beside(t, p.Subject)
			lists, err := p.Lists(t.Context())
			must(t, err)
			if err := p.Put(t.Context(), s, both(p, "prod")); !errors.Is(err, attest.ErrUnsafe) || lists {
				t.Errorf("%v, want that it is unsafe", err)
			}
			if diff := cmp.Diff(before, beside(t, p.Subject)); diff != "" || len(before) != 1 {
				t.Errorf("referrers (-before +after):\n%s", diff)
			}
			if got := missing(t, p, s, both(p, "prod")); len(got) != 2 {
				t.Errorf("missing %v, want both", got)
			}
		})
	}
}

// conditions honours If-Match and If-None-Match for manifests.
func conditions(h *registrytest.Registry, between func(n int)) func(w http.ResponseWriter, r *http.Request) bool {
	puts := 0
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") || r.Method == http.MethodHead {
			return false
		}
		have := httptest.NewRecorder()
		h.Inner.ServeHTTP(have, httptest.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Path, nil))
		etag := `"` + have.Header().Get("Docker-Content-Digest") + `"`
		if r.Method == http.MethodGet {
			w.Header().Set("Etag", etag)
			return false
		}
		if strings.Contains(r.URL.Path, "/manifests/sha256-") {
			if puts++; between != nil {
				between(puts)
				have = httptest.NewRecorder()
				h.Inner.ServeHTTP(have, httptest.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Path, nil))
				etag = `"` + have.Header().Get("Docker-Content-Digest") + `"`
			}
		}
		match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
		if match != "" && (have.Code != http.StatusOK || match != etag) || none == "*" && have.Code == http.StatusOK {
			w.WriteHeader(http.StatusPreconditionFailed)
			return true
		}
		return false
	}
}

// TestListUnderATag holds that with conditional writes the list is changed, and
// that what somebody else adds at the same moment is kept.
func TestListUnderATag(t *testing.T) {
	t.Parallel()
	h, s := serve(t, false), newSigner(t)
	p := place(t, h)
	tag := "/v2/team/app/manifests/" + strings.Replace(p.Subject.DigestStr(), ":", "-", 1)
	push := func(path, media, body string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, strings.NewReader(body))
		req.Header.Set("Content-Type", media)
		rec := httptest.NewRecorder()
		if h.Inner.ServeHTTP(rec, req); rec.Code != http.StatusCreated {
			panic(rec.Body.String())
		}
	}
	other := func(n int) string {
		manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","annotations":{"n":"%d"}}`, n)
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest)))
		push("/v2/team/app/manifests/"+digest, "application/vnd.oci.image.manifest.v1+json", manifest)
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":%d,"digest":%q,"org.example.more":{"kept":true}}`, len(manifest), digest)
	}
	var entries []string
	overwrite := func(n int) {
		if n > 3 {
			return
		}
		entries = append(entries, other(n))
		body := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","org.example.top":1,"manifests":[` + strings.Join(entries, ",") + `]}`
		push(tag, "application/vnd.oci.image.index.v1+json", body)
	}
	h.Answer(conditions(h, overwrite))
	must(t, p.Put(t.Context(), s, both(p, "prod")[:1]))
	rec := httptest.NewRecorder()
	h.Inner.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tag, nil))
	body, err := io.ReadAll(rec.Body)
	must(t, err)
	for n := 1; n <= 3; n++ {
		if !strings.Contains(string(body), other(n)) {
			t.Errorf("the entry %s is lost: %s", other(n), body)
		}
	}
	if !strings.Contains(string(body), "org.example.top") || strings.Count(string(body), `"digest"`) != 4 {
		t.Errorf("the list is %s", body)
	}
	h.Answer(conditions(h, func(n int) { entries = nil; overwrite(-n) }))
	if err := p.Put(t.Context(), s, both(p, "prod")[1:]); err == nil || !strings.Contains(err.Error(), "changed 5 times") {
		t.Errorf("a list that never rests: %v", err)
	}
}

func TestEmptyListUnderATag(t *testing.T) {
	t.Parallel()
	h, s := serve(t, false), newSigner(t)
	p := place(t, h)
	h.Answer(conditions(h, nil))
	must(t, p.Put(t.Context(), s, both(p, "prod")))
	if got := missing(t, p, s, both(p, "prod")); len(got) != 0 || len(beside(t, p.Subject)) != 2 {
		t.Errorf("missing %v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		status int
		says   string
	}{
		"no right to push":           {"/blobs/uploads/", http.StatusForbidden, "answered 403 Forbidden; its credentials need the right to push"},
		"no right to put a manifest": {"/manifests/", http.StatusUnauthorized, "the right to push"},
		"the list is unknown":        {"/referrers/", http.StatusBadGateway, "answered 502 Bad Gateway"},
		"too many requests":          {"/manifests/", http.StatusTooManyRequests, "answered 429"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, true)
			p := place(t, h)
			h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, tt.path) || r.Method == http.MethodHead || r.Method == http.MethodGet && tt.path != "/referrers/" {
					return false
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, "<b>hostile</b>")
				return true
			})
			err := p.Put(t.Context(), newSigner(t), both(p, "prod"))
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hostile") {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

// TestSlowRegistry holds that a registry which drips its answers does not keep us.
func TestSlowRegistry(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/referrers/", "/manifests/"} {
		h := serve(t, true)
		p := place(t, h)
		p.Timeout = 200 * time.Millisecond
		h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, path) || r.Method == http.MethodHead {
				return false
			}
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		})
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		err := p.Put(ctx, newSigner(t), both(p, "prod"))
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%s drips: %v, want that it is given up", path, err)
		}
		stop()
	}
}

// TestCrowded holds that our words never hide those of others from whoever reads
// a bounded number.
func TestCrowded(t *testing.T) {
	t.Parallel()
	h, s, ci := serve(t, true), newSigner(t), newSigner(t)
	p := place(t, h)
	for range 39 {
		must(t, ci.SignBundle(t.Context(), p.Subject))
	}
	if _, err := p.Missing(t.Context(), fetcher(t), s, both(p, "prod")); !errors.Is(err, attest.ErrCrowded) {
		t.Errorf("%v, want that it is crowded", err)
	}
	must(t, p.Put(t.Context(), s, both(p, "prod")))
	if got := missing(t, p, s, both(p, "prod")); len(got) != 0 {
		t.Errorf("what is there is missing: %v", got)
	}
}
