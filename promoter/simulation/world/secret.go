package world

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// The secrets that processes hold and servers know. None may ever be seen in
// anything that a process writes.
const (
	forgeToken      = "ghs_q7Zr4TnB0sVwYk3LmXcE9aHfJ2uD5p" //nolint:gosec // nobody's secret
	registrySecret  = "robot-pull:Vt8eNq2xWc7rZb4k"        //nolint:gosec // nobody's secret
	signingKey      = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"
	webhookSecret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // nobody's secret
	signalsPassword = "prom-9f1c77d0e2b34a58"                  //nolint:gosec // nobody's secret
)

// Secrets are all of them, as they are and as a header carries them.
func Secrets() []string {
	return []string{forgeToken, registrySecret, signingKey, webhookSecret, signalsPassword, base64.StdEncoding.EncodeToString([]byte(registrySecret))}
}

// Echo is what a careless server adds to its answer when a call fails: the
// address or the header that it was called with.
func Echo(word string, lot int) string {
	switch word {
	case "fetch", "push":
		return fmt.Sprintf("get https://x-access-token:%s@git.example.com/gitops.git/info/refs", forgeToken)
	case "versions", "proofs":
		return "request was GET /v2/ with Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(registrySecret))
	case "health":
		return "GET /-/healthy?password=" + signalsPassword
	}
	return []string{
		"Authorization: Bearer " + forgeToken, "the webhook is configured with secret=" + webhookSecret,
		"key -----BEGIN OPENSSH PRIVATE KEY-----\n" + signingKey,
	}[lot%3]
}

// Redact takes the secrets out of a text, as a process does that knows them.
func Redact(text string) string {
	for _, s := range Secrets() {
		text = strings.ReplaceAll(text, s, "<secret>")
	}
	return text
}

// Leaked is the beginning of the first secret in a text; empty if it has none.
func Leaked(text string) string {
	for _, s := range Secrets() {
		if strings.Contains(text, s) {
			return s[:4] + "…"
		}
	}
	return ""
}
