package gate_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// words is the register as a person would ask.
func words() []string {
	return strings.Fields("version signature provenance sbom vulnerabilities tests summary age previous soak health alerts drift requires pause lock policy window freeze hold approval checks")
}

func TestOneWord(t *testing.T) {
	t.Parallel()
	var asked, keys []string
	for _, v := range full(t).Check(good()) {
		asked = append(asked, v.Gate)
	}
	for f := range reflect.TypeFor[gate.Set]().Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		keys = append(keys, key)
	}
	if diff := cmp.Diff(words(), asked); diff != "" {
		t.Errorf("register (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(words(), keys); diff != "" {
		t.Errorf("keys of Set (-want +got):\n%s", diff)
	}
	var files []string
	notGates := []string{"case", "class", "doc", "proof", "set", "verdict"}
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		name := strings.TrimSuffix(f, ".go")
		if !strings.HasSuffix(name, "_test") && !slices.Contains(notGates, name) {
			files = append(files, name)
			if _, err := os.Stat(name + "_test.go"); err != nil {
				t.Errorf("gate %s has no test beside it", name)
			}
		}
	}
	want := words()
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestEveryClassAndGate(t *testing.T) {
	t.Parallel()
	for class, not := range map[gate.Class]string{
		gate.Promotion:   "",
		gate.Rollback:    "version previous soak age window alerts health drift sbom vulnerabilities tests summary",
		"emergency/sev1": "previous soak age window alerts health drift",
		"emergency/":     "",
		"":               "",
		"Rollback":       "",
		hostile:          "",
	} {
		c := good()
		c.Class = class
		var want, got []string
		for _, w := range words() {
			if !slices.Contains(strings.Fields(not), w) {
				want = append(want, w)
			}
		}
		for _, v := range full(t).Check(c) {
			got = append(got, v.Gate)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("class %q asks (-want +got):\n%s", class, diff)
		}
	}
}

func TestProposeDoesNotAskWhatOnlyMergingNeeds(t *testing.T) {
	t.Parallel()
	c := good()
	c.Step = gate.Propose
	var got []string
	for _, v := range full(t).Check(c) {
		got = append(got, v.Gate)
	}
	if diff := cmp.Diff(words()[:17], got); diff != "" {
		t.Errorf("asked before proposing (-want +got):\n%s", diff)
	}
}
