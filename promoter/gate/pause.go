package gate

// Pause asks whether nobody has paused this lane, by an issue, by the rules or
// by the kill switch. It has no settings.
//
//	an open issue labelled waveguide/pause, titled "env:prod-* until:2026-11-21T08:00Z"
//
// It blocks while a pause covers the lane; what cannot be read counts as a
// pause.
type Pause struct{}

// Check implements [Gate].
func (Pause) Check(c Case) Verdict {
	if c.PausesUnread != "" {
		return wait("", never, "pauses could not be read, which counts as one: %s", c.PausesUnread)
	}
	for _, p := range c.Pauses {
		if !p.Covers(c.Lane, c.Promotion+"/"+c.Wave, c.Now) {
			continue
		}
		v := block("whoever paused", "paused by %s%s; end it there to resume", orElse(p.ID, "the rules"), because(p.Title))
		if p.By.Name != "" {
			v = block(p.By.Name, "paused by %s%s with %s; close it to resume", p.By.Name, since(p.Since), orElse(p.ID, "no name"))
		}
		if len(p.Unread) > 0 {
			v.Reason += "; everything is paused because " + p.Unread[0] + " was not understood"
		}
		if !p.Until.IsZero() {
			v.Until = p.Until
			v.Reason += "; it ends at " + stamp(p.Until)
		}
		return v
	}
	return pass("nothing pauses %s", c.Lane)
}
