package discreet_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/discreet"
	"github.com/waveguide-dev/waveguide/signals"
)

const token = "ghs_0123456789"

var errMoved = errors.Join(errors.New("get https://x:"+token+"@git.example.com/"), gitops.ErrMoved)

type careless struct {
	loop.Repo
	loop.Branches
	loop.Prover

	proofs []signals.Proof
}

func (careless) Fetch(context.Context) (loop.Update, error) { return loop.Update{}, errMoved }
func (careless) Push(_ context.Context, moves []loop.Move) []error {
	return []error{nil, errMoved}[:len(moves)]
}

func (c careless) Proofs(context.Context, string, signals.Digest, promoter.Stop, bool) ([]signals.Proof, error) {
	return c.proofs, nil
}

// TestOptions holds that neither errors nor reasons carry a secret on, and that
// an error is still what it was.
func TestOptions(t *testing.T) {
	t.Parallel()
	c := careless{proofs: []signals.Proof{{Reason: "sent " + token}}}
	o := discreet.Options(loop.Options{Repo: c, Branches: c, Prover: c}, func(text string) string {
		return strings.ReplaceAll(text, token, "<secret>")
	})
	_, err := o.Repo.Fetch(t.Context())
	errs := o.Branches.Push(t.Context(), make([]loop.Move, 2))
	for _, err := range []error{err, errs[1]} {
		if !errors.Is(err, gitops.ErrMoved) || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "<secret>") {
			t.Errorf("error = %v", err)
		}
	}
	if errs[0] != nil {
		t.Errorf("what worked became %v", errs[0])
	}
	ps, err := o.Prover.Proofs(t.Context(), "", "", promoter.Stop{}, false)
	if err != nil || ps[0].Reason != "sent <secret>" || c.proofs[0].Reason != "sent "+token {
		t.Errorf("proofs = %v, %v", ps, err)
	}
}

// maybe are the ports that a loop may be without.
type maybe struct{ loop.Publisher }

func (maybe) Authors(context.Context, string, string, string) ([]string, error) { return nil, nil }
func (maybe) Sources(context.Context, gitops.Commit) (map[string]string, error) { return nil, nil }

// TestPorts holds that no port is forgotten: all but those that ask nobody are
// stood in front of.
func TestPorts(t *testing.T) {
	t.Parallel()
	optional := maybe{}
	before := loop.Options{Authors: optional, Publisher: optional, Sources: optional}
	after := discreet.Options(before, strings.ToUpper)
	was, is := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range is.NumField() {
		field := is.Type().Field(i)
		if field.Type.Kind() != reflect.Interface || field.Name == "Rules" || field.Name == "Writer" {
			continue
		}
		if is.Field(i).IsNil() || is.Field(i).Elem().Type() == reflect.TypeOf(optional) {
			t.Errorf("%s is %v and was %v: nobody stands in front of it", field.Name, is.Field(i), was.Field(i))
			continue
		}
		for m := range is.Field(i).Elem().Type().Methods() {
			n := m.Type.NumOut()
			if n == 0 || !m.Type.Out(n-1).Implements(reflect.TypeFor[error]()) {
				continue
			}
			code := runtime.FuncForPC(m.Func.Pointer())
			if file, _ := code.FileLine(code.Entry()); !strings.HasSuffix(file, "discreet.go") {
				t.Errorf("what %s.%s fails with is told on as it is", field.Name, m.Name)
			}
		}
	}
}
