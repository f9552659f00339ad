package loop

import "time"

// gist is what a failure is called, and since when.
type gist struct {
	text string
	at   time.Time
}

// The bounds of what failures are called: for how long the same, and how many.
const (
	gistFor  = 10 * time.Minute
	maxGists = 10_000
)

// gist is the text of a failure of something. A server that words the same
// failure in another way each time, with the number of the request for example,
// is quoted anew only after a while: the text stands on proposals.
func (l *Loop) gist(of string, err error) string {
	now := l.now()
	if g, ok := l.gists[of]; ok && now.Before(g.at.Add(gistFor)) {
		return g.text
	}
	if l.gists == nil || len(l.gists) >= maxGists {
		l.gists = map[string]gist{}
	}
	l.gists[of] = gist{err.Error(), now}
	return l.gists[of].text
}
