package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// trust finds whom rules mean when they name a signer. Files are read anew, so
// that a rotation needs no restart.
type trust struct {
	config.Trust

	mu    sync.Mutex
	roots map[string]keptRoot
}

// keptRoot is a parsed root with the bytes it was made of.
type keptRoot struct {
	sum  [sha256.Size]byte
	root *sigstore.Root
}

// bundlesOnly says that evidence in cosign's older forms does not count.
func (t *trust) bundlesOnly() bool { return t.OlderForms == "refuse" }

// named is how rules name a signer.
type named struct {
	key, identity, issuer, by string
	// annotated are the annotations that a signature has to bear, as JSON.
	annotated string
}

func signatureSigner(g *gate.Signature) named {
	n := named{key: g.Key, identity: g.Identity, issuer: g.Issuer, by: g.By}
	if len(g.Annotations) > 0 {
		text, _ := json.Marshal(g.Annotations) // texts cannot fail
		n.annotated = string(text)
	}
	return n
}

// annotations are those that a signature has to bear.
func (n named) annotations() map[string]string {
	var out map[string]string
	if n.annotated != "" {
		_ = json.Unmarshal([]byte(n.annotated), &out) // it was written by us
	}
	return out
}

// revokedSigner says that a signer is trusted no longer.
type revokedSigner struct{ what string }

func (r revokedSigner) Error() string { return r.what + " is revoked in the daemon's file" }

// resolve says whom a name stands for, and which root vouches.
func (t *trust) resolve(n named) (who named, root string, err error) {
	if n.by != "" {
		i := slices.IndexFunc(t.Signers, func(s config.Signer) bool { return s.Name == n.by })
		if i < 0 {
			return n, "", fmt.Errorf("the daemon's file has no signer %s under trust.signers", n.by)
		}
		s := t.Signers[i]
		n.key, n.identity, n.issuer, root = s.Key, s.Identity, s.Issuer, s.Root
	}
	if n.key == "" && n.identity == "" {
		return n, "", errors.New("the rules name nobody who may sign")
	}
	if n.key == "" && slices.Contains(t.Revoked.Identities, n.identity) {
		return n, "", revokedSigner{"identity " + n.identity}
	}
	return n, root, nil
}

// signer is what a verifier needs to know one signer.
func (t *trust) signer(n named) (sigstore.Options, error) {
	out := sigstore.Options{Revoked: t.Revoked.Identities, BundlesOnly: t.bundlesOnly(), Annotations: n.annotations(), Program: version}
	who, root, err := t.resolve(n)
	if err != nil {
		return out, err
	}
	if out.Roots, err = t.rootsFor(root); err != nil {
		return out, err
	}
	if who.key != "" {
		out.Keys, err = t.keys(who.key)
		return out, err
	}
	out.Identities = []sigstore.Identity{{Name: who.by, Subject: who.identity, Issuer: who.issuer}}
	if len(out.Roots) == 0 {
		return out, hinted{fmt.Errorf("no trusted root is configured, so nobody vouches for %s", who.identity), "add trust: {sigstore: {trustedRootFile: …}} to the daemon's file"}
	}
	return out, nil
}

// keys are the files of a key's name; during a rotation there are several.
func (t *trust) keys(name string) ([]sigstore.Key, error) {
	if slices.Contains(t.Revoked.Keys, name) {
		return nil, revokedSigner{"key " + name}
	}
	var keys []sigstore.Key
	for _, k := range t.Keys {
		if k.Name != name {
			continue
		}
		pem, err := os.ReadFile(k.File)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", name, err)
		}
		keys = append(keys, sigstore.Key{Name: name, PEM: pem})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the daemon's file has no key %s under trust.keys", name)
	}
	return keys, nil
}

// file is where a root is kept.
func (t *trust) file(root string) string {
	for _, r := range t.Roots {
		if r.Name == root {
			return r.File
		}
	}
	return t.Sigstore.TrustedRootFile
}

// written says how old a file is.
func written(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", of %s", info.ModTime().UTC().Format("2006-01-02"))
}

// rootsFor are the roots that vouch for a signer: the one it names, or the
// common one.
func (t *trust) rootsFor(name string) ([]*sigstore.Root, error) {
	file, witnesses := t.Sigstore.TrustedRootFile, t.Sigstore.Witnesses
	if name != "" {
		i := slices.IndexFunc(t.Roots, func(r config.Root) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("the daemon's file has no root %s under trust.roots", name)
		}
		file, witnesses = t.Roots[i].File, t.Roots[i].Witnesses
	}
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("trusted root: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := sha256.Sum256(data)
	key := fmt.Sprintf("%s %q", file, witnesses)
	if k := t.roots[key]; k.root != nil && k.sum == sum {
		return []*sigstore.Root{k.root}, nil
	}
	list := make([]sigstore.Witness, len(witnesses))
	for i, w := range witnesses {
		list[i] = sigstore.Witness(w)
	}
	root, err := sigstore.NewRoot(data, list...)
	if err != nil {
		return nil, fmt.Errorf("trusted root %s: %w", file, err)
	}
	if t.roots == nil {
		t.roots = map[string]keptRoot{}
	}
	t.roots[key] = keptRoot{sum, root}
	return []*sigstore.Root{root}, nil
}

// roots looks at the trusted roots that the daemon's file names.
func (p *patient) roots(d *config.Daemon) {
	t := &trust{Trust: d.Trust}
	names := []string{""}
	for _, r := range d.Trust.Roots {
		names = append(names, r.Name)
	}
	for _, name := range names {
		if name == "" && d.Trust.Sigstore.TrustedRootFile == "" {
			continue
		}
		roots, err := t.rootsFor(name)
		what := "trusted root " + cmp.Or(name, d.Trust.Sigstore.TrustedRootFile)
		if err == nil {
			what += " " + roots[0].Hash()[:12] + written(t.file(name))
		}
		p.note(what, err)
	}
}
