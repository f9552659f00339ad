package alertmanager

import (
	"encoding/json"
	"errors"
)

// IsHook says whether a body is a notification of Alertmanager's webhook, in
// the one version there is. What it tells is not used: it is a hint that alerts
// are worth reading now.
func IsHook(body []byte) error {
	var hook struct {
		Version string            `json:"version"`
		Status  string            `json:"status"`
		Alerts  []json.RawMessage `json:"alerts"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return errors.New("this is no notification of alertmanager")
	}
	if hook.Version != "4" || hook.Status != "firing" && hook.Status != "resolved" || len(hook.Alerts) == 0 {
		return errors.New("this is no notification of alertmanager in version 4; leave its payload as it is")
	}
	return nil
}
