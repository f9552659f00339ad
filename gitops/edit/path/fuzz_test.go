package path_test

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/waveguide-dev/waveguide/gitops/edit/path"
)

// FuzzParse reads any text: a path spells itself in a way that is read as the same path, and an error points into it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"spec.containers[name=app].image", "$.a[0]", "/a/0/b~1c", `a["b.c"][d='e,f]',g.h="x\"y"]`, "a | b.c", `a\.b`, "[kind=A].b",
		`a[d='=']`, `a[\'=y,\*b=c,\?=d]`, "a..b", "a[*]", "a[", "é[x=", "\u00a0", "helmvalues:a.b", "kustomization:/x", "['a'].b", "a[0][1]", "a . b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		steps, err := path.Parse(s)
		if err != nil {
			e, ok := errors.AsType[*path.Error](err)
			if !ok || e.Character < 1 || len(s) <= path.MaxLength && e.Character > utf8.RuneCountInString(s)+1 {
				t.Fatalf("Parse(%q): %v", s, err)
			}
			return
		}
		spelled := path.Spell(steps)
		if len(spelled) > path.MaxLength {
			return
		}
		again, err := path.Parse(spelled)
		if err != nil || !reflect.DeepEqual(steps, again) {
			t.Fatalf("%q is spelled %q, which reads %+v, %v; want %+v", s, spelled, again, err, steps)
		}
	})
}
