package gitops

import (
	"slices"
	"strings"
	"time"
)

// CommandWord is what a comment asks for.
type CommandWord string

// The words that comments can hold.
const (
	CommandHold      CommandWord = "hold"
	CommandUnhold    CommandWord = "unhold"
	CommandRebase    CommandWord = "rebase"
	CommandRetry     CommandWord = "retry"
	CommandPin       CommandWord = "pin"
	CommandUnpin     CommandWord = "unpin"
	CommandEmergency CommandWord = "emergency"
)

// Bounds of what is read of one comment.
const (
	maxCommands    = 10
	maxCommandLine = 500
	maxComment     = 64 << 10
)

// Command is one line of a comment that asks the bot for something.
type Command struct {
	Word CommandWord `json:"word" yaml:"word"`
	// Version and Until are those of a pin, Name and Incident those of an
	// emergency, Reason that of a hold.
	Version  string    `json:"version,omitempty" yaml:"version,omitempty"`
	Until    time.Time `json:"until,omitzero" yaml:"until,omitempty"`
	Name     string    `json:"name,omitempty" yaml:"name,omitempty"`
	Incident string    `json:"incident,omitempty" yaml:"incident,omitempty"`
	Reason   string    `json:"reason,omitempty" yaml:"reason,omitempty"`
	// Problem says why the line cannot be obeyed and how it is written.
	Problem string `json:"problem,omitempty" yaml:"problem,omitempty"`
}

// Narrows says that the command needs a right beyond that of commenting.
func (c Command) Narrows() bool { return c.Word != CommandHold && c.Word != CommandRebase }

// ParseCommands reads the commands of a comment: lines that begin with
// /hold, /unhold or /waveguide, outside of code and quotes. Other programs'
// commands are passed over; what follows /waveguide and is not understood is
// a command with a problem.
func ParseCommands(text string) []Command {
	if len(text) > maxComment {
		text = text[:maxComment]
	}
	var out []Command
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if mark := fenceOf(line); mark != "" && (fence == "" || strings.HasPrefix(mark, fence)) {
			if fence == "" {
				fence = mark
			} else {
				fence = ""
			}
			continue
		}
		if fence != "" || !strings.HasPrefix(line, "/") || len(line) > maxCommandLine || len(out) == maxCommands {
			continue
		}
		if c, ok := parseCommand(strings.Fields(line)); ok {
			out = append(out, c)
		}
	}
	return out
}

// fenceOf is the mark of a fenced block that the line begins or ends.
func fenceOf(line string) string {
	line = strings.TrimLeft(line, " ")
	for _, mark := range []string{"```", "~~~"} {
		if strings.HasPrefix(line, mark) {
			return mark
		}
	}
	return ""
}

func parseCommand(words []string) (Command, bool) {
	switch strings.ToLower(words[0]) {
	case "/hold":
		if len(words) == 2 && strings.EqualFold(words[1], "cancel") {
			return Command{Word: CommandUnhold}, true
		}
		return Command{Word: CommandHold, Reason: strings.Join(words[1:], " ")}, true
	case "/unhold":
		return Command{Word: CommandUnhold}, true
	case "/waveguide":
		if len(words) == 1 {
			return Command{Problem: "say what: " + commandWords}, true
		}
		return parseOwn(CommandWord(strings.ToLower(words[1])), words[2:]), true
	}
	return Command{}, false
}

const commandWords = "hold, unhold, rebase, retry, pin, unpin or emergency"

// parseOwn reads what follows /waveguide.
func parseOwn(word CommandWord, args []string) Command {
	c := Command{Word: word}
	switch word {
	case CommandHold:
		if len(args) == 1 && strings.EqualFold(args[0], "cancel") {
			return Command{Word: CommandUnhold}
		}
		c.Reason = strings.Join(args, " ")
	case CommandUnhold, CommandRebase, CommandRetry, CommandUnpin:
		if len(args) > 0 {
			c.Problem = "nothing follows /waveguide " + string(word)
		}
	case CommandPin:
		const form = "write /waveguide pin VERSION until 2026-11-21T08:00Z"
		var ok bool
		if len(args) != 3 || !strings.EqualFold(args[1], "until") {
			c.Problem = form
		} else if c.Until, ok = parseInstant(args[2]); !ok {
			c.Problem = "the time is not understood: " + form
		}
		if c.Problem == "" {
			c.Version = args[0]
		}
	case CommandEmergency:
		if len(args) != 2 || !plainName(args[0]) {
			c.Problem = "write /waveguide emergency NAME INCIDENT, with a name that the rules define"
			break
		}
		c.Name, c.Incident = args[0], args[1]
	default:
		return Command{Problem: "the word behind /waveguide is not known: use " + commandWords}
	}
	return c
}

func plainName(s string) bool {
	return len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// parseInstant reads RFC 3339, or the same without seconds; the offset is
// required.
func parseInstant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// answerMark begins the invisible line by which an answer is known again.
const answerMark = "<!-- waveguide:answer "

// AnswerText is the text of an answer to what the key names: an event of the
// forge, or anything else that must be said once.
func AnswerText(key, text string) string { return text + "\n\n" + answerLine(key) }

func answerLine(key string) string {
	return answerMark + strings.NewReplacer("-->", "", "\n", "", "--", "-").Replace(key) + " -->"
}

// Answers says whether a comment is an answer to that key.
func Answers(comment, key string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(comment, "\r", ""), "\n"), answerLine(key))
}

// Answered says whether one of the events is the answer of that account.
func Answered(events []Event, me, key string) bool {
	return slices.ContainsFunc(events, func(e Event) bool {
		return e.Kind == Commented && e.By.Name == me && Answers(e.Text, key)
	})
}
