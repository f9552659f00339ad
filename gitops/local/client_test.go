package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/local"
)

func (f *forge) client(token string) *local.Client {
	return local.NewClient(local.ClientOptions{
		BaseURL: f.http.URL, Repository: "env", HTTP: f.http.Client(),
		Token: func(context.Context) (string, error) { return token, nil },
	})
}

// open pushes a branch of the bot and opens a proposal with a green check.
func (f *forge) open(work, branch, file, text string) gitops.Proposal {
	f.t.Helper()
	head := f.push(work, "bot", botToken, branch, file, text)
	bot := f.client(botToken)
	p, err := bot.Open(f.t.Context(), gitops.Proposal{Branch: branch, Title: "promote " + branch}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := bot.SetCheck(f.t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
		f.t.Fatal(err)
	}
	return p
}

func TestStrangersProposalShowsItsAuthor(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.push(f.seed(), "ada", adaToken, "waveguide/dev/app", "x", "x")
	if _, err := f.client(adaToken).Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "promote(dev)"}, nil); err != nil {
		t.Fatal(err)
	}
	p, err := f.client(botToken).Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "promote(dev)"}, nil)
	if err != nil || p.Author.Name != "ada" || p.Author.Bot {
		t.Errorf("author = %+v, %v, want ada", p.Author, err)
	}
}

func TestAnybodyStopsAndFewRelease(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	ctx := t.Context()
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "2")
	reader, ada, bot := f.client(readerToken), f.client(adaToken), f.client(botToken)
	if err := reader.AddLabel(ctx, p.ID, gitops.LabelHold); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.Merge(ctx, p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("merge of a held proposal: %v", err)
	}
	if err := reader.RemoveLabel(ctx, p.ID, gitops.LabelHold); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("release by a reader: %v", err)
	}
	if err := ada.RemoveLabel(ctx, p.ID, gitops.LabelHold); err != nil {
		t.Error(err)
	}
	if err := reader.Comment(ctx, p.ID, "/hold looks odd"); err != nil {
		t.Error(err)
	}
	if got, err := bot.Proposal(ctx, p.ID); err != nil || len(got.Labels) != 1 || got.Labels[0].Reason != "looks odd" || got.Labels[0].By.Permission != gitops.PermissionRead {
		t.Errorf("labels = %+v, %v", got.Labels, err)
	}
	id, err := reader.OpenIssue(ctx, "env:dev incident", "", []string{gitops.LabelPause})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.CloseIssue(ctx, id); err != nil {
		t.Fatal(err)
	}
	if list, err := bot.Pauses(ctx); err != nil || len(list) != 1 {
		t.Errorf("pauses after a reader closed one = %+v, %v, want it in force", list, err)
	}
	if err := ada.CloseIssue(ctx, id); err != nil {
		t.Fatal(err)
	}
	if list, err := bot.Pauses(ctx); err != nil || len(list) != 0 {
		t.Errorf("pauses after ada closed it = %+v, %v", list, err)
	}
}

func TestChecksAndReviewsAreBound(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	ctx := t.Context()
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "2")
	ada, bot := f.client(adaToken), f.client(botToken)
	if err := ada.SetCheck(ctx, p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("the bot's check by a person: %v", err)
	}
	if err := ada.Review(ctx, p.ID, gitops.Approved, p.Base); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("review of another head: %v", err)
	}
	if err := bot.Review(ctx, p.ID, gitops.Approved, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("approval by the author: %v", err)
	}
	if err := ada.Review(ctx, p.ID, gitops.Approved, p.Head); err != nil {
		t.Fatal(err)
	}
	got, err := bot.Proposal(ctx, p.ID)
	if err != nil || len(got.Reviews) != 1 || got.Reviews[0].Head != p.Head || got.Reviews[0].By.Teams[0] != "@acme/sre" {
		t.Errorf("reviews = %+v, %v", got.Reviews, err)
	}
}

func TestMergeOntoNewerMain(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	ctx := t.Context()
	work := f.seed()
	one := f.open(work, "waveguide/dev/app", "envs/dev/app.yaml", "image: app:2\n")
	two := f.open(work, "waveguide/prod/app", "envs/prod/app.yaml", "image: app:2\n")
	clash := f.open(work, "waveguide/dev/app2", "envs/dev/app.yaml", "image: app:3\n")
	ada := f.client(adaToken)
	for _, p := range []gitops.Proposal{one, two} {
		if _, err := ada.Merge(ctx, p.ID, p.Head); err != nil {
			t.Fatalf("merge %s: %v", p.Branch, err)
		}
	}
	if _, err := ada.Merge(ctx, clash.ID, clash.Head); !errors.Is(err, gitops.ErrMoved) || !strings.Contains(err.Error(), "envs/dev/app.yaml") {
		t.Errorf("merge of a conflict: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "c")
	mustGit(t, t.TempDir(), "clone", "-q", f.url("reader", readerToken), dir)
	mustGit(t, dir, "fsck", "--strict")
	if got := mustGit(t, dir, "diff", "--stat", "--name-only", "HEAD~2", "HEAD"); got != "envs/dev/app.yaml\nenvs/prod/app.yaml" {
		t.Errorf("merged paths = %q", got)
	}
	if got := mustGit(t, dir, "log", "-1", "--format=%an %P"); !strings.HasPrefix(got, "ada ") || !strings.HasSuffix(got, string(two.Head)) {
		t.Errorf("merge commit = %q", got)
	}
}

func TestConcurrentMergesHaveOneWinner(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "2")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			if _, err := f.client(adaToken).Merge(t.Context(), p.ID, p.Head); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, gitops.ErrMoved) {
				t.Errorf("merge: %v", err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d merges succeeded, want 1", won)
	}
}

func TestRestartKeepsState(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	ctx := t.Context()
	work := f.seed()
	merged := f.open(work, "waveguide/dev/app", "envs/dev/app.yaml", "2")
	open := f.open(work, "waveguide/prod/app", "envs/prod/app.yaml", "2")
	if err := f.client(readerToken).AddLabel(ctx, open.ID, gitops.LabelHold); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client(adaToken).Merge(ctx, merged.ID, merged.Head); err != nil {
		t.Fatal(err)
	}
	before, _, err := f.client(botToken).Proposals(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	f.http.Close() // no Close of the server: as after a kill
	path := filepath.Join(f.options.Dir, "env.journal")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The crash came after main moved and before that was recorded, and left
	// half a line.
	lines := strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
	cut := strings.Join(lines[:len(lines)-1], "") + lines[len(lines)-1][:20]
	if err := os.WriteFile(path, []byte(cut), 0o600); err != nil {
		t.Fatal(err)
	}
	f.start()
	after, _, err := f.client(botToken).Proposals(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range after {
		a, b := after[i], before[i]
		if a.State != b.State || a.MergedAs != b.MergedAs || a.Head != b.Head || a.EndedBy.Name != b.EndedBy.Name || len(a.Labels) != len(b.Labels) || len(a.Checks) != 1 {
			t.Errorf("after the restart %+v, before %+v", a, b)
		}
	}
}

func TestDamagedJournalIsAnError(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "2")
	f.http.Close()
	path := filepath.Join(f.options.Dir, "env.journal")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte("{broken\n"), data...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.New(f.options); err == nil || !strings.Contains(err.Error(), "line 1 is damaged") {
		t.Errorf("New: %v", err)
	}
}

func TestProposalsPage(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	work := f.seed()
	mustGit(t, work, "commit", "-q", "--allow-empty", "-m", "next")
	args := []string{"push", "-q", f.url("bot", botToken)}
	for i := range 120 {
		args = append(args, fmt.Sprintf("HEAD:refs/heads/waveguide/dev/app-%d", i))
	}
	mustGit(t, work, args...)
	bot := f.client(botToken)
	for i := range 120 {
		if _, err := bot.Open(t.Context(), gitops.Proposal{Branch: fmt.Sprintf("waveguide/dev/app-%d", i), Title: "t"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 120 {
		t.Errorf("%d proposals, %v, want 120", len(list), err)
	}
}
