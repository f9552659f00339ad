package edit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

var (
	oldDigest = "sha256:" + strings.Repeat("1a", 32)
	newDigest = "sha256:" + strings.Repeat("2b", 32)
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "corpus", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPromoteKeepsAllBytesButTheVersion(t *testing.T) {
	t.Parallel()
	to := edit.Version{Tag: "3.0.1", Digest: newDigest}
	for _, c := range []struct {
		file, repository string
		replace          []string
		edits            int
	}{
		{
			"example-dev-order-api.yaml", "registry.example.com/payments/order-api",
			[]string{"2.17.3", "3.0.1", "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", newDigest},
			2,
		},
		{
			"example-prod-sg-payment-api.yaml", "registry.example.com/payments/payment-api",
			[]string{"1.4.2", "3.0.1", "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9", newDigest},
			2,
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			src := read(t, c.file)
			got, err := edit.Promote(c.file, []byte(src), edit.Request{Repository: c.repository, To: to})
			if err != nil {
				t.Fatalf("Promote: %v", err)
			}
			if d := cmp.Diff(strings.NewReplacer(c.replace...).Replace(src), string(got.Bytes)); d != "" {
				t.Errorf("Promote (-want +got):\n%s", d)
			}
			if len(got.Edits) != c.edits {
				t.Errorf("Promote made %d edits, want %d: %v", len(got.Edits), c.edits, got.Edits)
			}
			again, err := edit.Promote(c.file, got.Bytes, edit.Request{Repository: c.repository, To: to})
			if err != nil || len(again.Edits) > 0 || string(again.Bytes) != string(got.Bytes) {
				t.Errorf("second Promote: %d edits, %v; want none", len(again.Edits), err)
			}
		})
	}
}
