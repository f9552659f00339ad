package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// maxBody bounds an answer: thousands of alerts.
const maxBody = 16 << 20

// alerts are those that fire, as read at a time: anew, or by somebody else just
// before. Errors are shared too.
func (c *Client) alerts(ctx context.Context) ([]alert, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) >= share {
		list, err := c.ask(ctx)
		if ctx.Err() != nil {
			// Whoever asked has left: that says nothing about the server.
			return nil, time.Now(), fmt.Errorf("ask %s: %w", c.base.Host, ctx.Err())
		}
		c.list, c.err, c.at = list, err, time.Now()
	}
	return c.list, c.at, c.err
}

// Forget lets the next check ask the server, whatever was just read.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}

func (c *Client) ask(ctx context.Context) ([]alert, error) {
	if c.prometheus {
		body, err := c.get(ctx, c.base.JoinPath("api/v1/alerts"))
		if err != nil {
			return nil, err
		}
		return readPrometheus(body)
	}
	at := c.base.JoinPath("api/v2/alerts")
	at.RawQuery = url.Values{"active": {"true"}, "silenced": {"false"}, "inhibited": {"false"}, "unprocessed": {"false"}}.Encode()
	body, err := c.get(ctx, at)
	if err != nil {
		return nil, err
	}
	return readAlertmanager(body)
}

// get reads one answer within bounds.
func (c *Client) get(ctx context.Context, at *url.URL) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "waveguide")
	req.Header.Set("Accept", "application/json")
	if err := c.authorize(req); err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", c.base.Host, err)
	}
	c.requests.Add(1)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s for alerts: %w", c.base.Host, bare(err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask %s for alerts: the answer broke off: %w", c.base.Host, bare(err))
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s answers %d: check the signal's credentials", c.base.Host, res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return nil, signals.Limited(fmt.Errorf("%s answers %d", c.base.Host, res.StatusCode), res.Header.Get("Retry-After"), time.Now())
	case len(body) > maxBody:
		return nil, fmt.Errorf("%s lists more than 16 MiB of alerts", c.base.Host)
	}
	return body, nil
}

var errShape = errors.New("the answer is no list of alerts; check the signal's url")

// readAlertmanager reads GET /api/v2/alerts. What is not active is left out
// again here: a proxy may drop the query.
func readAlertmanager(body []byte) ([]alert, error) {
	var list []struct {
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
		Status   *struct {
			State       string   `json:"state"`
			SilencedBy  []string `json:"silencedBy"`
			InhibitedBy []string `json:"inhibitedBy"`
		} `json:"status"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list == nil {
		return nil, errShape
	}
	var out []alert
	for _, a := range list {
		switch {
		case a.Status == nil || a.Labels == nil:
			return nil, errShape
		case a.Status.State == "active" && len(a.Status.SilencedBy)+len(a.Status.InhibitedBy) == 0:
			out = append(out, alert{a.Labels, a.StartsAt})
		}
	}
	return out, nil
}

// readPrometheus reads GET /api/v1/alerts, of which those that only pend are
// left out.
func readPrometheus(body []byte) ([]alert, error) {
	var a struct {
		Status string `json:"status"`
		Data   *struct {
			Alerts []struct {
				Labels   map[string]string `json:"labels"`
				State    string            `json:"state"`
				ActiveAt time.Time         `json:"activeAt"`
			} `json:"alerts"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Status != "success" || a.Data == nil || a.Data.Alerts == nil {
		return nil, errShape
	}
	var out []alert
	for _, one := range a.Data.Alerts {
		if one.State == "firing" {
			out = append(out, alert{one.Labels, one.ActiveAt})
		}
	}
	return out, nil
}

// bare drops the URL that net/http puts before its errors.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
