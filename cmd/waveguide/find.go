package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/gitops/edit/finder"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter/prose"
)

// findOptions are the flags of find.
type findOptions struct {
	config, repository, commit, marker, output string
	artifacts                                  bool
}

func findCommand(s streams) *cobra.Command {
	var o findOptions
	c := &cobra.Command{
		Use:   "find {IMAGE | --marker NAME | --artifacts} [PATH]",
		Short: "Find every place that names an artifact",
		Long: "Find lists all places below a path, or in a commit, that name an artifact: file and line, document, path expression\n" +
			"and what stands there. `waveguide edit --path` takes the expressions. Lines that mention the artifact and are not\n" +
			"understood begin with ?, files that mention it and cannot be read with !. With --artifacts it lists what each file names.\n\n" +
			"With --commit or --repository the files are read from Git: of a repository on this machine, or of one in the daemon's\n" +
			"file, whose protected branch is fetched. PATH is a folder or file in it then.\n\n" +
			"Exit codes: 0 done, whatever was found; 1 error; 2 usage.",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.RangeArgs(o.named(), o.named()+1)(cmd, args); err != nil {
				return usage{fmt.Errorf("find needs an image, --marker or --artifacts, and at most one path: %w", err)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.find(cmd.Context(), s.out, args) },
	}
	configFlag(c, &o.config)
	f := c.Flags()
	f.StringVar(&o.repository, "repository", "", "read from Git: a repository's directory, or its name in the daemon's file")
	f.StringVar(&o.commit, "commit", "", "read from Git: a branch, a tag or a commit's full id; of the repository around . if none is given")
	f.StringVar(&o.marker, "marker", "", "the artifact's name in marker comments, or a Flux policy NAMESPACE:NAME")
	f.BoolVar(&o.artifacts, "artifacts", false, "list which artifacts each file names")
	outputFlag(c, &o.output)
	return c
}

// named is how many arguments say what to look for.
func (o *findOptions) named() int {
	if o.artifacts || o.marker != "" {
		return 0
	}
	return 1
}

func (o *findOptions) find(ctx context.Context, out io.Writer, args []string) error {
	r := edit.Request{Artifact: o.marker}
	if o.named() == 1 {
		r.Repository, args = args[0], args[1:]
		if err := r.Lookup(); err != nil {
			return usage{errors.New(err.Error())} // nothing was refused yet
		}
	}
	if o.artifacts && o.marker != "" {
		return usage{errors.New("--artifacts lists all artifacts, --marker names one: give one of them")}
	}
	at := ""
	if len(args) > 0 {
		at = args[0]
	}
	f := finder.New(r)
	if err := o.read(ctx, f, at); err != nil {
		return err
	}
	if o.artifacts {
		named := namedAnswer(f.Artifacts())
		return answer(out, o.output, named, func(w io.Writer) { showNamed(w, named) })
	}
	found := foundAnswer(f.Found())
	return answer(out, o.output, found, func(w io.Writer) { showFound(w, found) })
}

// read gives the finder the files that it wants.
func (o *findOptions) read(ctx context.Context, f *finder.Finder, at string) error {
	take := func(e mirror.Entry, src []byte, err error) error {
		if err != nil {
			f.Fail(e.Path, err)
			return nil
		}
		return f.Add(e.Path, e.Blob.String(), src)
	}
	dir := cmp.Or(o.repository, ".")
	info, err := os.Stat(dir)
	switch {
	case o.commit == "" && o.repository == "":
		return findInFiles(ctx, f, cmp.Or(at, "."))
	case err == nil && info.IsDir():
		return searchLocal(ctx, dir, cmp.Or(o.commit, "HEAD"), at, f.Wants, take)
	case o.commit != "":
		return usage{fmt.Errorf("--commit goes with a repository on this machine, and %s is no directory", dir)}
	}
	return o.searchRemote(ctx, at, f.Wants, take)
}

// searchLocal searches a commit of a repository on this machine.
func searchLocal(ctx context.Context, dir, commit, under string, wanted func([]byte) bool, take func(mirror.Entry, []byte, error) error) (err error) {
	r, err := mirror.OpenRepository(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	at, err := r.Commit(commit)
	if err != nil {
		return err
	}
	return r.Search(ctx, at, filepath.ToSlash(under), wanted, take)
}

// searchRemote searches the protected branch of a repository of the daemon,
// through a mirror of its own so that it can run beside the daemon.
func (o *findOptions) searchRemote(ctx context.Context, under string, wanted func([]byte) bool, take func(mirror.Entry, []byte, error) error) (err error) {
	d, err := readDaemon(o.config)
	if err != nil {
		return fmt.Errorf("%s is no directory here, so it is looked for in the daemon's file: %w", o.repository, err)
	}
	own := *d
	if own.StateDir, err = os.MkdirTemp("", "waveguide-find-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(own.StateDir)) }()
	for _, r := range d.Repositories {
		if r.Name != o.repository {
			continue
		}
		m, err := openMirror(ctx, &own, r, nil)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close() }()
		if _, err := m.Fetch(ctx); err != nil {
			return err
		}
		return m.Search(ctx, m.Head(), filepath.ToSlash(under), wanted, take)
	}
	return usage{fmt.Errorf("--repository %s is neither a directory nor a repository of %s", o.repository, o.config)}
}

// findInFiles reads the regular files below a path; links are not followed.
func findInFiles(ctx context.Context, f *finder.Finder, at string) error {
	info, err := os.Stat(at)
	if err != nil {
		return err
	}
	dir := at
	if !info.IsDir() {
		dir = filepath.Dir(at)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return filepath.WalkDir(at, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return ctx.Err()
		}
		return findInFile(f, root, dir, name)
	})
}

func findInFile(f *finder.Finder, root *os.Root, dir, name string) error {
	inside, err := filepath.Rel(dir, name)
	if err != nil {
		return err
	}
	info, err := root.Stat(inside)
	if err != nil {
		return err
	}
	if info.Size() > maxFound {
		f.Fail(filepath.ToSlash(name), fmt.Errorf("it is not searched: %d bytes, the limit is %d", info.Size(), maxFound))
		return nil
	}
	src, err := root.ReadFile(inside)
	if err != nil || !f.Wants(src) {
		return err
	}
	return f.Add(filepath.ToSlash(name), "", src)
}

const maxFound = 16 << 20 // bytes of a file that is searched, as in a mirror

// foundFiles is the JSON answer.
type foundFiles struct {
	Places   []foundPlace   `json:"places"`
	Mentions []foundMention `json:"mentions"`
	Problems []foundProblem `json:"problems"`
}

type foundPlace struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Document int    `json:"document"` // counted from 0
	Path     string `json:"path"`
	Form     string `json:"form"`
	Tag      string `json:"tag,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Artifact string `json:"artifact,omitempty"` // with --artifacts
	Refused  string `json:"refused,omitempty"`  // why it cannot be written
}

type foundMention struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

type foundProblem struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

func placeOf(file string, h edit.Hit) foundPlace {
	p := foundPlace{File: file, Line: h.Line, Document: h.Document - 1, Path: h.Path, Form: string(h.Form), Tag: h.Tag, Digest: h.Digest}
	if why := h.Refused(); why != nil {
		p.Refused = why.Error()
	}
	return p
}

func foundAnswer(all []finder.Found) foundFiles {
	out := foundFiles{Places: []foundPlace{}, Mentions: []foundMention{}, Problems: []foundProblem{}}
	for _, f := range all {
		for _, h := range f.Hits {
			out.Places = append(out.Places, placeOf(f.File, h))
		}
		for _, m := range f.Mentions {
			out.Mentions = append(out.Mentions, foundMention{f.File, m.Line, m.Text})
		}
		if f.Problem != nil {
			out.Problems = append(out.Problems, foundProblem{f.File, f.Problem.Error()})
		}
	}
	return out
}

func namedAnswer(all []finder.Named) foundFiles {
	out := foundFiles{Places: []foundPlace{}, Mentions: []foundMention{}, Problems: []foundProblem{}}
	for _, f := range all {
		for _, n := range f.Names {
			p := placeOf(f.File, n.Hit)
			p.Artifact = n.Repository
			out.Places = append(out.Places, p)
		}
		if f.Problem != nil {
			out.Problems = append(out.Problems, foundProblem{f.File, f.Problem.Error()})
		}
	}
	return out
}

// version is what stands at a place.
func (p foundPlace) version() string {
	return cmp.Or(edit.Version{Tag: p.Tag, Digest: p.Digest}.String(), "-")
}

// quoted makes an expression an argument of a shell.
func quoted(expr string) string {
	if strings.ContainsAny(expr, " []|'\"\\$") {
		return "'" + strings.ReplaceAll(expr, "'", `'\''`) + "'"
	}
	return expr
}

func showFound(w io.Writer, f foundFiles) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range f.Places {
		fmt.Fprintf(t, "%s:%d\tdocument %d\t%s\t%s\n", prose.Plain(p.File), p.Line, p.Document, prose.Plain(quoted(p.Path)), prose.Plain(p.version()))
	}
	_ = t.Flush() // w says what is wrong, if anything is
	for _, m := range f.Mentions {
		fmt.Fprintf(w, "? %s:%d: not understood: %s\n", prose.Plain(m.File), m.Line, prose.Plain(m.Text))
	}
	for _, p := range f.Places {
		if p.Refused != "" {
			fmt.Fprintf(w, "! %s\n", prose.Plain(p.Refused))
		}
	}
	showProblems(w, f.Problems)
}

// showProblems names the file where the reason does not.
func showProblems(w io.Writer, all []foundProblem) {
	for _, p := range all {
		reason := p.Reason
		if !strings.HasPrefix(reason, p.File) {
			reason = p.File + ": " + reason
		}
		fmt.Fprintf(w, "! %s\n", prose.Plain(reason))
	}
}

func showNamed(w io.Writer, f foundFiles) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	slices.SortStableFunc(f.Places, func(a, b foundPlace) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	for _, p := range f.Places {
		fmt.Fprintf(t, "%s:%d\t%s\t%s\n", prose.Plain(p.File), p.Line, prose.Plain(p.Artifact), prose.Plain(p.version()))
	}
	_ = t.Flush() // w says what is wrong, if anything is
	showProblems(w, f.Problems)
}
