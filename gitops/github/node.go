package github

import (
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// botEnding is what REST, and we, put behind the names of apps.
const botEnding = "[bot]"

// account is somebody as GraphQL names them; nil is an account that was deleted.
type account struct {
	Typename     string `json:"__typename"`
	Login        string `json:"login"`
	CombinedSlug string `json:"combinedSlug"`
	Slug         string `json:"slug"`
}

func (a *account) name() string {
	switch {
	case a == nil:
		return "ghost"
	case a.Typename == "Bot" && !strings.HasSuffix(a.Login, botEnding):
		return a.Login + botEnding
	}
	return a.Login
}

type (
	list[T any] struct {
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       string
		}
		Nodes []T
	}
	commit struct {
		OID               string
		Parents           list[commit]
		StatusCheckRollup *struct{ Contexts list[contextNode] }
	}
	named struct{ Name string }
)

// pull is a pull request as the fragment "proposal" asks for it.
type pull struct {
	ID, URL, Title, Body, State          string
	Number                               int
	CreatedAt, UpdatedAt, ClosedAt       time.Time
	IsCrossRepository, IsInMergeQueue    bool
	IsDraft                              bool
	Author, MergedBy                     *account
	MergeCommit                          *commit
	HeadRefName, HeadRefOID, BaseRefName string
	Labels                               list[named]
	ReviewRequests                       list[struct{ RequestedReviewer *account }]
	TimelineItems                        list[happening]
	Reviews                              list[reviewNode]
	Oldest, Newest                       list[struct{ Commit commit }]
}

// issueNode is an issue as the fragment "issue" asks for it.
type issueNode struct {
	Number            int
	URL, Title, State string
	CreatedAt         time.Time
	Author            *account
	Labels            list[named]
	TimelineItems     list[happening]
}

// happening is one item of a timeline.
type happening struct {
	Typename      string `json:"__typename"`
	ID            string
	CreatedAt     time.Time
	Actor, Author *account
	Label         named
	PreviousTitle string
	CurrentTitle  string
	Body          string
}

type reviewNode struct {
	State       string
	SubmittedAt time.Time
	Author      *account
	Commit      *commit
}

// contextNode is a check run or a commit status.
type contextNode struct {
	Typename   string `json:"__typename"`
	Name       string
	Status     string
	Conclusion string
	Title      string
	DetailsURL string `json:"detailsUrl"`
	CheckSuite struct {
		App *struct {
			Slug       string
			DatabaseID int64 `json:"databaseId"`
		}
	}
	Context     string
	State       string
	Description string
	TargetURL   string `json:"targetUrl"`
	Creator     *account
}

// kinds are the events that the vocabulary knows.
func (h happening) kind() (gitops.EventKind, bool) {
	switch h.Typename {
	case "LabeledEvent":
		return gitops.Labelled, true
	case "UnlabeledEvent":
		return gitops.Unlabelled, true
	case "ClosedEvent":
		return gitops.Ended, true
	case "ReopenedEvent":
		return gitops.Reopened, true
	case "RenamedTitleEvent":
		return gitops.Retitled, true
	case "IssueComment":
		return gitops.Commented, true
	case "HeadRefForcePushedEvent":
		return gitops.Pushed, true
	}
	return "", false
}

// who did it: comments have an author, events an actor.
func (h happening) who() *account {
	if h.Typename == "IssueComment" {
		return h.Author
	}
	return h.Actor
}

// check reads a context. Checks of others may be neutral or skipped, which
// counts as success here as it does on GitHub; ours never is.
func (n contextNode) check() gitops.Check {
	if n.Typename == "StatusContext" {
		state := gitops.CheckPending
		switch n.State {
		case "SUCCESS":
			state = gitops.CheckSuccess
		case "FAILURE", "ERROR":
			state = gitops.CheckFailure
		}
		return gitops.Check{Name: n.Context, State: state, Text: n.Description, Target: n.TargetURL, By: n.Creator.name()}
	}
	c := gitops.Check{Name: n.Name, State: gitops.CheckFailure, Text: n.Title, Target: n.DetailsURL}
	if app := n.CheckSuite.App; app != nil {
		c.By = app.Slug + botEnding
	}
	switch {
	case n.Status != "COMPLETED":
		c.State = gitops.CheckPending
	case n.Conclusion == "SUCCESS", c.Name != gitops.CheckName && (n.Conclusion == "NEUTRAL" || n.Conclusion == "SKIPPED"):
		c.State = gitops.CheckSuccess
	}
	return c
}
