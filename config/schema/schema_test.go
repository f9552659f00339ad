package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/config/schema"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := schema.Generate()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("waveguide.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("waveguide.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// documents turns YAML into what a JSON validator sees.
func documents(t *testing.T, data string) []any {
	t.Helper()
	var out []any
	for part := range strings.SplitSeq(data, "\n---\n") {
		var v any
		if err := yaml.Unmarshal([]byte(part), &v); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got, err := schema.Generate()
	if err != nil {
		t.Fatal(err)
	}
	const file = "waveguide.schema.json"
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the schema differs (-want +got); rewrite it with -update:\n%s", diff)
	}
}

func TestAcceptsTheExample(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	n := 0
	for _, name := range []string{"waveguide.yaml", "env-gitops/.waveguide/environments.yaml", "env-gitops/.waveguide/governance.yaml", "env-gitops/.waveguide/payments.yaml"} {
		data, err := os.ReadFile(filepath.Join("../../deploy/example", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range documents(t, string(data)) {
			n++
			if err := s.Validate(doc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n != 11 {
		t.Errorf("%d documents were read, not 11", n)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: waveguide.dev/v1alpha1\n"
	s := compiled(t)
	for name, doc := range map[string]string{
		"no kind":             head + "name: x",
		"unknown kind":        head + "kind: Env\nname: x",
		"unknown key":         head + "kind: Environment\nname: dev\npath: dev\nlables: {}",
		"missing path":        head + "kind: Environment\nname: dev",
		"number as a label":   head + "kind: Environment\nname: dev\npath: dev\nlabels: {account: 12}",
		"bad enum":            head + "kind: Environment\nname: dev\npath: dev\nrunning: maybe",
		"bad duration":        head + "kind: ChangeWindow\nname: w\nschedule: '0 9 * * *'\nduration: 7 hours\ntimeZone: UTC",
		"bad time":            head + "kind: Freeze\nname: f\nfrom: yesterday\nuntil: 2027-01-06T00:00:00+07:00",
		"bad risk":            head + "kind: RiskRule\nname: r\nrisk: extreme",
		"exception, no end":   head + "kind: Exception\nname: e\ngate: tests\nmatch: {artifact: a}\nreason: r",
		"bad artifact name":   head + "kind: Promotion\nname: p\nartifacts: [{name: ../../.waveguide, image: a.b/c, versions: {semver: '1'}}]\nwaves: [{name: w, environments: [dev]}]",
		"wave without places": head + "kind: Promotion\nname: p\nartifacts: [{name: a, image: a.b/c, versions: {semver: '1'}}]\nwaves: [{name: w}]",
		"short form of sbom":  head + "kind: Promotion\nname: p\nverify: {sbom: yes please}\nartifacts: [{name: a, image: a.b/c, versions: {semver: '1'}}]\nwaves: [{name: w, environments: [dev]}]",
		"secret in the open":  head + "kind: Daemon\nrepositories: [{name: r, url: 'https://x.y/z', forge: {kind: local, url: 'http://x', token: abc}}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range documents(t, doc) {
				if s.Validate(d) == nil {
					t.Errorf("the schema accepts\n%s", doc)
				}
			}
		})
	}
}
