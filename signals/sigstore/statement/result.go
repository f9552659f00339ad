package statement

import (
	"encoding/json"
	"fmt"

	"github.com/waveguide-dev/waveguide/signals"
)

const testResult = "https://in-toto.io/attestation/test-result/v0.1"

// mostSuites bounds what one attestation may name.
const mostSuites = 1000

// Suites reads test results. A suite is a configuration that was run, or a
// test by its name. A result that names nothing is the suite without a name.
func (s Statement) Suites() ([]signals.Suite, error) {
	var p struct {
		Result        string `json:"result"`
		Configuration []struct {
			Name string `json:"name"`
		} `json:"configuration"`
		Passed []string `json:"passedTests"`
		Warned []string `json:"warnedTests"`
		Failed []string `json:"failedTests"`
	}
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return nil, fmt.Errorf("the test result cannot be read: %w", err)
	}
	switch p.Result {
	case "PASSED", "WARNED", "FAILED":
	default:
		return nil, fmt.Errorf("the test result is %.40q, which is none of PASSED, WARNED and FAILED", p.Result)
	}
	passed := p.Result != "FAILED" && len(p.Failed) == 0
	out := map[string]bool{}
	for _, c := range p.Configuration {
		out[clip(c.Name)] = passed
	}
	for _, name := range append(p.Passed, p.Warned...) {
		out[clip(name)] = true
	}
	for _, name := range p.Failed {
		out[clip(name)] = false
	}
	if !passed || len(out) == 0 {
		out[""] = passed
	}
	if len(out) > mostSuites {
		return nil, fmt.Errorf("the test result names %d suites, more than %d", len(out), mostSuites)
	}
	list := make([]signals.Suite, 0, len(out))
	for name, ok := range out {
		list = append(list, signals.Suite{Name: name, Passed: ok})
	}
	return list, nil
}
