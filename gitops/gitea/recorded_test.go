package gitea_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitea/hook"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "observed", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRecordedAnswers lets the adapter read what a real server said.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/pulls":             "pulls-list.json",
		"/pulls/1":           "pull-merged.json",
		"/pulls/1/reviews":   "reviews.json",
		"/issues/1/timeline": "timeline.json",
		"/commits/f3cc595b70b82e58719dc173a3501370cfe47d57/status": "combined-status.json",
		"/labels": "labels.json",
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/api/v1/repos/acme/env")
		name := answers[path]
		switch {
		case path == "/api/v1/user":
			_, _ = w.Write([]byte(`{"login":"bot"}`))
		case path == "/api/v1/settings/api":
			_, _ = w.Write([]byte(`{"max_response_items":50}`))
		case strings.HasSuffix(path, "/permission"):
			_, _ = w.Write([]byte(`{"permission":"write"}`))
		case path == "/teams" || r.URL.Query().Get("state") == "open" || r.URL.Query().Get("page") > "1" || strings.HasSuffix(path, "/comments"):
			_, _ = w.Write([]byte(`[]`))
		case path == "/branches/main":
			_, _ = w.Write([]byte(`{"protected":true,"enable_status_check":true,"status_check_contexts":["waveguide/*"]}`))
		case name != "":
			_, _ = w.Write(recorded(t, name))
		default:
			t.Errorf("%s was asked for", r.URL)
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(h.Close)
	c := gitea.New(gitea.Options{URL: h.URL, Repository: "acme/env", HTTP: h.Client(), Token: func(context.Context) (string, error) { return "x", nil }})
	list, cursor, err := c.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].State != gitops.Merged || list[0].MergedAs != "19eef98c91550d5306dc841acdf8f6ce9f03485f" || cursor == "" {
		t.Fatalf("Proposals = %+v, %q, %v", list, cursor, err)
	}
	if list, _, err = c.Proposals(t.Context(), cursor); err != nil || len(list) != 0 {
		t.Errorf("since the cursor: %+v, %v", list, err)
	}
	p, err := c.Proposal(t.Context(), "1")
	if err != nil || p.Unread != "" || p.Branch != "wg/staging/web" || p.Base != "d06ce7ed8f4945d66085c1dfc4835b9a0581f2b9" || p.EndedBy.Name != "bot" || p.Author.Name != "bot" {
		t.Fatalf("Proposal = %+v, %v", p, err)
	}
	var kinds []string
	for _, e := range p.Events {
		kinds = append(kinds, string(e.Kind)+" by "+e.By.Name)
	}
	if got := strings.Join(kinds, ", "); got != "pushed by bot, labelled by alice, commented by alice, ended by bot" {
		t.Errorf("events = %s", got)
	}
	if l, ok := p.Label("promotion"); !ok || l.By.Name != "alice" {
		t.Errorf("labels = %+v", p.Labels)
	}
	if len(p.Reviews) != 1 || p.Reviews[0].State != gitops.Approved || p.Reviews[0].Head != p.Head || p.Reviews[0].By.Name != "alice" {
		t.Errorf("reviews = %+v", p.Reviews)
	}
}

// TestFakeAnswersAsRecorded holds the fake to the recordings: what it tells is
// told by the real server too, and has the same type there.
func TestFakeAnswersAsRecorded(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	head := f.push(t, "topic", "app.yaml", "1")
	bot := f.client()
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "topic", Title: "t", Body: "b"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bot.Request(t.Context(), p.ID, gitops.Request{Reviewers: []string{"ada"}}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []gitopstest.Deed{
		{Kind: gitopstest.DoLabel, ID: p.ID, Text: "promotion"}, {Kind: gitopstest.DoReview, ID: p.ID, Review: gitops.Approved, Text: "lgtm"},
	} {
		f.do(t, d)
	}
	if err := bot.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
		t.Fatal(err)
	}
	if _, err := bot.Merge(t.Context(), p.ID, head); err != nil {
		t.Fatal(err)
	}
	for path, name := range map[string]string{
		"/pulls?state=closed": "pulls-list.json", "/pulls/1": "pull-merged.json", "/pulls/1/reviews": "reviews.json", "/issues/1/timeline": "timeline.json",
		"/commits/" + string(head) + "/status": "combined-status.json", "/labels": "labels.json", "/branch_protections/main": "branch-protection.json",
	} {
		var got, want any
		if err := f.as(t, botToken, http.MethodGet, path, nil, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(recorded(t, name), &want); err != nil {
			t.Fatal(err)
		}
		for _, problem := range differs(path, got, want) {
			t.Error(problem)
		}
	}
}

// differs names what one answer has and the other has not, or has of another
// type. Null may stand for anything.
func differs(at string, got, want any) []string {
	var out []string
	switch g := got.(type) {
	case nil:
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok && want != nil {
			return []string{fmt.Sprintf("%s is an object, recorded is %T", at, want)}
		}
		for k, v := range g {
			if have, told := w[k]; !told && want != nil {
				out = append(out, at+"."+k+" is not recorded")
			} else if told {
				out = append(out, differs(at+"."+k, v, have)...)
			}
		}
	case []any:
		w, ok := want.([]any)
		if !ok && want != nil {
			return []string{fmt.Sprintf("%s is a list, recorded is %T", at, want)}
		}
		for _, v := range g {
			if len(w) > 0 {
				out = append(out, differs(at+"[]", v, w[0])...)
			}
		}
	default:
		if want != nil && fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			out = append(out, fmt.Sprintf("%s is %T, recorded is %T", at, got, want))
		}
	}
	slices.Sort(out)
	return out
}

func signed(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func TestRecordedWebhooks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/observed/webhooks/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d webhooks, %v", len(files), err)
	}
	h := &hook.Hook{Secret: func() (string, error) { return "old hooksecret", nil }, Now: time.Now}
	for _, name := range files {
		var w struct {
			Headers map[string]string
			Body    json.RawMessage
		}
		if err := json.Unmarshal(recorded(t, filepath.Join("webhooks", filepath.Base(name))), &w); err != nil {
			t.Fatal(err)
		}
		deliver := func(signature string) (gitops.Hint, error) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/gitea", bytes.NewReader(w.Body))
			for k, v := range w.Headers {
				r.Header.Set(k, v)
			}
			r.Header.Set("X-Gitea-Signature", signature)
			return h.Hint(r)
		}
		good := signed("hooksecret", w.Body)
		for what, bad := range map[string]string{"none": "", "another": signed("guess", w.Body), "short": good[:20], "not hex": "zz" + good[2:]} {
			if _, err := deliver(bad); !errors.Is(err, gitops.ErrDenied) {
				t.Errorf("%s with %s signature: %v", name, what, err)
			}
		}
		hint, err := deliver(good)
		push := strings.Contains(name, "push-")
		if err != nil || hint.Repository != "acme/env" || !hint.Forge || hint.Delivery == "" || push != hint.Git && push {
			t.Errorf("%s: %+v, %v", name, hint, err)
		}
		if again, err := deliver(good); err != nil || again.Repository != "" {
			t.Errorf("%s once more wakes %+v, %v", name, again, err)
		}
	}
	empty := &hook.Hook{Secret: func() (string, error) { return "", nil }, Now: time.Now}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/gitea", strings.NewReader("{}"))
	r.Header.Set("X-Gitea-Signature", signed("", []byte("{}")))
	if _, err := empty.Hint(r); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("without a secret: %v", err)
	}
	big := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/gitea", strings.NewReader(strings.Repeat(" ", 4<<20+1)))
	if _, err := h.Hint(big); err == nil {
		t.Error("a body of more than 4 MiB is read")
	}
}
