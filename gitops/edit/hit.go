package edit

import (
	"strings"

	"github.com/waveguide-dev/waveguide/gitops/edit/path"
)

// Version is what a place is to name: one immutable build. At least one part must be there.
type Version struct {
	Tag    string
	Digest string // or the commit of something that is built from Git alone
}

// ParseVersion reads TAG, DIGEST or TAG@DIGEST. A commit counts as a tag; it goes where a commit stands.
func ParseVersion(s string) (Version, error) {
	v := Version{Tag: s}
	if tag, digest, ok := strings.Cut(s, "@"); ok {
		v = Version{Tag: tag, Digest: digest}
	} else if strings.Contains(s, ":") {
		v = Version{Digest: s}
	}
	return v, v.check()
}

// String gives TAG, DIGEST or TAG@DIGEST.
func (v Version) String() string {
	if v.Tag == "" {
		return v.Digest
	}
	return join(v.Tag, v.Digest, false)
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
	FormRef           Form = "ref"           // the ref of a Flux source: tag, digest or commit
	FormRevision      Form = "revision"      // the targetRevision of an Application: a tag, a digest or a commit
	FormChart         Form = "chart"         // the version of a chart or module, beside its name
	FormSource        Form = "source"        // the version in the query of an address: ...?ref=v1
	FormField         Form = "field"         // one scalar that is a tag, a digest or tag@digest, named by its path or a marker
)

// pins says whether there is a way to write a digest at a place of this form that has none.
func (h *Hit) pins() bool {
	switch h.Form {
	case FormChart, FormSource:
		return false
	case FormRevision, FormRef:
		return h.oci
	case FormReference, FormKustomization, FormValues, FormField:
	}
	return true
}

// Hit is one place that names the version of an artifact.
type Hit struct {
	Form        Form
	Tag, Digest string // what it names; empty when that part is not there
	Document    int
	Line        int
	Path        string

	whole  *Target // what one scalar holds together
	tag    *Target // the tag's scalar, which may hold tag@digest
	digest *Target // the digest's scalar, which may be empty
	fault  error   // why it cannot be written
	doubt  error   // why it may be of another artifact; a path ends the doubt
	file   *File

	pathOfDigest string // of a digest that would be added
	bare         bool   // the digest stands without its algorithm
	oci          bool   // an OCI address: the revision may be a digest
	part         string // of a marker: tag or digest alone
}

// Mention is a line that names the artifact in a way that is not understood: a comment, a script, a template.
type Mention struct {
	Line int
	Text string
}

// Writes gives what to write for this place to name the version, in the form that is there. It never leaves a tag alone
// where a digest was in force. A form without room for a digest, such as a chart's version, takes the tag.
func (h *Hit) Writes(to Version, how Pin) ([]Write, error) {
	if err := h.Refused(); err != nil {
		return nil, err
	}
	if to.Digest == "" && isCommit(to.Tag) && isCommit(h.Digest) {
		to = Version{Digest: to.Tag}
	}
	if err := h.takes(to); err != nil {
		return nil, h.refused(err)
	}
	tag, digest, err := h.wanted(to, how)
	if err != nil {
		return nil, h.refused(err)
	}
	if h.whole != nil {
		text, err := h.spell(tag, digest)
		if err != nil {
			return nil, h.refused(err)
		}
		return []Write{{Target: *h.whole, Value: text}}, nil
	}
	return h.fields(tag, digest)
}

// Refused says why nothing can be written here, whatever the version; nil if something can.
func (h *Hit) Refused() error {
	switch {
	case h.fault != nil:
		return h.refused(h.fault)
	case h.doubt != nil:
		return h.refused(h.doubt)
	}
	return nil
}

// takes refuses a version that is none for the form.
func (h *Hit) takes(to Version) error {
	if err := to.check(); err != nil {
		return err
	}
	switch {
	case h.Form == FormChart:
		if to.Tag != "" && !reSemver.MatchString(to.Tag) {
			return refuse(ErrVersion, h.Line, "%.140q is not the version of a chart or module", to.Tag)
		}
	case h.Form != FormSource && h.Form != FormRevision && h.Form != FormRef:
		if to.Tag != "" && !reTag.MatchString(to.Tag) {
			return refuse(ErrVersion, h.Line, "%.140q is not a tag", to.Tag)
		}
		if isCommit(to.Digest) && h.Form != FormField {
			return refuse(ErrVersion, h.Line, "a commit was given, and a digest stands there")
		}
	}
	if h.Digest != "" && to.Digest != "" && isCommit(h.Digest) != isCommit(to.Digest) {
		return refuse(ErrVersion, h.Line, "one of %.80q and %.80q is a digest and the other a commit", h.Digest, to.Digest)
	}
	return nil
}

// wanted are the parts that shall stand there.
func (h *Hit) wanted(to Version, how Pin) (tag, digest string, err error) {
	digest = to.Digest
	switch h.part {
	case "tag":
		digest = ""
	case "digest":
		to.Tag = ""
	}
	switch {
	case h.Digest != "" && digest == "":
		r := refuse(ErrPinning, h.Line, "the digest %.19s... is in force, and only the tag %q was asked for", h.Digest, to.Tag)
		r.Hint = "give the digest as well: writing the tag alone would drop the pin or contradict it"
		return "", "", r
	case h.Digest == "" && digest != "" && !h.pins():
		digest = ""
		if to.Tag == "" {
			return "", "", refuse(ErrPinning, h.Line, "a tag stands there, which has no room for the digest, and no tag was given")
		}
	case h.Digest == "" && digest != "" && how != AddDigest && h.part != "digest":
		if h.Tag == "" {
			return "", "", refuse(ErrPinning, h.Line, "nothing stands there, so it is not known to take a digest")
		}
		return "", "", refuse(ErrPinning, h.Line, "only the tag %q stands there, and there is no place for the digest", h.Tag)
	}
	tag = h.Tag
	if tag != "" && to.Tag != "" || tag == "" && digest == "" {
		tag = to.Tag
	}
	return tag, digest, nil
}

// fields gives the writes of a place whose tag and digest are fields of their own.
func (h *Hit) fields(tag, digest string) (ws []Write, err error) {
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
		if h.bare {
			bare, ok := strings.CutPrefix(digest, "sha256:")
			if !ok {
				return nil, h.refused(refuse(ErrVersion, h.Line, "only a sha256 digest can stand there"))
			}
			digest = bare
		}
		ws = append(ws, Write{Target: *h.digest, Value: digest})
	case h.tag.Lone:
		return nil, h.refused(refuse(ErrPinning, h.Line, "only the tag %q stands there, in an item of its own", h.Tag))
	default:
		t := *h.tag
		t.Path = h.pathOfDigest
		ws = append(ws, Write{Target: t, Value: digest, Key: h.digestKey()})
	}
	return ws, nil
}

// digestKey is the key of a digest that is added.
func (h *Hit) digestKey() string {
	steps, err := path.Parse(h.pathOfDigest)
	if err != nil || len(steps) == 0 {
		return "digest"
	}
	return steps[len(steps)-1].Key
}

// spell gives the new text of a place that is one scalar.
func (h *Hit) spell(tag, digest string) (string, error) {
	text := strings.TrimRight(h.whole.Value, "\n")
	switch {
	case h.Form == FormSource:
		a, _ := parseSource(text)
		v := tag
		if h.Digest != "" {
			v = digest
		}
		return a.before + v + a.after, nil
	case h.Form == FormRevision && digest != "":
		return digest, nil
	case h.Form == FormField && tag == "":
		return digest, nil
	case h.Form == FormField, h.Form == FormRevision:
		return join(tag, digest, false), nil
	}
	r := parseReference(text)
	r.tag, r.digest = tag, digest
	return r.String(), nil
}

func (h *Hit) refused(err error) error { return h.file.In(err, h.Path) }

func (v Version) check() error {
	switch {
	case v.Tag == "" && v.Digest == "":
		return refuse(ErrVersion, 0, "neither a tag nor a digest was given")
	case v.Tag != "" && !reRef.MatchString(v.Tag):
		return refuse(ErrVersion, 0, "%.140q is not a tag", v.Tag)
	case v.Digest != "" && !isDigest(v.Digest) && !isCommit(v.Digest):
		return refuse(ErrVersion, 0, "%.140q is neither a digest nor a commit", v.Digest)
	}
	return nil
}
