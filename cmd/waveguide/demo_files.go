package main

import (
	"io"
	"log"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/util"
	git "github.com/go-git/go-git/v5"
	gitconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

// demoDaemon is the daemon's file of the demo.
const demoDaemon = `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
listen: $LISTEN
stateDir: $DIR/state
store: sqlite:$DIR/state/waveguide.db
repositories:
  - name: gitops
    url: $FORGE/gitops.git
    branch: main
    rules: .waveguide
    pollEvery: 1s
    governance: {files: [.waveguide/environments.yaml]}
    forge: {kind: local, url: "$FORGE", tokenFile: $DIR/token}
    commit: {name: waveguide, email: waveguide@acme.example}
registries:
  - {match: "$HOST/**", pollEvery: 1s, plainHTTP: true, maxRequestsPerSecond: 200}
trust:
  keys:
    - {name: release, file: $DIR/release.pub}
signals:
  - {name: web, kind: probe, url: "$ENVS"}
`

// demoPromotion is the rules of the demo.
const demoPromotion = `apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: shop
owners: ["@acme/owners"]
artifacts:
  - name: shop
    image: $IMAGE
    versions: {semver: ">=1.0.0"}
verify:
  signature: {key: release}
waves:
  - {name: dev, environments: [dev], merge: auto, soak: 3s}
  - {name: staging, environments: [staging], merge: auto, soak: 3s}
  - name: prod
    environments: [prod]
    merge: manual
    approvals:
      - {from: "@acme/owners", count: 1, ttl: 24h}
    soak: 3s
rollback:
  onUnhealthy: propose
`

const demoEnvironment = `---
apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: $ENV
path: environments/$ENV/${artifact}
labels: {stage: $ENV}
health:
  - {name: web, signal: web, url: "$ENVS/$ENV", json: {path: status, value: ok}, digestFrom: digest}
`

const demoKustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../../apps/shop   # the base is shared; only what differs stands here
images:
  # promoted by waveguide: do not edit the digest by hand
  - name: $IMAGE
    newTag: 1.0.0
    digest: $DIGEST
`

// seed pushes the first commit of the GitOps repository: version 1.0.0 runs
// everywhere.
func (d *demoWorld) seed(digest string) error {
	fill := strings.NewReplacer("$IMAGE", d.image, "$DIGEST", digest, "$ENVS", d.envsURL)
	files := map[string]string{".waveguide/shop.yaml": fill.Replace(demoPromotion)}
	for _, env := range demoEnvironments() {
		files[".waveguide/environments.yaml"] += fill.Replace(strings.ReplaceAll(strings.ReplaceAll(demoEnvironment, "$ENVS", "\x00"), "$ENV", env))
		files["environments/"+env+"/shop/kustomization.yaml"] = fill.Replace(demoKustomization)
	}
	files[".waveguide/environments.yaml"] = strings.ReplaceAll(files[".waveguide/environments.yaml"], "\x00", d.envsURL)
	fs := memfs.New()
	repository, err := git.Init(memory.NewStorage(), fs)
	if err != nil {
		return err
	}
	tree, err := repository.Worktree()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := util.WriteFile(fs, name, []byte(text), 0o600); err != nil {
			return err
		}
		if _, err := tree.Add(name); err != nil {
			return err
		}
	}
	you := &object.Signature{Name: "you", Email: "you@acme.example", When: time.Now()}
	commit, err := tree.Commit("shop 1.0.0 everywhere, and the rules of its promotion", &git.CommitOptions{Author: you})
	if err != nil {
		return err
	}
	main := plumbing.NewBranchReferenceName("main")
	if err := repository.Storer.SetReference(plumbing.NewHashReference(main, commit)); err != nil {
		return err
	}
	remote, err := repository.CreateRemote(&gitconfig.RemoteConfig{Name: "origin", URLs: []string{d.forgeURL + "/gitops.git"}})
	if err != nil {
		return err
	}
	return remote.Push(&git.PushOptions{
		RefSpecs: []gitconfig.RefSpec{gitconfig.RefSpec(main + ":" + main)},
		Auth:     &githttp.BasicAuth{Username: "you", Password: demoYouToken},
	})
}

// discard is a logger for libraries that want one of the old kind.
func discard() *log.Logger { return log.New(io.Discard, "", 0) }
