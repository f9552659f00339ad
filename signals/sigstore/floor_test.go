package sigstore_test

import (
	"os"
	"regexp"
	"testing"

	"golang.org/x/mod/semver"
)

// TestFloor holds that the libraries below are not older than those in which
// holes were closed: cosign's own go.mod asks for older ones.
func TestFloor(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../go.mod")
	must(t, err)
	for module, least := range map[string]string{
		"github.com/sigstore/sigstore-go":            "v1.3.0",
		"github.com/sigstore/sigstore":               "v1.10.4",
		"github.com/sigstore/rekor":                  "v1.5.0",
		"github.com/sigstore/timestamp-authority/v2": "v2.0.6",
		"github.com/sigstore/cosign/v2":              "v2.6.5",
	} {
		found := regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(data)
		if found == nil || semver.Compare(string(found[1]), least) < 0 {
			t.Errorf("go.mod has %s at %q, want at least %s", module, found, least)
		}
	}
}
