package loop

import (
	"bytes"
	"context"
	"maps"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter"
)

// Sources says where charts come from.
type Sources interface {
	// Sources are the addresses of the Flux sources that any file of a commit
	// defines, by kind and name; one that two files define differently has none.
	Sources(ctx context.Context, at gitops.Commit) (map[string]string, error)
}

// request is what leads to the places of an artifact in the files of a stop,
// with the sources that its charts may come from.
func (l *Loop) request(image string, s promoter.Stop) edit.Request {
	r := Request(image, s)
	r.Sources = l.sources
	return r
}

// lookSources reads the sources once a lane has a chart of one, and says
// whether they are others than before. What cannot be read is unknown, and
// charts of unknown sources are refused.
func (l *Loop) lookSources(ctx context.Context, at gitops.Commit) bool {
	if l.Sources == nil || !l.charts {
		return false
	}
	now, err := l.Sources.Sources(ctx, at)
	if err != nil && ctx.Err() == nil {
		l.Log.WarnContext(ctx, "sources of charts", "commit", string(at), "error", err)
	}
	old := l.sources
	l.sources = now
	return !maps.Equal(old, now)
}

// Sourced says whether a file names a chart by a source that another file may
// define.
func Sourced(files map[string][]byte) bool {
	for _, src := range files {
		if bytes.Contains(src, []byte("sourceRef")) {
			return true
		}
	}
	return false
}
