package probe

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// finding is what an answer means.
type finding struct {
	state  signals.State
	digest signals.Digest
	reason string
}

// judge weighs in this order: still progressing, somebody else's answer, wrong status, wrong text,
// wrong JSON, unreadable digest, healthy. Its error means that the answer says
// nothing about the release.
func judge(s Spec, answer *http.Response, body []byte) (finding, error) {
	var doc any
	var unreadable error
	if s.wantsJSON() {
		doc, unreadable = parse(body, answer.Header.Get("Content-Type"))
	}
	digest, noDigest := runningDigest(doc, s.DigestFrom)
	if unreadable == nil && len(s.Progressing) > 0 && mismatch(doc, s.Progressing) == "" {
		return finding{signals.StateProgressing, digest, "the endpoint says that it is still on the way"}, nil
	}
	if answer.StatusCode != s.Status && inFront(answer.StatusCode) {
		return finding{}, fmt.Errorf("the answer is %d: it is by whoever stands in front of the endpoint and says nothing about the release", answer.StatusCode)
	}
	if answer.StatusCode != s.Status {
		reason := fmt.Sprintf("the endpoint answered %d, expected %d", answer.StatusCode, s.Status)
		return finding{signals.StateUnhealthy, digest, reason}, nil
	}
	if unreadable != nil {
		return finding{}, unreadable
	}
	if s.Text != "" && !strings.Contains(string(body), s.Text) {
		reason := fmt.Sprintf("the answer does not contain %q", short(s.Text))
		return finding{signals.StateUnhealthy, digest, reason}, nil
	}
	if wrong := mismatch(doc, s.JSON); wrong != "" {
		return finding{signals.StateUnhealthy, digest, wrong}, nil
	}
	if noDigest != nil {
		return finding{}, noDigest
	}
	return finding{signals.StateHealthy, digest, fmt.Sprintf("the endpoint answered %d as expected", answer.StatusCode)}, nil
}

// inFront says that an answer is about the way to the endpoint: a proxy or a
// gateway wants credentials, had enough, or reached nobody. 503 is not one of
// them, because releases use it to say that they are not ready.
func inFront(status int) bool {
	return slices.Contains([]int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusNetworkAuthenticationRequired,
	}, status)
}

// mismatch names the first expectation, by path, that does not hold.
func mismatch(doc any, want map[string]string) string {
	for _, path := range slices.Sorted(maps.Keys(want)) {
		got, err := lookup(doc, path)
		if err != nil {
			return err.Error()
		}
		if got != want[path] {
			return fmt.Sprintf("%s is %q, expected %q", path, short(got), short(want[path]))
		}
	}
	return ""
}

func runningDigest(doc any, path string) (signals.Digest, error) {
	if path == "" {
		return "", nil
	}
	said, err := lookup(doc, path)
	if err != nil {
		return "", fmt.Errorf("the running digest is not in the answer: %w", err)
	}
	digest, err := signals.ParseDigest(said[strings.LastIndex(said, "@")+1:])
	if err != nil {
		return "", fmt.Errorf("the running digest cannot be read: %s is %q, which is not sha256: and 64 hexadecimal digits", path, short(said))
	}
	return digest, nil
}

func parse(body []byte, contentType string) (any, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err == nil && kind == "text/html" || strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<") {
		return nil, errors.New("the answer is a web page, expected JSON; is a login page or a proxy in the way?")
	}
	return decode(body)
}

func plain(text string) string { return signals.Plain(text, 500) }

func short(text string) string { return signals.Plain(text, 80) }
