package edit

import "github.com/waveguide-dev/waveguide/gitops/edit/splice"

// Finder finds the places of one artifact in the files of a tree. It searches bytes first and remembers by blob: a blob
// never changes, so one that was searched is not read again. It is not safe for use from several goroutines.
type Finder struct {
	request Request
	silent  map[string]struct{}
	found   map[string]Found
}

// Found is what one file holds of an artifact.
type Found struct {
	Hits     []Hit
	Mentions []Mention
	Problem  error // why a file that mentions the artifact could not be read
}

const maxBlobs = 1 << 20 // remembered; more are searched again

// NewFinder makes a finder for the artifact that the request names.
func NewFinder(r Request) *Finder {
	return &Finder{request: r, silent: map[string]struct{}{}, found: map[string]Found{}}
}

// File searches one file. Read is called only for a blob that was not seen; an empty blob id is never remembered.
func (f *Finder) File(name, blob string, read func() ([]byte, error)) (Found, error) {
	key := blob + "/" + splice.FormatOf(name).String()
	if blob != "" {
		if _, ok := f.silent[blob]; ok {
			return Found{}, nil
		}
		if found, ok := f.found[key]; ok {
			return found, nil
		}
	}
	src, err := read()
	if err != nil {
		return Found{}, err
	}
	if !Names(src, f.request) {
		if blob != "" && len(f.silent) < maxBlobs {
			f.silent[blob] = struct{}{}
		}
		return Found{}, nil
	}
	var found Found
	file, err := Open(name, src)
	if err == nil {
		found.Hits, found.Mentions, err = file.Places(f.request)
	}
	found.Problem = err
	if blob != "" && len(f.found) < maxBlobs {
		f.found[key] = found
	}
	return found, nil
}
