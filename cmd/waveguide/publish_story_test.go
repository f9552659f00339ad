package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// referrersRegistry is a registry in this process that keeps lists of referrers.
func referrersRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// publishes adds a signing key to the daemon's file.
func (w *world) publishes() *signer.Signer {
	w.t.Helper()
	file, key := signingKey(w.t)
	path := filepath.Join(w.dir, "waveguide.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("waveguide.yaml", string(text)+fmt.Sprintf("publish: {verifier: %q, keyFile: %s}\n", ourVerifier, file))
	return key
}

// said counts our statements beside a digest, by type and environment.
func (w *world) said(digest string, key *signer.Signer) map[string]int {
	w.t.Helper()
	ref, err := name.NewDigest(w.image + "@" + digest)
	if err != nil {
		w.t.Fatal(err)
	}
	puller, err := remote.NewPuller()
	if err != nil {
		w.t.Fatal(err)
	}
	evidence, err := sigstore.Fetcher{Puller: puller}.Fetch(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int{}
	for _, item := range evidence.Items {
		payload, mine := key.Open(item.Raw)
		if !mine {
			continue
		}
		var st struct {
			PredicateType string
			Predicate     struct{ Policy struct{ URI string } }
		}
		if err := json.Unmarshal(payload, &st); err != nil {
			w.t.Fatal(err)
		}
		out[strings.TrimPrefix(st.Predicate.Policy.URI, ourVerifier+"/policy/env/")+" "+filepath.Base(filepath.Dir(st.PredicateType))]++
	}
	return out
}

// TestPublishesWhatSoaked runs the program, kills it in the middle of publishing
// and again, and finds every statement once.
func TestPublishesWhatSoaked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: referrersRegistry(t), envs: []string{"dev", "prod"}, soak: time.Second})
	key := w.publishes()
	d := w.run()
	next := w.release("1.1.0")
	for range 3 {
		time.Sleep(500 * time.Millisecond) // at whatever moment this is
		if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.killed(t)
		d = w.run()
	}
	w.reaches("prod", next)
	want := map[string]int{"dev/shop verification_summary": 1, "dev/shop promotion": 1, "prod/shop verification_summary": 1, "prod/shop promotion": 1}
	eventually(t, "everything is published once", func() (string, bool) {
		got := w.said(next, key)
		return fmt.Sprint(got), maps.Equal(got, want)
	})
	w.settled(d)
	d.stop(t)
	if got := w.said(next, key); !maps.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
	w.ledger()
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"verify", "-c", filepath.Join(w.dir, "waveguide.yaml"), w.image + "@" + next}, streams{out: &out, err: &errs}, hooks{crash: func(string) {}}); code != 0 {
		t.Errorf("verify exits with %d: %s", code, errs.String())
	}
	for _, line := range []string{
		`beside it: promotion record, policy https://waveguide.acme.example/policy/env/prod/shop \(ours\)`,
		`beside it: summary of https://waveguide.acme.example at \S+ PASSED SLSA_BUILD_LEVEL_0 WAVEGUIDE_SOAK WAVEGUIDE_SIGNATURE, policy \S+/prod/shop sha256:\w+ \(ours\)`,
	} {
		if !regexp.MustCompile(line).MatchString(out.String()) {
			t.Errorf("verify says\n%s, want %s", out.String(), line)
		}
	}
}

// TestPublishesNothingUnsafely runs the program beside Debian's registry, which
// keeps no lists of referrers: versions go on, and the list that others wrote
// is as it was.
func TestPublishesNothingUnsafely(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: dockerRegistry(t), envs: []string{"dev", "prod"}, soak: time.Second})
	key := w.publishes()
	d := w.run()
	next := w.release("1.1.0")
	ref, err := name.NewDigest(w.image + "@" + next)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.signer.SignBundle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	list := func() []string {
		index, err := remote.Referrers(ref)
		if err != nil {
			t.Fatal(err)
		}
		m, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, d := range m.Manifests {
			out = append(out, d.Digest.String())
		}
		return out
	}
	before := list()
	w.reaches("prod", next)
	d.says(t, `(what a version earned is not published)`)
	d.says(t, `(no Referrers API and no conditional writes, so evidence of others could be lost)`)
	w.settled(d)
	d.stop(t)
	if after := list(); !slices.Equal(before, after) || len(after) != 1 || len(w.said(next, key)) != 0 {
		t.Errorf("the referrers were %v and are %v", before, after)
	}
	w.ledger()
}
