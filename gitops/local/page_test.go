package local_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/local"
)

// browser keeps cookies and follows redirects as people's browsers do.
type browser struct {
	t    *testing.T
	http *http.Client
	base string
}

func newBrowser(t *testing.T, f *forge) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t: t, http: &http.Client{Jar: jar}, base: f.http.URL}
}

// seen is what came of a request.
type seen struct {
	StatusCode int
	Header     http.Header
	Host       string
}

func (b browser) do(method, path string, form url.Values) (seen, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return seen{resp.StatusCode, resp.Header, resp.Request.URL.Host}, string(text)
}

func csrf(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no form token in\n%s", page)
	}
	return m[1]
}

func TestReviewInTheBrowser(t *testing.T) {
	t.Parallel()
	changed := make(chan string, 100)
	f := newForge(t, func(o *local.Options) {
		o.LoopbackUser = "ada"
		o.OnChange = func(name string) { changed <- name }
	})
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "image: app:2\n")
	b := newBrowser(t, f)
	if _, page := b.do(http.MethodGet, "/env/", nil); !strings.Contains(page, "promote waveguide/dev/app") {
		t.Errorf("list lacks the proposal:\n%s", page)
	}
	resp, page := b.do(http.MethodGet, "/env/"+p.ID, nil)
	for _, want := range []string{"envs/dev/app.yaml", "- image: app:1", "&#43; image: app:2", "you are ada", ">Merge<"} {
		if !strings.Contains(page, want) {
			t.Errorf("proposal page lacks %q:\n%s", want, page)
		}
	}
	if got := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
		t.Errorf("policy = %q", got)
	}
	token := csrf(t, page)
	act := func(do string) int {
		resp, _ := b.do(http.MethodPost, "/env/"+p.ID, url.Values{"csrf": {token}, "do": {do}, "head": {string(p.Head)}, "text": {"why"}})
		return resp.StatusCode
	}
	for _, c := range []struct {
		do   string
		want int
	}{{"hold", 200}, {"merge", 409}, {"take the hold off", 200}, {"approve", 200}, {"nonsense", 400}, {"merge", 200}, {"merge", 409}} {
		if got := act(c.do); got != c.want {
			t.Errorf("%s: status %d, want %d", c.do, got, c.want)
		}
	}
	got, err := f.client(botToken).Proposal(t.Context(), p.ID)
	if err != nil || got.State != gitops.Merged || got.EndedBy.Name != "ada" || len(got.Reviews) != 1 {
		t.Errorf("proposal = %+v, %v", got, err)
	}
	if resp, _ := b.do(http.MethodPost, "/env/issues", url.Values{"csrf": {token}, "title": {"env:dev"}, "pause": {"1"}}); resp.StatusCode != http.StatusOK {
		t.Errorf("open a pause: %d", resp.StatusCode)
	}
	if list, err := f.client(botToken).Pauses(t.Context()); err != nil || len(list) != 1 || list[0].By.Name != "ada" {
		t.Errorf("pauses = %+v, %v", list, err)
	}
	if len(changed) == 0 || <-changed != "env" {
		t.Error("nobody was told of the changes")
	}
}

func TestFormsNeedTheirToken(t *testing.T) {
	t.Parallel()
	f := newForge(t, func(o *local.Options) { o.LoopbackUser = "ada" })
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", "2")
	b := newBrowser(t, f)
	b.do(http.MethodGet, "/env/", nil)
	for _, token := range []string{"", "00"} {
		if resp, _ := b.do(http.MethodPost, "/env/"+p.ID, url.Values{"csrf": {token}, "do": {"close"}}); resp.StatusCode != http.StatusForbidden {
			t.Errorf("token %q: status %d, want 403", token, resp.StatusCode)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	b := newBrowser(t, f)
	if _, page := b.do(http.MethodGet, "/env/", nil); !strings.Contains(page, "Access token") {
		t.Errorf("a stranger sees\n%s", page)
	}
	if resp, _ := b.do(http.MethodPost, "/login", url.Values{"name": {"ada"}, "token": {rootToken}}); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("login with another's token: %d", resp.StatusCode)
	}
	resp, page := b.do(http.MethodPost, "/login", url.Values{"name": {"ada"}, "token": {adaToken}, "next": {"//evil.example/"}})
	if resp.Host != strings.TrimPrefix(f.http.URL, "http://") || !strings.Contains(page, "you are ada") {
		t.Errorf("after login at %s:\n%s", resp.Host, page)
	}
}

func TestNothingIsMarkup(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>`
	f := newForge(t, func(o *local.Options) { o.LoopbackUser = "ada" })
	ctx := t.Context()
	p := f.open(f.seed(), "waveguide/dev/app", "envs/dev/app.yaml", evil)
	bot := f.client(botToken)
	if err := bot.Update(ctx, p.ID, evil, "| "+evil+" | b |\n|---|---|\n| [x](javascript:alert(1)) | "+evil+" |\n\n# "+evil+"\n- "+evil); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		bot.AddLabel(ctx, p.ID, evil), bot.Comment(ctx, p.ID, evil),
		bot.SetCheck(ctx, p.Head, gitops.Check{Name: evil, State: gitops.CheckFailure, Text: evil}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bot.OpenIssue(ctx, evil, evil, []string{evil}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, f)
	for _, path := range []string{"/env/", "/env/1", "/env/2"} {
		_, page := b.do(http.MethodGet, path, nil)
		if strings.Contains(page, "<script") || strings.Contains(page, `href="javascript`) || !strings.Contains(page, "&lt;script&gt;") {
			t.Errorf("%s:\n%s", path, page)
		}
	}
	for _, title := range []string{"a\x1b[31mred", "two\nlines", strings.Repeat("x", 201), ""} {
		if _, err := bot.OpenIssue(ctx, title, "", nil); err == nil {
			t.Errorf("title %.20q is accepted", title)
		}
	}
}
