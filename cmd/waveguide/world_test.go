package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	git "github.com/go-git/go-git/v5"
	gitconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/local"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// deadline is how long a state that must come is waited for.
const deadline = 90 * time.Second

// world is a registry, a forge with a GitOps repository, environments that run
// what Git names, and a signing key.
type world struct {
	// clock dates the commits of people.
	clock  func() time.Time
	t      *testing.T
	dir    string
	image  string // host/repository
	signer *signer.Signer
	forge  string // its address
	health *httptest.Server
	envs   []string

	mu   sync.Mutex
	sick map[string]bool
}

// setup says what differs between worlds.
type setup struct {
	registry string // host:port
	envs     []string
	// approvals makes the last wave wait for one by @acme/owners.
	approvals bool
	// manual leaves merging to people.
	manual bool
	soak   time.Duration
}

// newShelf makes a world that is a registry and a key only.
func newShelf(t *testing.T, registry string) *world {
	t.Helper()
	w := &world{t: t, clock: time.Now, dir: t.TempDir(), image: registry + "/acme/shop", sick: map[string]bool{}}
	var err error
	if w.signer, err = signer.Generate(); err != nil {
		t.Fatal(err)
	}
	pub, err := w.signer.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	w.write("release.pub", string(pub))
	w.write("verify.yaml", fmt.Sprintf(`apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories:
  - {name: env, url: "https://git.example.com/env.git", forge: {kind: local, url: "https://git.example.com"}}
registries:
  - {match: "%s/**", plainHTTP: true}
trust:
  keys:
    - {name: release, file: %s/release.pub}
`, registry, w.dir))
	return w
}

// newWorld makes a world in which version 1.0.0 runs everywhere.
func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	w := newShelf(t, s.registry)
	w.envs = s.envs
	first := w.release("1.0.0")
	w.health = httptest.NewServer(http.HandlerFunc(w.environment))
	t.Cleanup(w.health.Close)
	w.startForge()
	files := map[string]string{".waveguide/environments.yaml": w.environments(), ".waveguide/shop.yaml": w.promotion(s)}
	for _, e := range s.envs {
		files[file(e)] = w.manifest("1.0.0", first)
	}
	w.pushAs("root", rootToken, "main", files)
	w.write("waveguide.yaml", w.daemon(s))
	return w
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func file(env string) string { return "environments/" + env + "/shop/kustomization.yaml" }

// manifest is what an environment's file says, byte for byte.
func (w *world) manifest(tag, digest string) string {
	return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\nimages:\n" +
		"  # promoted: do not edit by hand\n  - name: " + w.image + "\n    newTag: " + tag + "   # for people\n    digest: " + digest + "\n"
}

func (w *world) environments() string {
	var b strings.Builder
	for _, e := range w.envs {
		fmt.Fprintf(&b, "---\napiVersion: waveguide.dev/v1alpha1\nkind: Environment\nname: %s\npath: environments/%s/${artifact}\nlabels: {stage: %s}\n"+
			"health:\n  - {name: ready, signal: web, url: \"%s/%s/${artifact}\", digestFrom: digest}\n", e, e, e, w.health.URL, e)
	}
	return b.String()
}

func (w *world) promotion(s setup) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: waveguide.dev/v1alpha1\nkind: Promotion\nname: shop\nowners: [\"@acme/owners\"]\nartifacts:\n"+
		"  - {name: shop, image: %s, versions: {semver: \">=1.0.0\"}}\nverify:\n  signature: {key: release}\nwaves:\n", w.image)
	for i, e := range s.envs {
		merge := "auto"
		if s.manual {
			merge = "manual"
		}
		fmt.Fprintf(&b, "  - {name: %s, environments: [%s], merge: %s", e, e, merge)
		if i < len(s.envs)-1 && s.soak > 0 {
			fmt.Fprintf(&b, ", soak: %s", time.Duration(i+1)*s.soak)
		}
		if i == len(s.envs)-1 && s.approvals {
			b.WriteString(", approvals: [{from: \"@acme/owners\", count: 1}]")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func (w *world) daemon(s setup) string {
	return fmt.Sprintf(`apiVersion: waveguide.dev/v1alpha1
kind: Daemon
listen: 127.0.0.1:0
stateDir: %[1]s/state
repositories:
  - name: env
    url: %[2]s/env.git
    branch: main
    pollEvery: 200ms
    governance: {files: [.waveguide/environments.yaml]}
    forge: {kind: local, url: "%[2]s", tokenFile: %[1]s/bot.token}
    commit: {name: waveguide, email: %[3]s}
registries:
  - {match: "%[4]s/**", pollEvery: 200ms, maxRequestsPerSecond: 1000, plainHTTP: true}
trust:
  keys:
    - {name: release, file: %[1]s/release.pub}
signals:
  - {name: web, kind: probe, url: "%[5]s"}
`, w.dir, w.forge, email, s.registry, w.health.URL)
}

// startForge serves the local forge as a process of its own.
func (w *world) startForge() {
	w.t.Helper()
	w.write("bot.token", botToken)
	w.write("ada.token", adaToken)
	w.write("root.token", rootToken)
	users := w.write("users.yaml", fmt.Sprintf(`- {name: bot, tokenFile: %[1]s/bot.token, permission: write, bot: true}
- {name: ada, tokenFile: %[1]s/ada.token, permission: write, teams: ["@acme/owners"]}
- {name: root, tokenFile: %[1]s/root.token, permission: admin}
`, w.dir))
	c := start(w.t, nil, "waveguide", "forge", "--dir", filepath.Join(w.dir, "forge"), "--listen", "127.0.0.1:0", "--users", users, "--create", repository)
	w.forge = "http://" + c.says(w.t, `for=forge address=(\S+)`)
}

// run starts the daemon.
func (w *world) run(env ...string) *child {
	w.t.Helper()
	return start(w.t, env, "waveguide", "run", "-c", filepath.Join(w.dir, "waveguide.yaml"))
}

func (w *world) client(token string) *local.Client {
	return local.NewClient(local.ClientOptions{
		BaseURL: w.forge, Repository: repository, HTTP: &http.Client{Timeout: 10 * time.Second},
		Token: func(context.Context) (string, error) { return token, nil },
	})
}

// push pushes an image without a signature and returns its digest.
func (w *world) push(tag string) string {
	w.t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: rootFS(w.t, img)}); err != nil {
		w.t.Fatal(err)
	}
	ref, err := name.NewTag(w.image + ":" + tag)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithContext(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	return d.String()
}

func rootFS(t *testing.T, img v1.Image) v1.RootFS {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c.RootFS
}

// sign signs a digest with the key that the rules name.
func (w *world) sign(digest string) {
	w.t.Helper()
	ref, err := name.NewDigest(w.image + "@" + digest)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.signer.Sign(w.t.Context(), ref); err != nil {
		w.t.Fatal(err)
	}
}

// release pushes a signed image; the tag comes last, so that no look finds it
// unsigned.
func (w *world) release(tag string) string {
	w.t.Helper()
	digest := w.push("build-" + tag)
	w.sign(digest)
	w.tag(digest, tag)
	return digest
}

func (w *world) tag(digest, tag string) {
	w.t.Helper()
	ref, err := name.NewDigest(w.image + "@" + digest)
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := remote.Get(ref, remote.WithContext(w.t.Context()))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Tag(ref.Context().Tag(tag), got, remote.WithContext(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}

// pushAs commits files on top of main and pushes them to a branch.
func (w *world) pushAs(user, token, branch string, files map[string]string) string {
	w.t.Helper()
	return w.commit(user, token, "main", branch, files)
}

// pushOnto commits files on top of a branch.
func (w *world) pushOnto(user, token, branch string, files map[string]string) string {
	w.t.Helper()
	return w.commit(user, token, branch, branch, files)
}

func (w *world) commit(user, token, base, branch string, files map[string]string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	auth := &githttp.BasicAuth{Username: user, Password: token}
	r, err := git.PlainClone(dir, false, &git.CloneOptions{URL: w.forge + "/env.git", Auth: auth, ReferenceName: plumbing.NewBranchReferenceName(base)})
	if err != nil {
		if r, err = git.PlainInitWithOptions(dir, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: "refs/heads/main"}}); err != nil {
			w.t.Fatal(err)
		}
		if _, err := r.CreateRemote(&gitconfig.RemoteConfig{Name: "origin", URLs: []string{w.forge + "/env.git"}}); err != nil {
			w.t.Fatal(err)
		}
	}
	tree, err := r.Worktree()
	if err != nil {
		w.t.Fatal(err)
	}
	for path, text := range files {
		full := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o750), os.WriteFile(full, []byte(text), 0o600)); err != nil {
			w.t.Fatal(err)
		}
		if _, err := tree.Add(path); err != nil {
			w.t.Fatal(err)
		}
	}
	head, err := tree.Commit("change by "+user, &git.CommitOptions{Author: &object.Signature{Name: user, Email: user + "@localhost", When: w.clock()}})
	if err != nil {
		w.t.Fatal(err)
	}
	spec := gitconfig.RefSpec("refs/heads/" + base + ":refs/heads/" + branch)
	if err := r.Push(&git.PushOptions{RemoteName: "origin", Auth: auth, RefSpecs: []gitconfig.RefSpec{spec}}); err != nil {
		w.t.Fatal(err)
	}
	return head.String()
}

// main is the head of the protected branch, read beside the forge.
func (w *world) main() (*git.Repository, *object.Commit, error) {
	r, err := git.PlainOpen(filepath.Join(w.dir, "forge", "env.git"))
	if err != nil {
		return nil, nil, err
	}
	ref, err := r.Reference(plumbing.NewBranchReferenceName("main"), true)
	if err != nil {
		return nil, nil, err
	}
	c, err := r.CommitObject(ref.Hash())
	return r, c, err
}

var digestLine = regexp.MustCompile(`(?m)^ +digest: (sha256:[0-9a-f]{64})$`)

// named is the digest that main names in an environment.
func (w *world) named(env string) (string, error) {
	_, c, err := w.main()
	if err != nil {
		return "", err
	}
	f, err := c.File(file(env))
	if err != nil {
		return "", err
	}
	text, err := f.Contents()
	if err != nil {
		return "", err
	}
	found := digestLine.FindStringSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s names no digest:\n%s", file(env), text)
	}
	return found[1], nil
}

// environment answers as a release would that runs what Git names.
func (w *world) environment(rw http.ResponseWriter, r *http.Request) {
	env := strings.Split(r.URL.Path, "/")[1]
	w.mu.Lock()
	sick := w.sick[env]
	w.mu.Unlock()
	digest, err := w.named(env)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	if sick {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(rw, `{"digest": %q}`, digest)
}

// proposals are all there ever were.
func (w *world) proposals() []gitops.Proposal {
	w.t.Helper()
	list, _, err := w.client(adaToken).Proposals(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// settled waits until the daemon says that every environment has earned what
// it has: nothing is left to do.
func (w *world) settled(c *child) {
	w.t.Helper()
	page := "http://" + c.says(w.t, `for=page address=(\S+)`)
	eventually(w.t, "rest", func() (string, bool) {
		text := w.get(page + "/metrics")
		for _, e := range w.envs {
			if !strings.Contains(text, fmt.Sprintf(`waveguide_lanes{environment=%q,phase="earned",repository="env"} 1`, e)) {
				return text, false
			}
		}
		return "", true
	})
}

func (w *world) get(url string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// memoryRegistry is a registry in this process.
func memoryRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// dockerRegistry is Debian's registry, without which the test is skipped or,
// if servers are required, fails.
func dockerRegistry(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1" {
			t.Fatal("docker-registry is required and not there: install Debian's package docker-registry")
		}
		t.Skip("no docker-registry here")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := "version: 0.1\nstorage: {delete: {enabled: true}, filesystem: {rootdirectory: " + dir + "/data}}\nhttp: {addr: \"127.0.0.1:0\", secret: test-only}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, nil, "docker-registry", "serve", config).says(t, `listening on (127\.0\.0\.1:\d+)`)
}
