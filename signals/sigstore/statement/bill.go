package statement

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	spdx      = "https://spdx.dev/Document"
	cycloneDX = "https://cyclonedx.org/bom"
)

// Bill reads a bill of materials. An empty document is none.
func (s Statement) Bill() (signals.Bill, error) {
	var text string
	if json.Unmarshal(s.Predicate, &text) == nil { // SPDX in its tag-value form
		version, _, _ := strings.Cut(strings.TrimPrefix(text, "SPDXVersion: "), "\n")
		if !strings.HasPrefix(text, "SPDXVersion: ") || len(version) > 20 {
			return signals.Bill{}, errors.New("the bill of materials is a text that is not SPDX")
		}
		return signals.Bill{Format: version, Components: strings.Count(text, "\nPackageName:")}, nil
	}
	var doc struct {
		SPDX       string     `json:"spdxVersion"`
		Packages   []struct{} `json:"packages"`
		Format     string     `json:"bomFormat"`
		Version    string     `json:"specVersion"`
		Components []struct{} `json:"components"`
		// Data wraps the document where older versions of cosign wrote it.
		Data json.RawMessage `json:"Data"`
	}
	if err := json.Unmarshal(s.Predicate, &doc); err != nil {
		return signals.Bill{}, fmt.Errorf("the bill of materials cannot be read: %w", err)
	}
	switch {
	case doc.SPDX != "":
		return signals.Bill{Format: clip(doc.SPDX), Components: len(doc.Packages)}, nil
	case doc.Format == "CycloneDX":
		return signals.Bill{Format: "CycloneDX-" + clip(doc.Version), Components: len(doc.Components)}, nil
	case len(doc.Data) > 0:
		wrapped := s
		wrapped.Predicate = doc.Data
		return wrapped.Bill()
	}
	return signals.Bill{}, errors.New("the bill of materials is neither SPDX nor CycloneDX")
}

// clip bounds a word of a stranger.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100]
	}
	return s
}
