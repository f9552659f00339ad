package config

import (
	"net/url"
	"strings"
)

// Publish is in whose name, and with which key, the daemon says what has soaked:
// a verification summary and a promotion record beside the artifact.
type Publish struct {
	// Verifier is who we are in them.
	Verifier string `yaml:"verifier" jsonschema:"required" jsonschema_description:"a URI that names this daemon as the verifier, as consumers will demand it"`
	// Key is an ECDSA P-256 private key, as PEM or as cosign writes it.
	Key Secret `yaml:"key,omitempty"`
	// Password opens the key, if cosign wrote it.
	Password Secret `yaml:"password,omitempty"`
	// Builders say up to which level of SLSA's build track builders are trusted;
	// of others only that there is provenance is said.
	Builders []TrustedBuilder `yaml:"builders,omitempty" jsonschema_description:"up to which SLSA build level builders are trusted"`
}

// TrustedBuilder is a builder, or a pattern of builders, with its level.
type TrustedBuilder struct {
	// Builder is who built; * stands for anything but / and @, ** for anything.
	Builder string `yaml:"builder" jsonschema:"required"`
	Level   int    `yaml:"level" jsonschema:"required,minimum=1,maximum=3"`
}

const highestLevel = 3

func (c *Daemon) checkPublish(d *document) {
	p := c.Publish
	if p == nil {
		return
	}
	if u, err := url.Parse(p.Verifier); err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || len(p.Verifier) > 200 || u.RawQuery != "" || u.Fragment != "" {
		d.reportAt([]any{"publish", "verifier"}, "write it as in https://waveguide.example.com/verifier", "%q is not the address of a verifier", clip(p.Verifier))
	}
	if p.Key.IsZero() {
		d.reportAt([]any{"publish"}, "write keyFile: /run/secrets/…", "nothing says with which key to sign")
	}
	for i, b := range p.Builders {
		at := []any{"publish", "builders", i}
		if b.Level < 1 || b.Level > highestLevel {
			d.reportAt(append(at, "level"), "write 1, 2 or 3", "SLSA has no build level %d", b.Level)
		}
		if strings.Trim(b.Builder, "*/:.") == "" {
			d.reportAt(append(at, "builder"), "write whom you trust to build", "builder %q is anybody", clip(b.Builder))
		}
	}
}
