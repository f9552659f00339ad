package keep_test

import (
	"context"
	"errors"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/keep"
)

type memory map[string][]byte

func (m memory) Recall(_ context.Context, name string) ([]byte, error) {
	if name == "broken" {
		return []byte(`{"Text":"half`), errors.New("the disk is full")
	}
	return m[name], nil
}

func (m memory) Remember(_ context.Context, name string, value []byte) error {
	m[name] = value
	return nil
}

type note struct{ Text string }

// TestWhatCannotBeRecalledIsReadAgain: a memory that fails, or holds something
// else, is as good as none.
func TestWhatCannotBeRecalledIsReadAgain(t *testing.T) {
	t.Parallel()
	m := memory{"another": []byte(`["a list"]`), "cut": []byte(`{"Text":"ha`)}
	keep.Put(t.Context(), m, "note", &note{"kept"})
	if n := keep.Recall[note](t.Context(), m, "note"); n == nil || n.Text != "kept" {
		t.Errorf("recalled %+v", n)
	}
	for _, name := range []string{"unknown", "another", "cut", "broken"} {
		if n := keep.Recall[note](t.Context(), m, name); n != nil {
			t.Errorf("%s is recalled as %+v", name, n)
		}
	}
	keep.Put(t.Context(), keep.Nothing{}, "note", &note{"lost"})
	if n := keep.Recall[note](t.Context(), keep.Nothing{}, "note"); n != nil {
		t.Errorf("nothing remembers %+v", n)
	}
}
