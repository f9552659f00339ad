package config

import (
	"fmt"
	"strings"
	"time"
)

// The defaults of the daemon's file and of the rules, in one place.
const (
	defaultListen       = "127.0.0.1:8080"
	defaultStateDir     = "/var/lib/waveguide"
	defaultBranch       = "main"
	defaultFolder       = ".waveguide"
	defaultRepoPoll     = time.Minute
	defaultRegistryPoll = 2 * time.Minute
	defaultRate         = 10
	defaultCommitName   = "waveguide"
	defaultCommitEmail  = "waveguide@localhost"
	defaultSignalTime   = 15 * time.Second
	defaultSignalRate   = 50
	defaultHealthMaxAge = 5 * time.Minute
	defaultExpect       = 30 * time.Minute
	defaultProbeTimeout = 10 * time.Second
	defaultProbeStatus  = 200
)

func (c *Daemon) setDefaults() {
	or(&c.Listen, defaultListen)
	or(&c.StateDir, defaultStateDir)
	or(&c.Store, "sqlite:"+strings.TrimSuffix(c.StateDir, "/")+"/waveguide.db")
	for i := range c.Repositories {
		r := &c.Repositories[i]
		or(&r.Branch, defaultBranch)
		or(&r.Rules, defaultFolder)
		or(&r.PollEvery, defaultRepoPoll)
		or(&r.Commit.Name, defaultCommitName)
		or(&r.Commit.Email, defaultCommitEmail)
	}
	for i := range c.Registries {
		or(&c.Registries[i].PollEvery, defaultRegistryPoll)
		or(&c.Registries[i].MaxRequestsPerSecond, defaultRate)
	}
	for i := range c.Signals {
		or(&c.Signals[i].Timeout, defaultSignalTime)
		or(&c.Signals[i].MaxRequestsPerSecond, defaultSignalRate)
	}
}

func (e *Environment) setDefaults() {
	or(&e.Running, "reported")
	or(&e.Expect, defaultExpect)
	for i := range e.Health {
		h := &e.Health[i]
		or(&h.MaxAge, defaultHealthMaxAge)
		or(&h.OnNoData, "wait")
		if h.Kind == SignalProbe {
			or(&h.Timeout, defaultProbeTimeout)
			or(&h.Status, defaultProbeStatus)
		}
	}
}

func (p *Promotion) setDefaults() {
	or(&p.WhileSoaking, "finish")
	or(&p.Rollback.OnUnhealthy, "propose")
	or(&p.Rollback.Mode, "revert")
	for i := range p.Waves {
		or(&p.Waves[i].Merge, "manual")
		or(&p.Waves[i].OnFailure, "stopWave")
	}
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Defaults prints what is assumed where a document says nothing.
func Defaults() string {
	var b strings.Builder
	line := func(key string, v any) { fmt.Fprintf(&b, "%-42s %v\n", key, v) }
	line("Daemon.listen", defaultListen)
	line("Daemon.stateDir", defaultStateDir)
	line("Daemon.store", "sqlite:<stateDir>/waveguide.db")
	line("Daemon.repositories[].branch", defaultBranch)
	line("Daemon.repositories[].rules", defaultFolder)
	line("Daemon.repositories[].pollEvery", defaultRepoPoll)
	line("Daemon.repositories[].commit.name", defaultCommitName)
	line("Daemon.repositories[].commit.email", defaultCommitEmail)
	line("Daemon.registries[].pollEvery", defaultRegistryPoll)
	line("Daemon.registries[].maxRequestsPerSecond", defaultRate)
	line("Daemon.signals[].timeout", defaultSignalTime)
	line("Daemon.signals[].maxRequestsPerSecond", defaultSignalRate)
	line("Environment.running", "reported")
	line("Environment.expect", defaultExpect)
	line("Environment.health[].maxAge", defaultHealthMaxAge)
	line("Environment.health[].onNoData", "wait")
	line("Environment.health[].status (probe)", defaultProbeStatus)
	line("Environment.health[].timeout (probe)", defaultProbeTimeout)
	line("Promotion.whileSoaking", "finish")
	line("Promotion.rollback.onUnhealthy", "propose")
	line("Promotion.rollback.mode", "revert")
	line("Promotion.waves[].merge", "manual")
	line("Promotion.waves[].onFailure", "stopWave")
	return b.String()
}
