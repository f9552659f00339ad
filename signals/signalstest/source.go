// Package signalstest holds what every source of health must keep, whatever
// system it reads: an answer is dated, sourced and bound to the version that it
// is about, and what cannot be found out is not made up.
//
// A source's test describes its system as a [Scene] and calls [Run]. A new law
// for all sources is a new function in [Run]. Where the system is a real server,
// [Program] finds it or skips the test, and [Serve] starts it.
package signalstest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Version is what the scene can run: a digest, and the revision that a
// controller applies to get there, for sources that see only that.
type Version struct {
	Digest   signals.Digest
	Revision string
}

// names says whether an answer is about the version.
func (v Version) names(h signals.Health) bool {
	return h.Digest == v.Digest || h.Digest == "" && h.Revision != "" && h.Revision == v.Revision
}

// Scene is a system with one lane in it.
type Scene struct {
	// Name is the signal's name in the rules, Secret what must not be said.
	Name, Secret string
	Old, New     Version
	// Ask asks the source. The error says that it could not be asked.
	Ask func(ctx context.Context) (signals.Health, error)

	// Well lets a version run, rolled out and healthy since an hour.
	Well func(v Version)
	// Merged lets the system be asked for the new version while its status is
	// still the old one's. Moving lets it be on the way. Sick lets the new
	// version be there and fail.
	Merged, Moving, Sick func()
	// Gone removes what is asked about. Down makes every answer this status, Cut
	// breaks every answer off.
	Gone func()
	Down func(status int)
	Cut  func()
	// Up ends Down and Cut.
	Up func()
}

// Run checks every law on scenes that start anew.
func Run(t *testing.T, scene func(t *testing.T) Scene) {
	t.Helper()
	laws := map[string]func(*testing.T, Scene){
		"good news name the version and their time": goodNews,
		"a merge alone changes nothing for the new": mergedIsNotHealthy,
		"on the way is neither healthy nor failed":  movingIsNeither,
		"bad news name the version":                 badNews,
		"what fails is not known":                   failureIsUnknown,
		"what is gone is not known":                 goneIsUnknown,
		"who asks may stop":                         canBeStopped,
	}
	for name, law := range laws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law(t, scene(t))
		})
	}
}

// ask asks a source that answers.
func ask(ctx context.Context, t *testing.T, s Scene) signals.Health {
	t.Helper()
	h, err := read(ctx, t, s)
	if err != nil {
		t.Errorf("the source answers %+v with the error %v", h, err)
	}
	return h
}

// read asks and checks what holds for every answer.
func read(ctx context.Context, t *testing.T, s Scene) (signals.Health, error) {
	t.Helper()
	before := time.Now().Add(-time.Second)
	h, err := s.Ask(ctx)
	after := time.Now().Add(time.Second)
	if h.Name != s.Name || h.Source == "" || h.Reason == "" {
		t.Errorf("answer %+v, want the name %q, a source and a reason", h, s.Name)
	}
	if h.At.Before(before) || h.At.After(after) || h.Since.After(h.At) || h.Since.IsZero() {
		t.Errorf("read at %s, since %s, want now and not later", h.At, h.Since)
	}
	if (h.Digest != "") != (h.Rung != signals.RungNone) && h.Revision == "" {
		t.Errorf("digest %q on rung %q, want both or neither", h.Digest, h.Rung)
	}
	if h.State == signals.StateUnknown && h.Proven {
		t.Errorf("answer %+v proves that nothing is known", h)
	}
	if told := h.State == signals.StateHealthy || h.State == signals.StateUnhealthy; told && h.Digest == "" && h.Revision == "" {
		t.Errorf("answer %+v is about no version", h)
	}
	fitForPeople(t, s, h, err)
	return h, err
}

// fitForPeople checks that nothing is said that must not be.
func fitForPeople(t *testing.T, s Scene, h signals.Health, err error) {
	t.Helper()
	if text := h.Source + h.Reason; s.Secret != "" && strings.Contains(text, s.Secret) || strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("source %q, reason %q: not fit for people", h.Source, h.Reason)
	}
	if err != nil && (h.State != signals.StateUnknown || s.Secret != "" && strings.Contains(err.Error(), s.Secret)) {
		t.Errorf("answer %+v with the error %v, want nothing known and no secret", h, err)
	}
}

func goodNews(t *testing.T, s Scene) {
	t.Helper()
	for _, v := range []Version{s.Old, s.New} {
		s.Well(v)
		h := ask(t.Context(), t, s)
		if h.State != signals.StateHealthy || !v.names(h) {
			t.Errorf("answer %+v, want healthy on %+v", h, v)
		}
		if h.Proven && h.At.Sub(h.Since) > 90*time.Minute {
			t.Errorf("proven since %s, want the hour that it is", h.Since)
		}
	}
}

func mergedIsNotHealthy(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.Old)
	s.Merged()
	if h := ask(t.Context(), t, s); h.State == signals.StateHealthy && !s.Old.names(h) || h.State == signals.StateUnhealthy {
		t.Errorf("answer %+v, want yesterday's health not to be today's", h)
	}
}

func movingIsNeither(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.Old)
	s.Moving()
	if h := ask(t.Context(), t, s); h.State != signals.StateProgressing {
		t.Errorf("answer %+v, want progressing", h)
	}
}

func badNews(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.Old)
	s.Sick()
	if h := ask(t.Context(), t, s); h.State != signals.StateUnhealthy || !s.New.names(h) {
		t.Errorf("answer %+v, want unhealthy on %+v", h, s.New)
	}
}

func failureIsUnknown(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.New)
	for _, status := range []int{302, 401, 403, 429, 500, 503} {
		s.Down(status)
		// What is not to be seen may be one question's fault; all else is the source's.
		h, err := read(t.Context(), t, s)
		if h.State != signals.StateUnknown || (err == nil) != (status == 403) {
			t.Errorf("at status %d the answer is %+v with the error %v, want unknown", status, h, err)
		}
	}
	s.Up()
	s.Cut()
	if h, err := read(t.Context(), t, s); h.State != signals.StateUnknown || err == nil {
		t.Errorf("cut off, the answer is %+v with the error %v, want unknown", h, err)
	}
	s.Up()
	if h := ask(t.Context(), t, s); h.State != signals.StateHealthy {
		t.Errorf("up again, the answer is %+v, want healthy", h)
	}
}

func goneIsUnknown(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.New)
	s.Gone()
	if h := ask(t.Context(), t, s); h.State != signals.StateUnknown {
		t.Errorf("answer %+v, want unknown", h)
	}
}

func canBeStopped(t *testing.T, s Scene) {
	t.Helper()
	s.Well(s.New)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if h, _ := read(ctx, t, s); h.State != signals.StateUnknown {
		t.Errorf("answer %+v, want unknown", h)
	}
}
