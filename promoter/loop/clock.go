package loop

import "time"

// now is the time of this process: what people and servers wrote down is
// compared with it.
func (l *Loop) now() time.Time { return l.Now().UTC() }

// begin begins a look. A clock that was set back since the one before makes
// what was read look like the future, and turns hours away: everything is read
// and decided again, and no soak waits for its own past.
func (l *Loop) begin(now time.Time) {
	if now.Before(l.began) {
		l.Log.Warn("the clock was set back: everything is read again", "by", l.began.Sub(now).String())
		clear(l.read)
		clear(l.brakes)
		for source := range l.questions {
			l.soon(now, source)
		}
		l.schedule.set(sourceGit, now)
		l.schedule.set(sourceForge, now)
		l.judged, l.rejudge, l.kept = time.Time{}, time.Time{}, time.Time{}
		for _, k := range l.lanes {
			k.rewind(now)
		}
		l.queue.all()
	}
	l.began = now
}

// rewind takes back what a lane's soak clock saw in the future: it goes on from
// the next observation, with what counted so far.
func (k *lane) rewind(now time.Time) {
	if k.Streak.Last.After(now) {
		k.Streak.Last = time.Time{}
	}
	if k.Streak.Bad.After(now) {
		k.Streak.Bad = now
	}
	if k.Streak.Began.After(now) {
		k.Streak.Began = now
	}
	if k.Since.After(now) {
		k.Since = now
	}
}
