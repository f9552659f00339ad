package limit_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/limit"
)

// answers is a forge in memory.
type answers struct {
	status int
	header http.Header
	body   string
	asked  int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked++
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func TestLimits(t *testing.T) {
	t.Parallel()
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble begins
	reset := func(d time.Duration) string { return strconv.FormatInt(start.Add(d).Unix(), 10) }
	for name, c := range map[string]struct {
		status int
		header map[string]string
		wait   time.Duration
	}{
		"fine":                     {200, map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset(time.Hour)}, 0},
		"denied":                   {403, nil, 0},
		"down":                     {503, nil, 0},
		"down for a while":         {503, map[string]string{"Retry-After": "20"}, 20 * time.Second},
		"too many, unsaid":         {429, nil, time.Minute},
		"too many, seconds":        {429, map[string]string{"Retry-After": "30"}, 30 * time.Second},
		"too many, a date":         {429, map[string]string{"Retry-After": start.Add(90 * time.Second).Format(http.TimeFormat)}, 90 * time.Second},
		"too many, for ever":       {429, map[string]string{"Retry-After": "99999999"}, time.Hour},
		"the primary limit":        {403, map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset(10 * time.Minute)}, 10 * time.Minute},
		"the secondary limit":      {403, map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "50", "Retry-After": "60"}, time.Minute},
		"seconds until the reset":  {429, map[string]string{"RateLimit-Limit": "60", "RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, 45 * time.Second},
		"nonsense in the headers":  {429, map[string]string{"Retry-After": "-5", "RateLimit-Limit": "x"}, time.Minute},
		"denied with a budget":     {403, map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "50"}, 0},
		"an empty budget, granted": {200, map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				forge := &answers{status: c.status, header: http.Header{}}
				for k, v := range c.header {
					forge.header.Set(k, v)
				}
				client, tr := limit.Client(&http.Client{Transport: forge})
				get := func() error {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://forge.example/", nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := client.Do(r)
					if err == nil {
						err = resp.Body.Close()
					}
					return err
				}
				var e *gitops.LimitError
				if err := get(); errors.As(err, &e) != (c.wait > 0) || e != nil && !e.Until.Equal(start.Add(c.wait)) {
					t.Fatalf("error = %v, want a wait of %s", err, c.wait)
				}
				if c.wait == 0 {
					if name == "fine" && tr.Budget().Remaining != 7 {
						t.Errorf("budget = %+v", tr.Budget())
					}
					return
				}
				time.Sleep(c.wait - time.Second)
				if err := get(); !errors.As(err, &e) || forge.asked != 1 {
					t.Errorf("before the end: %v, asked %d times", err, forge.asked)
				}
				time.Sleep(time.Second)
				forge.status, forge.header = 200, http.Header{}
				if err := get(); err != nil || forge.asked != 2 {
					t.Errorf("at the end: %v, asked %d times", err, forge.asked)
				}
			})
		})
	}
}

func TestLongAnswerIsAnError(t *testing.T) {
	t.Parallel()
	client, _ := limit.Client(&http.Client{Transport: &answers{status: 200, header: http.Header{}, body: strings.Repeat("x", limit.MaxAnswer+1)}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://forge.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("an answer that is too long was read")
	}
}
