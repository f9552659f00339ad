package config

// Secret is a reference to a secret in a file or an environment variable. It
// never holds the secret itself and never prints where it is: the caller that
// needs it reads File or Env, again after a rotation.
//
// A Secret field named token is written `tokenFile:` or `tokenEnv:`.
type Secret struct {
	File string
	Env  string
}

const redacted = "<secret>"

// IsZero says that no secret is referred to.
func (s Secret) IsZero() bool { return s == Secret{} }

// String is "<secret>", or nothing for no reference.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString keeps %#v from printing the reference.
func (s Secret) GoString() string { return "config.Secret(" + s.String() + ")" }

// MarshalText is Secret.String, so that JSON and YAML show no reference.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
