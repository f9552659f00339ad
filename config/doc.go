// Package config says what people asked for: it turns the daemon's file and the
// documents of a repository's .waveguide folder into typed, immutable values,
// and reports every problem at once with file, line, column and a hint.
//
// To add a key, add a field to the type of its document (daemon.go,
// environment.go, promotion.go, governance.go); what the documents mean together
// is resolved in resolve.go and compose.go, what guardrails do to it in tighten.go.
// The package reads no file, no clock and no secret: its callers hand in bytes
// and the time.
package config
