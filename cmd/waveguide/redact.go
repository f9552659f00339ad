package main

import (
	"encoding/base64"
	"strings"

	"github.com/waveguide-dev/waveguide/config"
)

// leastSecret is how long a secret must be to be taken out of texts: what is
// shorter stands in words that are none.
const leastSecret = 8

// redactor takes the secrets that a daemon's file refers to out of texts: as
// they are, line by line, and as the header of basic authentication carries
// them. They are read anew each time, which is only when something fails.
func redactor(d *config.Daemon) func(string) string {
	refs := d.Secrets()
	return func(text string) string {
		var values []string
		for _, ref := range refs {
			v, err := secret(ref)
			if err != nil {
				continue // what cannot be read was not sent either
			}
			values = append(values, v)
		}
		for _, v := range values {
			for line := range strings.Lines(v) {
				if line = strings.TrimSpace(line); len(line) >= leastSecret && !strings.HasPrefix(line, "-----") {
					text = strings.ReplaceAll(text, line, "<secret>")
				}
			}
		}
		return withoutBasic(text, values)
	}
}

// withoutBasic takes out what stands after the word of basic authentication, if
// it decodes to something with a secret.
func withoutBasic(text string, secrets []string) string {
	words := strings.Fields(text)
	for i := 1; i < len(words); i++ {
		encoded := strings.TrimRight(words[i], `",;:.'`)
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if !strings.EqualFold(strings.Trim(words[i-1], `"':`), "basic") || err != nil {
			continue
		}
		for _, s := range secrets {
			if s = strings.TrimSpace(s); s != "" && strings.Contains(string(decoded), s) {
				text = strings.ReplaceAll(text, encoded, "<secret>")
			}
		}
	}
	return text
}
