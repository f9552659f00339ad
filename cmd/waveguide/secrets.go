package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/waveguide-dev/waveguide/config"
)

// maxSecret bounds a secret's file.
const maxSecret = 64 << 10

// secret reads a secret anew at every call, so that rotation needs no restart.
// The error names where it should be, never what it is.
func secret(s config.Secret) (string, error) {
	switch {
	case s.Env != "":
		v, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", s.Env)
		}
		return strings.TrimSpace(v), nil
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("read the secret: %w", err)
		}
		if len(b) > maxSecret {
			return "", fmt.Errorf("the secret in %s is larger than %d bytes", s.File, maxSecret)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return "", nil
}
