package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// TestShowing holds that the newest view is shown in the end, that nobody waits
// for a slow page, and that news are not lost behind a quiet look.
func TestShowing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := newShowing()
		var shown []loop.View
		go func() {
			_ = s.run(ctx, func(v loop.View) {
				shown = append(shown, v)
				time.Sleep(time.Second) // a slow page
			})
		}()
		began := time.Now()
		s.put(0, loop.View{Head: "a"})
		synctest.Wait()
		s.put(0, loop.View{Head: "b"})
		s.put(0, loop.View{Head: "c", Quiet: true})
		if took := time.Since(began); took != 0 {
			t.Errorf("a loop waited %v for the page", took)
		}
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		if len(shown) != 2 || shown[1].Head != "c" || shown[1].Quiet {
			t.Errorf("shown: %+v", shown)
		}
	})
}
