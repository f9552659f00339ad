package gitopstest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Reporter opens issues that ask people for something.
type Reporter interface {
	// Report finds the bot's issue of that key, open or closed, or opens it. It
	// fails with [gitops.ErrDisabled] where issues are switched off.
	Report(ctx context.Context, r gitops.Report) (id string, err error)
}

func (f Forge) report(t *testing.T, r gitops.Report) string {
	t.Helper()
	id, err := f.Bot.Report(t.Context(), r)
	if err != nil || id == "" {
		t.Fatalf("Report = %q, %v", id, err)
	}
	return id
}

// reportOnce asks for one issue of a key, found again by whoever remembers
// nothing, open or closed, and told with what people did to it.
func reportOnce(t *testing.T, f Forge) {
	t.Helper()
	r := gitops.Report{Key: "direct 1234", Title: "somebody wrote past a proposal", Body: "Put it on record.", Labels: []string{"env/dev"}}
	id := f.report(t, r)
	other := f.report(t, gitops.Report{Key: "direct 123", Title: "another", Body: "of another key"})
	if again, err := f.Fresh().Report(t.Context(), r); err != nil || again != id || other == id {
		t.Errorf("Report again = %s, %v, want %s beside %s", again, err, id, other)
	}
	if pauses, err := f.Bot.Pauses(t.Context()); err != nil || len(pauses) != 0 {
		t.Errorf("a report pauses: %+v, %v", pauses, err)
	}
	if err := f.Bot.Answer(t.Context(), id, "note", "a word below it"); err != nil {
		t.Fatal(err)
	}
	f.act(t, releaser, Deed{Kind: DoCloseIssue, ID: id})
	if again, err := f.Fresh().Report(t.Context(), r); err != nil || again != id {
		t.Errorf("Report of a closed one = %s, %v, want %s", again, err, id)
	}
	list, err := f.Bot.Issues(t.Context(), []string{id})
	k := slices.IndexFunc(list, func(i gitops.Issue) bool { return i.ID == id })
	if err != nil || k < 0 || list[k].State != gitops.Closed || list[k].Unread != "" {
		t.Fatalf("Issues = %+v, %v", list, err)
	}
	ended := slices.IndexFunc(list[k].Events, func(e gitops.Event) bool {
		return e.Kind == gitops.Ended && e.By.Permission.Releases() && e.By.Name != f.me(t) && !e.At.IsZero()
	})
	if ended < 0 || !gitops.Answered(list[k].Events, f.me(t), "note") {
		t.Errorf("events = %+v", list[k].Events)
	}
	if p, in, _ := gitops.Stands(list[k], f.me(t), time.Now(), nil); in {
		t.Errorf("a closed report stands as %+v", p)
	}
}

// reportSurvives repeats a report under every fault until it succeeds.
func reportSurvives(t *testing.T, f Forge) {
	t.Helper()
	for n, fault := range shaky() {
		r := gitops.Report{Key: "report " + string(rune('a'+n)), Title: "a report", Body: "body"}
		var ids []string
		f.try(t, &fault, "report", func() error {
			id, err := f.Bot.Report(t.Context(), r)
			ids = append(ids, id)
			return err
		})
		if first := f.report(t, r); first != ids[len(ids)-1] {
			t.Errorf("under %+v there are %s and %s", fault, first, ids[len(ids)-1])
		}
	}
}

func reportDisabled(t *testing.T, f Forge) {
	t.Helper()
	if f.DisableIssues == nil {
		t.Skip("this forge cannot switch issues off")
	}
	f.DisableIssues(t)
	if _, err := f.Fresh().Report(t.Context(), gitops.Report{Key: "k", Title: "t", Body: "b"}); !errors.Is(err, gitops.ErrDisabled) {
		t.Errorf("Report: %v, want ErrDisabled", err)
	}
}
