package kubernetes

import (
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// Repository is an image's repository, written out in full.
func Repository(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	host, rest, ok := strings.Cut(name, "/")
	switch {
	case name == "":
		return ""
	case !ok || !strings.ContainsAny(host, ".:") && host != "localhost":
		host, rest = "docker.io", name
	case host == "index.docker.io":
		host = "docker.io"
	}
	if host == "docker.io" && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	return host + "/" + rest
}

// Digest is the digest that a reference ends in. The bare digest that some
// nodes report is that of the image's configuration, which is no version.
func Digest(reference string) signals.Digest {
	_, after, ok := strings.Cut(reference, "@")
	if !ok {
		return ""
	}
	d, err := signals.ParseDigest(after)
	if err != nil {
		return ""
	}
	return d
}
