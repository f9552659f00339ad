package statement

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	scanCosign = "https://cosign.sigstore.dev/attestation/vuln/v1"
	scanV01    = "https://in-toto.io/attestation/vulns/v0.1"
	scanV02    = "https://in-toto.io/attestation/vulns/v0.2"

	mostFindings = 500
)

// Scan reads what a scanner found, from the forms of cosign and in-toto. Of
// cosign's, the reports of Trivy and Grype and SARIF are understood.
func (s Statement) Scan() (signals.Scan, error) {
	var p struct {
		Scanner struct {
			URI     string          `json:"uri"`
			Version string          `json:"version"`
			Result  json.RawMessage `json:"result"`
		} `json:"scanner"`
		Metadata struct {
			Finished time.Time `json:"scanFinishedOn"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return signals.Scan{}, fmt.Errorf("the scan cannot be read: %w", err)
	}
	if len(p.Scanner.Result) == 0 || string(p.Scanner.Result) == "null" {
		return signals.Scan{}, errors.New("the scan has no result")
	}
	var found []signals.Finding
	var err error
	if s.PredicateType == scanCosign {
		found, err = report(p.Scanner.Result)
	} else {
		found, err = listed(p.Scanner.Result)
	}
	if err != nil {
		return signals.Scan{}, err
	}
	out := signals.Scan{Scanner: clip(strings.TrimSpace(p.Scanner.URI + " " + p.Scanner.Version)), Finished: p.Metadata.Finished.UTC()}
	out.Findings, out.Counts, out.Omitted = sorted(found)
	return out, nil
}

// listed reads in-toto's own form.
func listed(raw json.RawMessage) ([]signals.Finding, error) {
	var result []struct {
		ID       string `json:"id"`
		Severity []struct {
			Method string          `json:"method"`
			Score  json.RawMessage `json:"score"`
		} `json:"severity"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return nil, fmt.Errorf("the scan cannot be read: %w", err)
	}
	out := make([]signals.Finding, 0, len(result))
	for _, r := range result {
		f := signals.Finding{ID: clip(r.ID)}
		for _, s := range r.Severity {
			f.Severity = worse(f.Severity, severity(strings.Trim(string(s.Score), `"`)))
		}
		out = append(out, f)
	}
	return out, nil
}

// report reads what a scanner wrote in its own form.
func report(raw json.RawMessage) ([]signals.Finding, error) {
	var doc struct {
		// Trivy.
		Schema  int `json:"SchemaVersion"`
		Results []struct {
			Found []struct {
				ID       string `json:"VulnerabilityID"`
				Severity string `json:"Severity"`
			} `json:"Vulnerabilities"`
		} `json:"Results"`
		// Grype.
		Matches *[]struct {
			Vulnerability struct {
				ID       string `json:"id"`
				Severity string `json:"severity"`
			} `json:"vulnerability"`
		} `json:"matches"`
		// SARIF.
		Runs []run `json:"runs"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("the scanner's report cannot be read: %w", err)
	}
	if doc.Schema == 0 && doc.Results == nil && doc.Matches == nil && doc.Runs == nil {
		return nil, errors.New("the scanner's report is not of a known form (Trivy, Grype, SARIF)")
	}
	var out []signals.Finding
	for _, r := range doc.Results {
		for _, v := range r.Found {
			out = append(out, signals.Finding{ID: clip(v.ID), Severity: severity(v.Severity)})
		}
	}
	if doc.Matches != nil {
		for _, m := range *doc.Matches {
			out = append(out, signals.Finding{ID: clip(m.Vulnerability.ID), Severity: severity(m.Vulnerability.Severity)})
		}
	}
	for _, r := range doc.Runs {
		out = append(out, r.findings()...)
	}
	return out, nil
}

// run is one run of SARIF.
type run struct {
	Tool struct {
		Driver struct {
			Rules []struct {
				ID         string `json:"id"`
				Properties struct {
					Score string `json:"security-severity"`
				} `json:"properties"`
			} `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	Results []struct {
		Rule string `json:"ruleId"`
	} `json:"results"`
}

func (r run) findings() []signals.Finding {
	scores := map[string]string{}
	for _, rule := range r.Tool.Driver.Rules {
		scores[rule.ID] = severity(rule.Properties.Score)
	}
	var out []signals.Finding
	for _, f := range r.Results {
		out = append(out, signals.Finding{ID: clip(f.Rule), Severity: scores[f.Rule]})
	}
	return out
}

// severity is one of our words for a scanner's, or for a CVSS score; empty if
// it is neither.
func severity(s string) string {
	switch word := strings.ToLower(s); word {
	case "critical", "high", "medium", "low":
		return word
	case "important":
		return "high"
	case "moderate":
		return "medium"
	case "negligible", "none", "info", "informational":
		return "low"
	}
	score, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(score) || score < 0 || score > 10:
		return ""
	case score >= 9:
		return "critical"
	case score >= 7:
		return "high"
	case score >= 4:
		return "medium"
	}
	return "low"
}

// rank orders severities, the worst first; what is not known is the worst.
func rank(severity string) int {
	return slices.Index([]string{"", "critical", "high", "medium", "low"}, severity)
}

// worse is the worse of two severities that a finding is given; nothing is
// better than any.
func worse(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "" || rank(a) < rank(b):
		return a
	}
	return b
}

// sorted is every vulnerability once, the worst first, in bounds.
func sorted(found []signals.Finding) (list []signals.Finding, counts map[string]int, omitted int) {
	slices.SortFunc(found, func(a, b signals.Finding) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(rank(a.Severity), rank(b.Severity)))
	})
	found = slices.CompactFunc(found, func(a, b signals.Finding) bool { return a.ID == b.ID })
	slices.SortStableFunc(found, func(a, b signals.Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	counts = map[string]int{}
	for _, f := range found {
		counts[cmp.Or(f.Severity, "unknown")]++
	}
	if len(found) > mostFindings {
		return found[:mostFindings:mostFindings], counts, len(found) - mostFindings
	}
	return found, counts, 0
}
