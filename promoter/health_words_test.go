package promoter_test

import (
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// answer changes what the signals of an environment say.
type answer func(m *model, h *signals.Health)

// say sets how the signals of an environment answer from now on; nil is as
// they are.
func (m *model) say(environment string, a answer) error {
	if m.said == nil {
		m.said = map[string]answer{}
	}
	m.said[environment] = a
	_, err := m.lane(environment)
	return err
}

// answers is what a signal of an environment answers.
func (m *model) answers(environment string, h *signals.Health) {
	if say := m.said[environment]; say != nil {
		say(m, h)
	}
}

// plainly ENV: the signals answer as they are.
func plainly(m *model, a []string) error { return m.say(a[0], nil) }

// gap DURATION: time passes and nobody looks.
func gap(m *model, a []string) error {
	d, err := time.ParseDuration(a[0])
	m.s.Now = m.s.Now.Add(d)
	return err
}

// vouches ENV DURATION: the signals prove that their state holds since a time
// after the beginning.
func vouches(m *model, a []string) error {
	d, err := time.ParseDuration(a[1])
	if err != nil {
		return err
	}
	return m.say(a[0], func(_ *model, h *signals.Health) { h.Since, h.Proven = began.Add(d), true })
}

// asked ENV TAG: the signals answer about that version.
func asked(m *model, a []string) error {
	return m.say(a[0], func(_ *model, h *signals.Health) { h.For = digestOf(a[1]) })
}

// ahead ENV DURATION: the answers are dated by a clock that is ahead.
func ahead(m *model, a []string) error {
	d, err := time.ParseDuration(a[1])
	if err != nil {
		return err
	}
	return m.say(a[0], func(m *model, h *signals.Health) { h.At = m.s.Now.Add(d) })
}

// unseen ENV: the signals are about the version that Git names, but what runs is
// known by weaker evidence than the environment accepts.
func unseen(m *model, a []string) error {
	return m.say(a[0], func(_ *model, h *signals.Health) { h.For, h.Digest, h.Rung = h.Digest, "", signals.RungApplied })
}

// drifts ENV KIND: a signal knows how what runs came to differ from Git.
func drifts(m *model, a []string) error {
	return m.say(a[0], func(_ *model, h *signals.Health) { h.Drift = signals.Drift(a[1]) })
}

// direct ENV AUTHOR|record: somebody changed Git past a proposal, or that was
// put on record.
func direct(m *model, a []string) error {
	k, err := m.lane(a[0])
	if err != nil {
		return err
	}
	if a[1] == "record" {
		k.Desired.Direct.Recorded = "#7"
		return nil
	}
	k.Desired.Direct = &gitops.Direct{Commit: "8badf00d1234", By: a[1], At: m.s.Now}
	return nil
}
