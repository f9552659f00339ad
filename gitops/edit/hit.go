package edit

import (
	"strings"
)

// Version is what a place is to name: one immutable build. At least one part must be there.
type Version struct {
	Tag    string
	Digest string
}

// Pin says what to do where only a tag stands and a digest is to be written.
type Pin int

const (
	// KeepForm writes the parts that stand there; a tag alone is refused when a digest is asked for.
	KeepForm Pin = iota
	// AddDigest adds the digest: to the end of the scalar of a reference, as one line to a kustomization or Helm values.
	AddDigest
)

// Form is the shape in which a place names its version.
type Form string

// The forms.
const (
	FormReference     Form = "reference"     // one scalar, repo[:tag][@digest]
	FormKustomization Form = "kustomization" // an entry of images, newTag and digest
	FormValues        Form = "values"        // repository, tag and digest beside one another, as in Helm values
	FormField         Form = "field"         // one scalar that is a tag, a digest or tag@digest, named by its path
)

// Hit is one place that names the version of an artifact.
type Hit struct {
	Form        Form
	Tag, Digest string // what it names; empty when that part is not there
	Document    int
	Line        int
	Path        string

	whole     *Target // reference and field
	tag       *Target // kustomization and values: the tag's scalar, which may hold tag@digest
	digest    *Target // the digest's scalar, which may be empty
	fault     error   // why it cannot be written
	file      *File
	pathOfDig string
}

// Mention is a line that names the artifact in a way that is not understood: a comment, a script, a template.
type Mention struct {
	Line int
	Text string
}

// Writes gives what to write for this place to name the version, in the form that is there. It never leaves a tag alone
// where a digest was in force.
func (h Hit) Writes(to Version, how Pin) ([]Write, error) {
	if h.fault != nil {
		return nil, h.fault
	}
	if err := to.check(); err != nil {
		return nil, h.refused(err)
	}
	switch {
	case h.Digest != "" && to.Digest == "":
		r := refuse(ErrPinning, h.Line, "the digest %.19s... is in force, and only the tag %q was asked for", h.Digest, to.Tag)
		r.Hint = "give the digest as well: writing the tag alone would drop the pin or contradict it"
		return nil, h.refused(r)
	case h.Digest == "" && to.Digest != "" && how != AddDigest:
		if h.Tag == "" {
			return nil, h.refused(refuse(ErrPinning, h.Line, "nothing stands there, so it is not known to take a digest"))
		}
		return nil, h.refused(refuse(ErrPinning, h.Line, "only the tag %q stands there, and there is no place for the digest", h.Tag))
	}
	tag, digest := h.Tag, to.Digest
	if tag != "" && to.Tag != "" || tag == "" && digest == "" {
		tag = to.Tag
	}
	if h.whole != nil {
		return []Write{{Target: *h.whole, Value: h.spell(tag, digest)}}, nil
	}
	var ws []Write
	inTag := h.tag != nil && strings.Contains(h.tag.Value, "@")
	if h.tag != nil && h.tag.Value != "" {
		v := tag
		if inTag {
			v = join(tag, digest, false)
		}
		ws = append(ws, Write{Target: *h.tag, Value: v})
	}
	switch {
	case digest == "" || inTag && (h.digest == nil || h.digest.Value == ""):
	case h.digest != nil:
		ws = append(ws, Write{Target: *h.digest, Value: digest})
	default:
		t := *h.tag
		t.Path = h.pathOfDig
		ws = append(ws, Write{Target: t, Value: digest, key: "digest"})
	}
	return ws, nil
}

// spell gives the new text of a place that is one scalar.
func (h Hit) spell(tag, digest string) string {
	if h.Form == FormField {
		if tag == "" {
			return digest
		}
		return join(tag, digest, false)
	}
	r := parseReference(strings.TrimRight(h.whole.Value, "\n"))
	r.tag, r.digest = tag, digest
	return r.String()
}

func (h Hit) refused(err error) error { return h.file.in(err, h.Path) }

func (v Version) check() error {
	switch {
	case v.Tag == "" && v.Digest == "":
		return refuse(ErrVersion, 0, "neither a tag nor a digest was given")
	case v.Tag != "" && !reTag.MatchString(v.Tag):
		return refuse(ErrVersion, 0, "%.140q is not a tag", v.Tag)
	case v.Digest != "" && !reDigest.MatchString(v.Digest):
		return refuse(ErrVersion, 0, "%.140q is not a digest", v.Digest)
	}
	return nil
}
