package edit_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// hostile are files made to hurt whoever reads them. Each is given to every entry of the package.
func hostile() map[string]string {
	bomb := "a0: &a0 [x]\n"
	for i := range 9 {
		was, is := string(rune('0'+i)), string(rune('1'+i))
		bomb += "a" + is + ": &a" + is + " [" + strings.Repeat("*a"+was+", ", 9) + "*a" + was + "]\n"
	}
	merges := "m0: &m0 {repository: " + app + ", tag: '1'}\n"
	for i := range 9 {
		was, is := string(rune('0'+i)), string(rune('1'+i))
		merges += "m" + is + ": &m" + is + " {<<: [" + strings.Repeat("*m"+was+", ", 20) + "*m" + was + "]}\n"
	}
	ref := app + ":1@" + oldDigest
	return map[string]string{
		"bomb.yaml":           bomb + "image: " + ref + "\n",
		"merges.yaml":         merges + "image: " + ref + "\n",
		"self-merge.yaml":     "a: &a {<<: *a, repository: " + app + ", tag: x}\nimage: " + ref + "\n",
		"deep-flow.yaml":      "image: " + ref + "\na: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"deeper-flow.yaml":    "image: " + ref + "\na: " + strings.Repeat("[", 12_500),
		"deep-block.yaml":     "image: " + ref + "\na:\n" + strings.Repeat("- ", 9000) + "x\n",
		"deep-maps.yaml":      "image: " + ref + "\n" + strings.Repeat("? ", 9000) + "x\n",
		"long-line.yaml":      "image: " + ref + "\na: \"" + strings.Repeat("x ", 1<<18) + "\"\n",
		"ten-megabytes.yaml":  "image: " + ref + "\na: " + strings.Repeat("x", 10<<20) + "\n",
		"many-documents.yaml": "image: " + ref + "\n" + strings.Repeat("---\na: b\n", 3_125),
		"many-places.yaml":    "l:\n" + strings.Repeat("- {name: x, image: "+app+":1}\n", 3_000),
		"many-names.yaml":     strings.Repeat("k: "+app+"\n", 1_000) + "tag: x\n",
		"many-keys.yaml":      numbered("k", ": "+app+"\n", 1_562),
		"many-images.yaml":    numbered("k", "image: r.example.com/a/b:1\n", 1_562),
		"many-mentions.yaml":  "# " + strings.Repeat(app+" ", 3_125) + "\nimage: " + ref + "\n",
		"many-markers.yaml":   strings.Repeat("a: 1 # waveguide: app\n", 1_562) + "image: " + ref + "\n",
		"embedded.yaml":       "image: " + ref + "\n" + strings.Repeat("a: |\n  b: |\n    c: |\n      image: "+app+":1\n", 1_000),
		"invalid.yaml":        "image: " + ref + "\na: \xff\xfe\n",
		"nul.yaml":            "image: " + ref + "\na: \x00\n",
		"utf16.yaml":          "\xff\xfei\x00m\x00 " + app + ":1",
		"anchors.yaml":        "image: " + ref + "\n" + numbered("a", ": &a x\n", 1_562),
		"comments.yaml":       "image: " + ref + "\n" + strings.Repeat("# x\n", 15_625),
		"deep.json":           "{\"image\": \"" + ref + "\", \"a\": " + strings.Repeat("[", 1_000_000),
		"deep-closed.json":    "{\"image\": \"" + ref + "\", \"a\": " + strings.Repeat("[", 12_500) + strings.Repeat("]", 12_500) + "}",
		"escapes.json":        "{\"image\": \"" + ref + "\", \"a\": \"" + strings.Repeat(`\ud83d\ude80`, 3_125) + "\"}",
		"brackets.tf":         "image = \"" + ref + "\"\na = " + strings.Repeat("(", 15_625),
		"closed-brackets.tf":  "image = \"" + ref + "\"\na = " + strings.Repeat("[", 6_250) + strings.Repeat("]", 6_250) + "\n",
		"operators.tf":        "image = \"" + ref + "\"\na = " + strings.Repeat("!", 15_625) + "x\n",
		"minus.tf":            "image = \"" + ref + "\"\na = " + strings.Repeat("- ", 6_250) + "1\n",
		"conditions.tf":       "image = \"" + ref + "\"\na = " + strings.Repeat("b ? c : ", 1_875) + "d\n",
		"templates.tf":        "image = \"" + ref + "\"\na = " + strings.Repeat("\"${", 3_125) + "\n",
		"sums.tf":             "image = \"" + ref + "\"\na = 1" + strings.Repeat(" + 1", 3_125) + "\n",
		"blocks.tf":           "image = \"" + ref + "\"\n" + strings.Repeat("a {\n", 1_875) + strings.Repeat("}\n", 1_875),
		"heredoc.tf":          "image = \"" + ref + "\"\na = <<EOT\n" + strings.Repeat("x", 12_500),
		"indexes.tf":          "image = \"" + ref + "\"\na = b" + strings.Repeat("[0]", 3_125) + "\n",
		"attributes.tf":       "image = \"" + ref + "\"\na = b" + strings.Repeat(".c", 6_250) + "\n",
		"lines.env":           "IMAGE=" + ref + "\n" + strings.Repeat("A=b\n", 3_125),
		"open.env":            "IMAGE=" + ref + "\nA=\"" + strings.Repeat("x\n", 12_500),
		"quotes.env":          "IMAGE=" + ref + "\n" + strings.Repeat("A='\n'\n", 3_125),
	}
}

func numbered(before, after string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(before)
		for d := 100_000; d > 0; d /= 10 {
			b.WriteByte(byte('0' + i/d%10))
		}
		b.WriteString(after)
	}
	return b.String()
}

// TestHostileFilesOfEveryFormat bounds what a file can cost, with room for a busy machine and the race detector.
func TestHostileFilesOfEveryFormat(t *testing.T) { //nolint:paralleltest // it measures
	for name, src := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		to := edit.Version{Tag: "2", Digest: newDigest}
		for _, r := range []edit.Request{{Repository: app, To: to, Pin: edit.AddDigest}, {Artifact: "app", To: to}, {Path: "m9.tag", To: to}} {
			if _, err := edit.Promote(name, []byte(src), r); err != nil {
				mustRefuse(t, err)
			}
		}
		if f, err := edit.Open(name, []byte(src)); err == nil {
			if _, err := f.Artifacts(nil); err != nil {
				mustRefuse(t, err)
			}
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 30*time.Second || used > 1000 {
			t.Errorf("%s (%d bytes): four calls took %s and %d MiB", name, len(src), took, used)
		} else if took > time.Second {
			t.Logf("%s (%d bytes): %s, %d MiB", name, len(src), took, used)
		}
	}
}
