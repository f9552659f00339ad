package gitops

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Heard marks the comments whose commands are not those that were read first,
// and returns what is to be remembered: what was read first, by event. Seen are
// the events that were there before; of those that are not, what is read now
// was written so.
func Heard(events []Event, seen map[string]Permission, said map[string]string) ([]Event, map[string]string) {
	now := map[string]string{}
	out := slices.Clone(events)
	for i, e := range out {
		if e.Kind != Commented {
			continue
		}
		reads := wording(e.Text)
		first, ok := said[e.ID]
		if _, there := seen[e.ID]; !ok && !there {
			first = reads
		}
		if first != reads {
			out[i].Edited = true
		}
		if first != "" {
			now[e.ID] = first
		}
	}
	return out, now
}

// wording tells the commands of a comment apart from others; empty if it holds
// none.
func wording(text string) string {
	if !strings.Contains(text, "/") {
		return ""
	}
	commands := ParseCommands(text)
	if len(commands) == 0 {
		return ""
	}
	h := sha256.New()
	for _, c := range commands {
		for _, word := range []string{string(c.Word), c.Version, c.Until.Format(time.RFC3339), c.Name, c.Incident, c.Problem} {
			h.Write([]byte(strconv.Quote(word)))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// pinMark begins the key of an answer to a pin, which names its end too.
const pinMark = "pin "

// AnswerKey is the key under which a command that was obeyed is answered; a
// refusal has the command's own. That of a pin says how long it counts, so that
// the answer tells of it when the comment is gone.
func (g Given) AnswerKey() string {
	if g.Word == CommandPin {
		return pinMark + g.Until.UTC().Format(time.RFC3339) + " " + g.Key
	}
	return string(g.Word) + " " + g.Key
}

// LostPins are the pins that an account of ours answered on a proposal and that
// no comment asks for any more, because it was edited or deleted: nobody knows
// which version they name. Given are the commands that still stand.
func LostPins(id string, events []Event, me string, given []Given) []Given {
	var lost []Given
	for _, e := range events {
		if e.Kind != Commented || e.By.Name != me {
			continue
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(e.Text, "\r", ""), "\n") {
			key, ok := strings.CutPrefix(line, answerMark+pinMark)
			until, key, two := strings.Cut(strings.TrimSuffix(key, " -->"), " ")
			t, when := parseInstant(until)
			if !ok || !two || !when || slices.ContainsFunc(given, func(g Given) bool { return g.Word == CommandPin && SameKey(g.Key, key) }) {
				continue
			}
			lost = append(lost, Given{Command: Command{Word: CommandPin, Until: t}, ID: id, Key: key, By: e.By, At: e.At})
		}
	}
	return lost
}

// SameKey says whether a key is the one that an answer was written with.
func SameKey(key, written string) bool { return answerLine(key) == answerLine(written) }
