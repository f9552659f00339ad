package config

import (
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// check reports what no single key of the daemon's file can show.
func (c *Daemon) check(d *document) {
	d.secrets(d.root, reflect.ValueOf(c).Elem())
	names := map[string]bool{}
	for i, r := range c.Repositories {
		at := []any{"repositories", i}
		d.checkName(r.Name, "a repository", append(at, "name")...)
		d.unique(names, r.Name, "repository", append(at, "name"))
		r.check(d, at)
	}
	for i, r := range c.Registries {
		if _, err := path.Match(r.Match, ""); err != nil || strings.Contains(r.Match, "://") {
			d.reportAt([]any{"registries", i, "match"}, "write host/repository, as in registry.example.com/**", "%q is not a pattern of repositories", clip(r.Match))
		}
	}
	c.checkTrust(d)
	c.checkSignals(d)
	c.checkPublish(d)
	if s := c.Store; s != "" && !strings.HasPrefix(s, "sqlite:") && !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") {
		d.reportAt([]any{"store"}, "write sqlite:/path/to/waveguide.db", "store is neither a sqlite path nor a postgres URL")
	}
}

func (d *document) unique(seen map[string]bool, name, what string, at []any) {
	if seen[name] {
		d.reportAt(at, "keep one of the two", "%s %q stands here a second time", what, clip(name))
	}
	seen[name] = true
}

func (r Repository) check(d *document, at []any) {
	if u, err := url.Parse(r.URL); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			d.reportAt(append(at, "url"), "use credentials: with a file or an environment variable", "a URL must not hold a password")
		}
	}
	if r.Forge.Kind == "local" && r.Forge.URL == "" {
		d.reportAt(append(at, "forge"), "", "a local forge needs its url")
	}
	if r.Forge.App != nil && r.Forge.Kind != "github" {
		d.reportAt(append(at, "forge", "app"), "", "app belongs to the github forge")
	}
	for i, f := range r.Governance.Files {
		if why := checkPath(f, true); why != "" {
			d.reportAt(append(at, "governance", "files", i), "", "%q is not a rule file: %s", clip(f), why)
		}
	}
	if r.Floor != nil {
		r.Floor.Require.check(d, nil, append(at, "floor", "require"))
		r.Floor.Match.check(d, append(at, "floor", "match"))
	}
}

func (c *Daemon) checkTrust(d *document) {
	names := map[string]bool{}
	var keys []string
	for i, k := range c.Trust.Keys {
		d.unique(names, k.Name, "key", []any{"trust", "keys", i, "name"})
		keys = append(keys, k.Name)
	}
	roots := c.checkRoots(d)
	names = map[string]bool{}
	for i, s := range c.Trust.Signers {
		at := []any{"trust", "signers", i}
		d.unique(names, s.Name, "signer", append(at, "name"))
		switch {
		case s.Key == "" && (s.Identity == "" || s.Issuer == ""):
			d.reportAt(at, "write identity and issuer, or key", "signer %q says nobody", clip(s.Name))
		case s.Key != "" && (s.Identity != "" || s.Issuer != ""):
			d.reportAt(at, "", "signer %q is either a key or an identity with its issuer", clip(s.Name))
		case s.Key == "" && s.Root == "" && c.Trust.Sigstore.TrustedRootFile == "":
			d.reportAt(at, "write sigstore: {trustedRootFile: …}, or name a root of trust.roots", "no trusted root vouches for signer %q", clip(s.Name))
		case s.Key == "" && strings.Trim(s.Identity, "*/@:.") == "":
			d.reportAt(append(slices.Clip(at), "identity"), "write whose certificate it is", "identity %q is anybody", clip(s.Identity))
		}
		d.checkKnown("key", s.Key, keys, append(slices.Clip(at), "key"))
		d.checkKnown("root", s.Root, roots, append(slices.Clip(at), "root"))
	}
}

// checkRoots reports roots that cannot be used, and returns their names.
func (c *Daemon) checkRoots(d *document) []string {
	checkWitnesses(d, c.Trust.Sigstore.Witnesses, []any{"trust", "sigstore", "witnesses"})
	names := map[string]bool{}
	var roots []string
	for i, r := range c.Trust.Roots {
		at := []any{"trust", "roots", i}
		d.unique(names, r.Name, "root", append(slices.Clip(at), "name"))
		checkWitnesses(d, r.Witnesses, append(slices.Clip(at), "witnesses"))
		roots = append(roots, r.Name)
	}
	return roots
}

func checkWitnesses(d *document, list []string, at []any) {
	known := []string{"receipt", "log", "timestamp"}
	for i, w := range list {
		if !slices.Contains(known, w) {
			d.reportAt(append(slices.Clip(at), i), nearest(w, known), "unknown witness %q", clip(w))
		}
	}
	if len(list) > 0 && !slices.Contains(list, "log") && !slices.Contains(list, "timestamp") {
		d.reportAt(at, "add log or timestamp", "without a log or a timestamp nobody knows when a signature was made")
	}
}

func (c *Daemon) checkSignals(d *document) {
	names := map[string]bool{}
	for i, s := range c.Signals {
		at := []any{"signals", i}
		d.unique(names, s.Name, "signal", append(at, "name"))
		d.checkName(s.Name, "a signal", append(at, "name")...)
		c.Signals[i].check(d, at)
		c.checkFallback(d, &c.Signals[i], append(slices.Clip(at), "fallback"))
	}
}

// checkFallback reports a fallback that cannot answer what it would be asked.
func (c *Daemon) checkFallback(d *document, s *Signal, at []any) {
	if s.Fallback == "" {
		return
	}
	var able []string
	for _, o := range c.Signals {
		if o.Kind == SignalPrometheus {
			able = append(able, o.Name)
		}
	}
	switch {
	case s.Kind != SignalAlertmanager:
		d.reportAt(at, "take fallback: away", "a signal of kind %s has no fallback, only an alertmanager has", s.Kind)
	case !slices.Contains(able, s.Fallback):
		d.reportAt(at, nearest(s.Fallback, able), "fallback %q is no signal of kind prometheus", clip(s.Fallback))
	}
}

func isHTTP(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// secrets reports references that name both a file and a variable.
func (d *document) secrets(n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			d.secrets(find(n, []any{i}), v.Index(i))
		}
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" {
			continue
		}
		if s, ok := reflect.TypeAssert[Secret](v.Field(i)); ok && s.File != "" && s.Env != "" {
			d.report(find(n, []any{key + "Env"}), "", "%s and %s exclude each other", key+"File", key+"Env")
		}
		d.secrets(find(n, []any{key}), v.Field(i))
	}
}
