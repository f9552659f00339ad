package edit

import "github.com/waveguide-dev/waveguide/gitops/edit/splice"

// What a parsed file is made of, and what can be asked of it, stands in package splice.
type (
	// Target is one scalar of a file.
	Target = splice.Target
	// Write asks for one scalar to read a value.
	Write = splice.Write
	// Edit is one splice of a plan.
	Edit = splice.Edit
	// Plan is a set of edits with their proven result.
	Plan = splice.Plan
	// Refusal is the error of everything that is declined: the file was left alone.
	Refusal = splice.Refusal
)

// The reasons of a [Refusal], as package splice explains them. Match them with [errors.Is].
var (
	ErrNoMatch    = splice.ErrNoMatch
	ErrAmbiguous  = splice.ErrAmbiguous
	ErrDuplicate  = splice.ErrDuplicate
	ErrAlias      = splice.ErrAlias
	ErrAnchored   = splice.ErrAnchored
	ErrNotScalar  = splice.ErrNotScalar
	ErrBlock      = splice.ErrBlock
	ErrEncoding   = splice.ErrEncoding
	ErrSyntax     = splice.ErrSyntax
	ErrDirective  = splice.ErrDirective
	ErrRange      = splice.ErrRange
	ErrTemplate   = splice.ErrTemplate
	ErrTooLarge   = splice.ErrTooLarge
	ErrUnwritable = splice.ErrUnwritable
	ErrPinning    = splice.ErrPinning
	ErrStale      = splice.ErrStale
	ErrConflict   = splice.ErrConflict
	ErrSealed     = splice.ErrSealed
	ErrVerify     = splice.ErrVerify
	ErrPath       = splice.ErrPath
	ErrVersion    = splice.ErrVersion
)

// File is one parsed file. It never touches the disk.
type File struct{ *splice.File }

// Open parses a file of at most 5 MiB. Its name tells the format: JSON, HCL, environment variables, else YAML.
func Open(name string, src []byte) (*File, error) {
	f, err := splice.Open(name, src)
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// Known says whether the name is one of a file that people keep versions in. Scripts, pages and templates may mention an
// artifact too, and the locks of other tools name it, but nobody may write there.
func Known(name string) bool { return splice.Known(name) }

// ReadAs names the format that a file of this name is read as.
func ReadAs(name string) string { return splice.FormatOf(name).String() }

func refuse(reason error, line int, format string, args ...any) *Refusal {
	return splice.Refuse(reason, line, format, args...)
}
