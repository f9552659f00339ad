package edit_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// peers write the new version with the libraries that other tools use: they read the file into nodes, change the scalars
// that hold the old text, and let the library write the file.
func peers() map[string]func(src []byte, change func(string) string) ([]byte, error) {
	return map[string]func([]byte, func(string) string) ([]byte, error){
		"yaml.v3": yamlRoundTrip, "kyaml": kyamlRoundTrip, "goccy": goccyRoundTrip,
	}
}

func yamlRoundTrip(src []byte, change func(string) string) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	for dec := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return out.Bytes(), enc.Close()
		} else if err != nil {
			return nil, err
		}
		changeYAML(&n, change)
		if err := enc.Encode(&n); err != nil {
			return nil, err
		}
	}
}

func changeYAML(n *yaml.Node, change func(string) string) {
	if n.Kind == yaml.ScalarNode {
		n.Value = change(n.Value)
	}
	for _, c := range n.Content {
		changeYAML(c, change)
	}
}

func kyamlRoundTrip(src []byte, change func(string) string) ([]byte, error) {
	r := kio.ByteReader{Reader: bytes.NewReader(src), PreserveSeqIndent: true, DisableUnwrapping: true}
	nodes, err := r.Read()
	if err != nil {
		return nil, err
	}
	var walk func(n *kyaml.Node)
	walk = func(n *kyaml.Node) {
		if n.Kind == kyaml.ScalarNode {
			n.Value = change(n.Value)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n.YNode())
	}
	var out bytes.Buffer
	err = kio.ByteWriter{Writer: &out}.Write(nodes)
	return out.Bytes(), err
}

type goccyVisitor func(string) string

func (v goccyVisitor) Visit(n ast.Node) ast.Visitor {
	if s, ok := n.(*ast.StringNode); ok {
		s.Value = v(s.Value)
		s.Token.Value = v(s.Token.Value)
	}
	return v
}

func goccyRoundTrip(src []byte, change func(string) string) ([]byte, error) {
	f, err := parser.ParseBytes(src, parser.ParseComments, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, d := range f.Docs {
		if d.Body != nil {
			ast.Walk(goccyVisitor(change), d.Body)
		}
	}
	return []byte(f.String()), nil
}

// TestExactness counts on how many YAML files of the corpus each way gives just what replacing the text gives. Ours must
// on all; run it with -v to see the others.
func TestExactness(t *testing.T) {
	t.Parallel()
	files, exact, refused := 0, map[string]int{}, map[string]int{}
	promotedCorpus(t, func(file, before, after string) {
		if !strings.HasSuffix(file, ".yaml") && !strings.HasSuffix(file, ".yml") {
			return
		}
		files++
		want := textual(before)
		if after == want {
			exact["splice (ours)"]++
		}
		for name, peer := range peers() {
			got, err := peer([]byte(before), textual)
			switch {
			case err != nil:
				refused[name]++
			case string(got) == want:
				exact[name]++
			}
		}
	})
	for _, name := range []string{"splice (ours)", "yaml.v3", "kyaml", "goccy"} {
		t.Logf("%-14s exact %d of %d, refused %d", name, exact[name], files, refused[name])
	}
	if exact["splice (ours)"] != files || files < 80 {
		t.Errorf("exact on %d of %d files", exact["splice (ours)"], files)
	}
}

func BenchmarkPeers(b *testing.B) {
	change := func(s string) string { return strings.ReplaceAll(s, oldDigest, newDigest) }
	for size, src := range map[string][]byte{"44": values44(), "5000": manifest5000()} {
		b.Run("ours/lines="+size, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := edit.Promote("f.yaml", src, edit.Request{Repository: app, To: edit.Version{Tag: "1.4.2", Digest: newDigest}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		for name, peer := range peers() {
			b.Run(name+"/lines="+size, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := peer(src, change); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run("parse alone/lines="+size, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for dec := yaml.NewDecoder(bytes.NewReader(src)); ; {
					var n yaml.Node
					if dec.Decode(&n) != nil {
						break
					}
				}
			}
		})
	}
}
