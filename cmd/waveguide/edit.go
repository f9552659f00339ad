package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// editOptions are the flags of edit.
type editOptions struct {
	artifact, marker, to, path string
	metadata, expect           []string
	document                   int
	write, pin                 bool
	output                     string
}

func editCommand(s streams) *cobra.Command {
	var o editOptions
	c := &cobra.Command{
		Use:   "edit {--artifact REPOSITORY | --marker NAME | --path EXPR} --to VERSION FILE...",
		Short: "Change the version in files, or show the difference",
		Long: "Edit makes every place of the files that names the artifact name another version, and changes no other byte.\n" +
			"Places are found by the artifact's repository, by marker comments (# waveguide: NAME), or named by a path.\n" +
			"With --path alone any value can be written. Without -w the difference is printed.\n\n" +
			"Exit codes: 0 done, 1 error, 2 usage, 3 refused: a file cannot be changed exactly, and all are left alone.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage{errors.New("edit needs the files to change: `waveguide find` lists those that name an artifact")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, files []string) error { return editFiles(s.out, files, o) },
	}
	f := c.Flags()
	f.StringVar(&o.artifact, "artifact", "", "the artifact's repository, without a tag")
	f.StringVar(&o.marker, "marker", "", "the artifact's name in marker comments, or a Flux policy NAMESPACE:NAME")
	f.StringVar(&o.to, "to", "", "the version: TAG, DIGEST or TAG@DIGEST; with --path alone any value")
	f.StringVar(&o.path, "path", "", "the one place, as a path expression such as image.tag")
	f.IntVar(&o.document, "document", -1, "which document of the file, counted from 0; all of them if not given")
	f.StringArrayVar(&o.metadata, "set", nil, "another scalar of the same files to write, as PATH=VALUE; may be given again")
	f.StringArrayVar(&o.expect, "expect", nil, "with --path alone: refuse if the value there is another; may be given again")
	f.BoolVarP(&o.write, "write", "w", false, "write the files")
	f.BoolVar(&o.pin, "pin", false, "add the digest where only a tag stands")
	outputFlag(c, &o.output)
	return c
}

// request is what the flags ask of every file.
func (o editOptions) request() (edit.Request, error) {
	r := edit.Request{Repository: o.artifact, Artifact: o.marker, Path: o.path, Document: o.document + 1, Expect: o.expect}
	place := o.artifact == "" && o.marker == ""
	switch {
	case place && o.path == "" || o.to == "":
		return r, usage{errors.New("edit needs --to, and --artifact, --marker or --path")}
	case o.document < -1:
		return r, usage{fmt.Errorf("--document counts from 0, not %d", o.document)}
	case o.document >= 0 && o.path == "":
		return r, usage{errors.New("--document goes with --path")}
	case len(o.expect) > 0 && !place:
		return r, usage{errors.New("--expect goes with --path alone")}
	}
	var err error
	if r.To, err = edit.ParseVersion(o.to); err != nil {
		if !place {
			return r, usage{fmt.Errorf("--to: %w", err)}
		}
		r.Value = o.to
	} else if len(o.expect) > 0 {
		r.Value = o.to
	}
	for _, m := range o.metadata {
		at, value, ok := cutField(m)
		if !ok {
			return r, usage{fmt.Errorf("--set %q is not PATH=VALUE", m)}
		}
		r.Metadata = append(r.Metadata, edit.Field{Path: at, Value: value})
	}
	if o.pin {
		r.Pin = edit.AddDigest
	}
	return r, nil
}

// cutField parts PATH=VALUE at the first = outside of brackets, where a path may have its own.
func cutField(s string) (path, value string, ok bool) {
	depth := 0
	for i, c := range s {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '=' && depth == 0:
			return s[:i], s[i+1:], i > 0
		}
	}
	return "", "", false
}

// edited is a file before and after.
type edited struct {
	name string
	src  []byte
	edit.Result
}

// editFiles edits all files or, if one is refused, none.
func editFiles(out io.Writer, files []string, o editOptions) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	all := make([]edited, len(files))
	for i, name := range files {
		all[i].name = name
		if all[i].src, err = os.ReadFile(name); err != nil {
			return err
		}
	}
	r.Sources = sourcesOf(all)
	for i := range all {
		if all[i].Result, err = promoteFile(all[i].name, all[i].src, r); err != nil {
			return err
		}
	}
	var shown bytes.Buffer // half a difference would be applied by whoever pipes it
	if err := answer(&shown, o.output, editAnswer(all), func(w io.Writer) { showEdits(w, all) }); err != nil {
		return err
	}
	if _, err := shown.WriteTo(out); err != nil || !o.write {
		return err
	}
	for _, e := range all {
		if len(e.Edits) == 0 {
			continue
		}
		if err := replace(e.name, e.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// sourcesOf are the addresses of Flux sources that any of the files defines.
func sourcesOf(all []edited) map[string]string {
	out := map[string]string{}
	for _, e := range all {
		f, err := edit.Open(e.name, e.src)
		if err != nil {
			continue // the edit says so, if the file matters
		}
		maps.Copy(out, f.Sources())
	}
	return out
}

// promoteFile edits one file. A place named by its path alone may hold any text, so what is no version there is
// replaced as it stands.
func promoteFile(name string, src []byte, r edit.Request) (edit.Result, error) {
	res, err := edit.Promote(name, src, r)
	switch {
	case errors.Is(err, edit.ErrUnwritable) && r.Repository == "" && r.Artifact == "" && r.Value == "":
		r.Value = r.To.String()
		return edit.Promote(name, src, r)
	case errors.Is(err, edit.ErrNoMatch) && len(r.Sources) > 0 && r.Path == "" && definesSource(name, src):
		return edit.Result{Bytes: src}, nil // given for the address of a source, not to be edited
	}
	return res, err
}

func definesSource(name string, src []byte) bool {
	f, err := edit.Open(name, src)
	return err == nil && len(f.Sources()) > 0
}

func showEdits(w io.Writer, all []edited) {
	for _, e := range all {
		if len(e.Edits) > 0 {
			fmt.Fprint(w, difference(e.name, e.src, e.Bytes))
		}
		for _, m := range e.Mentions {
			fmt.Fprintf(w, "# %s:%d mentions it and is left alone: %s\n", e.name, m.Line, strings.TrimSpace(m.Text))
		}
		for _, s := range e.Stale {
			if len(e.Edits) > 0 {
				fmt.Fprintf(w, "# %s does not fit %s any more\n", s, e.name)
			}
		}
	}
}

// editedFile is a file in the JSON answer.
type editedFile struct {
	File     string          `json:"file"`
	Edits    []editedPlace   `json:"edits"`
	Mentions []editedMention `json:"mentions,omitempty"`
	Stale    []string        `json:"stale,omitempty"`
}

type editedPlace struct {
	Document int    `json:"document"` // counted from 0
	Line     int    `json:"line"`
	Path     string `json:"path"`
	Before   string `json:"before"`
	After    string `json:"after"`
}

type editedMention struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

func editAnswer(all []edited) []editedFile {
	out := make([]editedFile, 0, len(all))
	for _, e := range all {
		f := editedFile{File: e.name, Edits: []editedPlace{}, Stale: e.Stale}
		for _, p := range e.Edits {
			f.Edits = append(f.Edits, editedPlace{p.Document - 1, p.Line, p.Path, p.Before, p.After})
		}
		for _, m := range e.Mentions {
			f.Mentions = append(f.Mentions, editedMention(m))
		}
		out = append(out, f)
	}
	return out
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
