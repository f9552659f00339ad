package splice

import (
	"errors"
	"fmt"
)

// The reasons of a [Refusal]. Match them with [errors.Is].
var (
	// ErrNoMatch says that nothing in the file answers to the path or repository.
	ErrNoMatch = errors.New("no match")
	// ErrAmbiguous says that several places answer where one was asked for.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrDuplicate says that a key on the way stands twice, so that only one of two places is in force.
	ErrDuplicate = errors.New("duplicate key")
	// ErrAlias says that the way leads through an alias or a merge key to text that stands elsewhere.
	ErrAlias = errors.New("reached through an alias")
	// ErrAnchored says that the value has an anchor which other places use.
	ErrAnchored = errors.New("anchored value")
	// ErrNotScalar says that the path leads to a mapping or sequence.
	ErrNotScalar = errors.New("not a scalar")
	// ErrBlock says that a block scalar is not the single line of text that could be replaced.
	ErrBlock = errors.New("block scalar")
	// ErrEncoding says that the file or value is not UTF-8 text.
	ErrEncoding = errors.New("not UTF-8 text")
	// ErrSyntax says that the file is not of the format that its name promises. YAML is read by the parser that kubectl,
	// kustomize and Helm use too.
	ErrSyntax = errors.New("not readable")
	// ErrDirective says that the file begins with %YAML 1.2, which the parser of kubectl, kustomize and Helm does not read.
	ErrDirective = errors.New("YAML directive")
	// ErrRange says that a range of versions, a branch or another name that moves stands there: a policy, not a version.
	ErrRange = errors.New("version range")
	// ErrTemplate says that the file or value is a template, filled in by another program.
	ErrTemplate = errors.New("template")
	// ErrTooLarge says that a limit on size, depth or count was passed.
	ErrTooLarge = errors.New("too large")
	// ErrUnwritable says that the exact bytes of the value could not be told, or that it has no form we may change.
	ErrUnwritable = errors.New("unwritable")
	// ErrPinning says that the write would drop a pin, or would need one that is not there.
	ErrPinning = errors.New("pinning")
	// ErrStale says that the current value is none of those expected.
	ErrStale = errors.New("stale")
	// ErrConflict says that two writes want different text at one place.
	ErrConflict = errors.New("conflicting writes")
	// ErrSealed says that the file carries a SOPS message authentication code, which an edit would break.
	ErrSealed = errors.New("sealed by SOPS")
	// ErrVerify says that the proof failed; no bytes are handed out.
	ErrVerify = errors.New("proof failed")
	// ErrPath says that the path expression cannot be read.
	ErrPath = errors.New("path expression")
	// ErrVersion says that the repository, tag or digest asked for is not one.
	ErrVersion = errors.New("version")
)

// Refusal is the error of everything this package declines to do. It is a normal result: the file was left alone.
type Refusal struct {
	File   string // as given to Open
	Line   int    // 1-based; 0 when no line is to blame
	Path   string // of the value, when known
	Reason error  // one of the Err values of this package
	Detail string // what stands there
	Hint   string // what to try
}

// Error gives file, line, path and detail in one line, without the hint.
func (r *Refusal) Error() string {
	at := r.File
	if r.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, r.Line)
	}
	if r.Path != "" {
		at += ": " + r.Path
	}
	if at != "" {
		at += ": "
	}
	if r.Detail == "" {
		return at + r.Reason.Error()
	}
	return at + r.Reason.Error() + ": " + r.Detail
}

// Unwrap gives the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// Refuse makes a refusal that does not know its file yet.
func Refuse(reason error, line int, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Line: line, Detail: fmt.Sprintf(format, args...)}
}

// In completes a refusal on its way out: file, path and hint where they are missing.
func (f *File) In(err error, path string) error {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		return err
	}
	out := *r
	out.File = f.Name
	if out.Path == "" {
		out.Path = path
	}
	if out.Hint == "" {
		out.Hint = hint(out.Reason)
	}
	return &out
}

func hint(reason error) string {
	is := func(r error) bool { return errors.Is(reason, r) }
	switch {
	case is(ErrNoMatch):
		return "check the repository name or the path against the file"
	case is(ErrAmbiguous):
		return "name one place: add a selector such as [name=app] or [kind=Deployment,metadata.name=web], or a document number"
	case is(ErrDuplicate):
		return "remove one of the two keys"
	case is(ErrAlias):
		return "name the place where the text stands, at the anchor"
	case is(ErrAnchored):
		return "write the value out at the places that use the anchor"
	case is(ErrNotScalar):
		return "lengthen the path to one value"
	case is(ErrBlock):
		return "write the value on one line, or use '| ' in the path to go into embedded YAML"
	case is(ErrEncoding):
		return "store the file as UTF-8 without NUL bytes"
	case is(ErrSyntax):
		return "correct the file; its consumers refuse it as well"
	case is(ErrDirective):
		return "drop the %YAML 1.2 line or write 1.1: kubectl, kustomize and Helm refuse it as well"
	case is(ErrRange):
		return "write the one version that runs by hand once; a range or branch is the policy of another tool"
	case is(ErrTemplate):
		return "promote the values that fill the template in"
	case is(ErrTooLarge):
		return "split the file"
	case is(ErrUnwritable):
		return "write the value as plain or quoted text on one line"
	case is(ErrPinning):
		return "pin it once by hand or ask for adding the digest"
	case is(ErrStale), is(ErrConflict):
		return "read the file again and plan anew"
	case is(ErrSealed):
		return "move the image to a file that SOPS does not seal, or set mac_only_encrypted and edit with sops"
	case is(ErrPath):
		return "for example: spec.template.spec.containers[name=app].image"
	case is(ErrVersion):
		return "give a repository such as registry.example.com/shop/app, a tag such as 1.2.3 and a digest such as sha256:<64 hex digits>"
	}
	return "please report this file: it should not happen"
}
