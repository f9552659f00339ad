package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// TestRotation: the key's file is read again when GitHub refuses the token.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	file := filepath.Join(t.TempDir(), "key.pem")
	save := func(key []byte) {
		t.Helper()
		if err := os.WriteFile(file, key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(s.Key())
	c := client(t, github.Options{URL: s.URL, HTTP: &http.Client{}, App: &github.App{
		ID: githubtest.AppID, Installation: githubtest.Installation,
		Key: func(context.Context) (string, error) {
			b, err := os.ReadFile(file)
			return string(b), err
		},
	}})
	if _, err := c.Groups(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := s.Rotate()
	if _, err := c.Groups(t.Context()); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("with the old key: %v, want ErrDenied", err)
	}
	save(key)
	if _, err := c.Groups(t.Context()); err != nil {
		t.Errorf("with the new key: %v", err)
	}
	user, pass, err := c.Credentials(t.Context())
	if err != nil || user != "x-access-token" || !strings.HasPrefix(pass, "ghs_") {
		t.Errorf("Credentials = %s, %v", user, err)
	}
}

func TestTokensAreReused(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	c := asApp(t, s, http.DefaultTransport)
	for range 5 {
		if _, err := c.Groups(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if by, _ := s.Calls(); by["POST /app/installations/{installation_id}/access_tokens"] != 1 {
		t.Errorf("calls = %v, want one token", by)
	}
}

func TestBrokenCredentials(t *testing.T) {
	t.Parallel()
	const canary = "CANARY-7d1f"
	s := githubtest.New(t)
	app := func(key string) *github.App {
		return &github.App{ID: githubtest.AppID, Installation: githubtest.Installation, Key: func(context.Context) (string, error) { return key, nil }}
	}
	elsewhere := app(string(s.Key()))
	elsewhere.Installation = 1
	for name, o := range map[string]github.Options{
		"no key":          {App: app(canary)},
		"other app":       {App: &github.App{ID: 1, Installation: githubtest.Installation, Key: app(string(s.Key())).Key}},
		"not installed":   {App: elsewhere},
		"unknown token":   {Token: func(context.Context) (string, error) { return canary, nil }},
		"token of 2 rows": {Token: func(context.Context) (string, error) { return canary + "\nX: y", nil }},
		"empty token":     {Token: func(context.Context) (string, error) { return "", nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.URL, o.HTTP = s.URL, &http.Client{}
			_, _, err := client(t, o).Proposals(t.Context(), "")
			if !errors.Is(err, gitops.ErrDenied) || strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("Proposals: %v, want ErrDenied and no secret", err)
			}
		})
	}
}

// TestTokenStaysHome: whoever GitHub redirects to gets no token.
func TestTokenStaysHome(t *testing.T) {
	t.Parallel()
	var got []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) }))
	defer thief.Close()
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer forge.Close()
	c := client(t, github.Options{URL: forge.URL, HTTP: &http.Client{}, Token: func(context.Context) (string, error) { return "s3cret", nil }})
	if _, _, err := c.Proposals(t.Context(), ""); err == nil {
		t.Error("no error")
	}
	for _, header := range got {
		if header != "" {
			t.Errorf("the thief got %q", header)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                              "https://api.github.com/graphql",
		"https://github.com/":           "https://api.github.com/graphql",
		"https://api.github.com":        "https://api.github.com/graphql",
		"https://ghe.example.com":       "https://ghe.example.com/api/graphql",
		"https://ghe.example.com:8443/": "https://ghe.example.com:8443/api/graphql",
		"https://acme.ghe.com":          "https://api.acme.ghe.com/graphql",
	} {
		var asked string
		c := client(t, github.Options{URL: given, Token: func(context.Context) (string, error) { return "t", nil }, HTTP: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = r.URL.String()
				return nil, gitops.ErrDenied
			}),
		}})
		if _, err := c.Groups(t.Context()); err == nil || asked != want {
			t.Errorf("%q asks %s, want %s", given, asked, want)
		}
	}
	for _, bad := range []string{"ftp://x", "github", "https://user:pw@ghe.example.com"} {
		_, err := github.New(github.Options{URL: bad, Repository: "a/b", HTTP: &http.Client{}, Token: func(context.Context) (string, error) { return "t", nil }})
		if err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
