package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	maxBody   = 4 << 20
	maxSeries = 100
	maxSteps  = 500
	minStep   = 15 * time.Second
	// maxDrift is how far the server's clock may be off before times are sent
	// again, corrected.
	maxDrift = 20 * time.Second
)

// answer is the envelope of every answer of the query API.
type answer struct {
	Status    string   `json:"status"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	Data      struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// series is one series of a vector or a matrix.
type series struct {
	Metric map[string]string `json:"metric"`
	Value  point             `json:"value"`
	Values []point           `json:"values"`
	// Histogram and Histograms stand where a native histogram is the answer.
	Histogram  json.RawMessage `json:"histogram"`
	Histograms json.RawMessage `json:"histograms"`
}

// point is [time in seconds, "value"].
type point struct {
	at    time.Time
	value float64
}

// UnmarshalJSON reads one point.
func (p *point) UnmarshalJSON(data []byte) error {
	var pair [2]json.RawMessage
	var seconds float64
	var text string
	if err := errors.Join(json.Unmarshal(data, &pair), json.Unmarshal(pair[0], &seconds), json.Unmarshal(pair[1], &text)); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("value %.40q is no number", text)
	}
	p.at, p.value = time.UnixMilli(int64(seconds*1000)), v
	return nil
}

// instant asks for all series at one time; the zero time is the server's now.
func (c *Client) instant(ctx context.Context, query string, at time.Time, timeout time.Duration) ([]sample, error) {
	a, err := c.ask(ctx, "query", timeout, func(ahead time.Duration) url.Values {
		v := url.Values{"query": {query}}
		if !at.IsZero() {
			v.Set("time", seconds(at.Add(ahead)))
		}
		return v
	})
	if err != nil {
		return nil, err
	}
	switch a.Data.Type {
	case "scalar":
		var p point
		if err := json.Unmarshal(a.Data.Result, &p); err != nil {
			return nil, errShape
		}
		return []sample{{value: p.value}}, nil
	case "vector":
		list, err := a.series()
		if err != nil {
			return nil, err
		}
		out := make([]sample, len(list))
		for i, s := range list {
			out[i] = sample{labels(s.Metric), s.Value.value}
		}
		return out, nil
	}
	return nil, &tellsNothing{fmt.Sprintf("the query answers with a %.20s; ask for a vector or a scalar", a.Data.Type)}
}

// number asks for one number.
func (c *Client) number(ctx context.Context, query string, at time.Time, timeout time.Duration) (float64, error) {
	samples, err := c.instant(ctx, query, at, timeout)
	switch {
	case err != nil:
		return 0, err
	case len(samples) == 0:
		return 0, &tellsNothing{"the query has no data"}
	case len(samples) > 1:
		return 0, &tellsNothing{fmt.Sprintf("the query answers with %d series where one number is wanted; aggregate them, as with sum", len(samples))}
	}
	if _, sound := (Bounds{}).holds(samples[0].value); !sound {
		return 0, &tellsNothing{"the answer is " + word(samples[0].value) + ", from which nothing follows"}
	}
	return samples[0].value, nil
}

// span asks for all series between two times of our clock. Steps lie at whole
// multiples of their length, so that the same past looks the same at every
// look; where they are long, now is asked for besides.
func (c *Client) span(ctx context.Context, query string, from, to time.Time, timeout time.Duration) (span, error) {
	step := max(minStep, (to.Sub(from)/maxSteps).Truncate(minStep)+minStep)
	first, last := from.Truncate(step), to.Truncate(step)
	if first.Before(from) {
		first = first.Add(step)
	}
	s := newSpan(first, last, step)
	if len(s.times) > 0 {
		if err := c.fill(ctx, &s, query, step, timeout); err != nil {
			return s, err
		}
	}
	if len(s.times) == 0 || step > minStep {
		now, err := c.instant(ctx, query, time.Time{}, timeout)
		if err != nil {
			return s, err
		}
		s.times, s.samples = append(s.times, to), append(s.samples, now)
	}
	return s, nil
}

func newSpan(first, last time.Time, step time.Duration) span {
	var s span
	for at := first; !at.After(last); at = at.Add(step) {
		s.times = append(s.times, at)
	}
	s.samples = make([][]sample, len(s.times))
	return s
}

// fill asks for a range and sorts its points into their steps.
func (c *Client) fill(ctx context.Context, s *span, query string, step, timeout time.Duration) error {
	first, last := s.times[0], s.times[len(s.times)-1]
	var sent time.Duration
	a, err := c.ask(ctx, "query_range", timeout, func(ahead time.Duration) url.Values {
		sent = ahead
		return url.Values{
			"query": {query}, "start": {seconds(first.Add(ahead))}, "end": {seconds(last.Add(ahead))},
			"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		}
	})
	if err != nil {
		return err
	}
	if a.Data.Type != "matrix" {
		return errShape
	}
	list, err := a.series()
	if err != nil {
		return err
	}
	for _, one := range list {
		name := labels(one.Metric)
		for _, p := range one.Values {
			i := int((p.at.Add(-sent).Sub(first) + step/2) / step)
			if i >= 0 && i < len(s.samples) {
				s.samples[i] = append(s.samples[i], sample{name, p.value})
			}
		}
	}
	return nil
}

var errShape = errors.New("the answer is not what a prometheus answers; check the signal's url")

// series are those of an answer, if there are not too many.
func (a *answer) series() ([]series, error) {
	var list []series
	if err := json.Unmarshal(a.Data.Result, &list); err != nil {
		return nil, errShape
	}
	if len(list) > maxSeries {
		return nil, errTooMany
	}
	for _, s := range list {
		if s.Histogram != nil || s.Histograms != nil {
			return nil, &tellsNothing{"the query answers with histograms; ask for a number, as with histogram_quantile"}
		}
	}
	return list, nil
}

var errTooMany = &tellsNothing{fmt.Sprintf("the query answers with more than %d series; aggregate them, as with sum or max", maxSeries)}

// ask sends one question, again if the server's clock turned out to be
// elsewhere. The form is a POST where the server takes one, because queries
// are long.
func (c *Client) ask(ctx context.Context, what string, timeout time.Duration, form func(ahead time.Duration) url.Values) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ahead := time.Duration(c.ahead.Load())
	a, err := c.send(ctx, what, timeout, form(ahead))
	if now := time.Duration(c.ahead.Load()); (now - ahead).Abs() > maxDrift {
		a, err = c.send(ctx, what, timeout, form(now))
	}
	return a, err
}

func (c *Client) send(ctx context.Context, what string, timeout time.Duration, form url.Values) (*answer, error) {
	form.Set("timeout", strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64)+"s")
	form.Set("limit", strconv.Itoa(maxSeries+1))
	form.Set("partial_response", "false") // Thanos: an error rather than a part
	at := c.base.JoinPath("api/v1", what)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, status, err := c.exchange(req)
	if status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented {
		at.RawQuery = form.Encode()
		if req, err = http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil); err != nil {
			return nil, err
		}
		a, _, err = c.exchange(req)
	}
	return a, err
}

// exchange sends one request and reads its answer within bounds.
func (c *Client) exchange(req *http.Request) (*answer, int, error) {
	req.Header.Set("User-Agent", "waveguide")
	req.Header.Set("Accept", "application/json")
	if err := c.authorize(req); err != nil {
		return nil, 0, fmt.Errorf("credentials of prometheus at %s: %w", c.base.Host, err)
	}
	c.requests.Add(1)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("ask prometheus at %s: %w", c.base.Host, bare(err))
	}
	defer func() { _ = res.Body.Close() }()
	c.learnClock(res.Header, time.Now())
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, res.StatusCode, fmt.Errorf("ask prometheus at %s: the answer broke off: %w", c.base.Host, bare(err))
	case len(body) > maxBody:
		return nil, res.StatusCode, &tellsNothing{"the answer is longer than 4 MiB; aggregate the series, as with sum or max"}
	}
	a, err := c.read(res.StatusCode, body)
	if err != nil {
		err = signals.Limited(err, res.Header.Get("Retry-After"), time.Now())
	}
	return a, res.StatusCode, err
}

// read tells an answer about the query from one about the server.
func (c *Client) read(status int, body []byte) (*answer, error) {
	var a answer
	err := json.Unmarshal(body, &a)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return nil, fmt.Errorf("prometheus at %s answers %d: check the signal's credentials", c.base.Host, status)
	case err == nil && a.Status == "error" && (a.ErrorType == "bad_data" || a.ErrorType == "execution"):
		return nil, &tellsNothing{"the query is refused: " + a.Error}
	case status != http.StatusOK:
		return nil, fmt.Errorf("prometheus at %s answers %d", c.base.Host, status)
	case err != nil || a.Status != "success":
		return nil, errShape
	case len(a.Warnings) > 0:
		return nil, &tellsNothing{"the answer may be partial: " + a.Warnings[0]}
	}
	return &a, nil
}

// learnClock notes how far the server's clock is ahead. A header has whole
// seconds and an answer takes time, so little is nothing.
func (c *Client) learnClock(h http.Header, now time.Time) {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	ahead := at.Sub(now)
	if ahead.Abs() < 5*time.Second {
		ahead = 0
	}
	c.ahead.Store(int64(ahead))
}

// bare drops the URL that net/http puts before its errors.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// labels writes the labels of a series, sorted, without its name.
func labels(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k != "__name__" {
			fmt.Fprintf(&b, ", %s=%q", k, m[k])
		}
	}
	return strings.TrimPrefix(b.String(), ", ")
}
