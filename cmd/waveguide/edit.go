package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// editOptions are the flags of edit.
type editOptions struct {
	artifact, to, path string
	document           int
	write, pin         bool
}

func editCommand(s streams) *cobra.Command {
	var o editOptions
	c := &cobra.Command{
		Use:   "edit --artifact REPOSITORY --to TAG@DIGEST FILE...",
		Short: "Change the version in files, or show the difference",
		Long: "Edit makes every place of the files that names the artifact name another version, and changes no other byte.\n" +
			"Without -w it prints the difference. A file that cannot be changed exactly is refused with exit code 3 and left alone.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error { return editFiles(s.out, files, o) },
	}
	f := c.Flags()
	f.StringVar(&o.artifact, "artifact", "", "the artifact's repository, without a tag")
	f.StringVar(&o.to, "to", "", "the version: TAG, DIGEST or TAG@DIGEST")
	f.StringVar(&o.path, "path", "", "the one place, as a path expression such as image.tag")
	f.IntVar(&o.document, "document", -1, "which document of the file, counted from 0; all of them if not given")
	f.BoolVarP(&o.write, "write", "w", false, "write the files")
	f.BoolVar(&o.pin, "pin", false, "add the digest where only a tag stands")
	return c
}

// request is what the flags ask of every file.
func (o editOptions) request() (edit.Request, error) {
	if o.artifact == "" && o.path == "" || o.to == "" {
		return edit.Request{}, usage{errors.New("edit needs --to, and --artifact or --path")}
	}
	r := edit.Request{Repository: o.artifact, Path: o.path, Document: o.document + 1, To: edit.Version{Tag: o.to}}
	if tag, digest, ok := strings.Cut(o.to, "@"); ok {
		r.To = edit.Version{Tag: tag, Digest: digest}
	} else if strings.HasPrefix(o.to, "sha256:") {
		r.To = edit.Version{Digest: o.to}
	}
	if o.pin {
		r.Pin = edit.AddDigest
	}
	return r, nil
}

// editFiles edits all files or, if one is refused, none.
func editFiles(out io.Writer, files []string, o editOptions) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	results := make([]edit.Result, len(files))
	var shown bytes.Buffer // half a difference would be applied by whoever pipes it
	for i, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if results[i], err = edit.Promote(name, src, r); err != nil {
			return err
		}
		if err := show(&shown, name, src, results[i]); err != nil {
			return err
		}
	}
	if _, err := shown.WriteTo(out); err != nil || !o.write {
		return err
	}
	for i, name := range files {
		if len(results[i].Edits) == 0 {
			continue
		}
		if err := replace(name, results[i].Bytes); err != nil {
			return err
		}
	}
	return nil
}

// show prints what changes, as a unified difference without context.
func show(out io.Writer, name string, before []byte, r edit.Result) error {
	if len(r.Edits) > 0 {
		fmt.Fprint(out, difference(name, before, r.Bytes))
	}
	for _, m := range r.Mentions {
		if _, err := fmt.Fprintf(out, "# %s:%d mentions it and is left alone: %s\n", name, m.Line, strings.TrimSpace(m.Text)); err != nil {
			return err
		}
	}
	return nil
}

// difference is a unified difference without context; it knows that lines are
// changed in place or inserted, because that is all an edit does.
func difference(name string, before, after []byte) string {
	a, b := strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	var w strings.Builder
	fmt.Fprintf(&w, "--- a/%s\n+++ b/%s\n", name, name)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
			continue
		case j < len(b) && len(b)-j > len(a)-i && (i >= len(a) || j+1 < len(b) && b[j+1] == a[i]):
			fmt.Fprintf(&w, "@@ -%d,0 +%d @@\n+%s", i, j+1, line(b[j]))
			j++
		default:
			fmt.Fprintf(&w, "@@ -%d +%d @@\n-%s+%s", i+1, j+1, line(a[i]), line(b[j]))
			i, j = i+1, j+1
		}
	}
	return w.String()
}

func line(s string) string {
	if strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n\\ No newline at end of file\n"
}

// replace writes a file through a neighbour, so that a crash leaves the old or
// the new one.
func replace(name string, data []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	next := name + ".waveguide"
	if err := os.WriteFile(next, data, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(next, name)
}
