package gitops

// LabelReport marks the issues that the bot opens to ask people for something.
const LabelReport = "waveguide/report"

// Report is an issue that the bot opens once, whatever becomes of it: a change
// that came past a proposal, a review that is due.
type Report struct {
	// Key names what it is about: there is one issue of a key.
	Key   string `json:"key"`
	Title string `json:"title"`
	Body  string `json:"body"`
	// Labels are put on it beside [LabelReport].
	Labels []string `json:"labels,omitempty"`
}

// Marks are all labels of the issue.
func (r Report) Marks() []string { return append([]string{LabelReport}, r.Labels...) }

// Text is the body, with an invisible last line by which it is found
// again. It fits into so many characters; zero is no limit.
func (r Report) Text(most int) string { return CutBody(AnswerText(r.Key, r.Body), most) }

// Is says whether an issue with that body is this one; whoever asks has made
// sure that it is by the bot.
func (r Report) Is(body string) bool { return Answers(body, r.Key) }
