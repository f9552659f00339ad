// Package node is how GitHub's GraphQL names pull requests, issues and what
// happened to them, and how that reads in the words of package gitops. It does
// no I/O. What is asked for is in package query; a field that is asked for anew
// gets its place in node.go and its meaning in read.go.
package node

import "time"

// Account is somebody; nil is an account that was deleted.
type Account struct {
	Typename     string `json:"__typename"`
	Login        string
	CombinedSlug string // of a team
	Slug         string // of an app
}

// List is one page of a connection.
type List[T any] struct {
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       string
	}
	Nodes []T
}

// Commit is a commit with its checks.
type Commit struct {
	OID               string
	Parents           List[Commit]
	StatusCheckRollup *struct{ Contexts List[Context] }
}

// Named is what has a name, such as a label.
type Named struct{ Name string }

// Pull is a pull request as the fragment "proposal" asks for it.
type Pull struct {
	ID, URL, Title, Body, State          string
	Number                               int
	CreatedAt, UpdatedAt, ClosedAt       time.Time
	IsCrossRepository, IsInMergeQueue    bool
	IsDraft                              bool
	Author, MergedBy                     *Account
	MergeCommit                          *Commit
	HeadRefName, HeadRefOID, BaseRefName string
	Labels                               List[Named]
	ReviewRequests                       List[struct{ RequestedReviewer *Account }]
	TimelineItems                        List[Item]
	Reviews                              List[Review]
	Oldest, Newest                       List[struct{ Commit Commit }]
}

// Issue is an issue as the fragment "issue" asks for it.
type Issue struct {
	Number            int
	URL, Title, State string
	CreatedAt         time.Time
	Author            *Account
	Labels            List[Named]
	TimelineItems     List[Item]
}

// Item is one item of a timeline.
type Item struct {
	Typename      string `json:"__typename"`
	ID            string
	CreatedAt     time.Time
	Actor, Author *Account
	Label         Named
	PreviousTitle string
	CurrentTitle  string
	Body          string
}

// Review is what somebody said about a pull request.
type Review struct {
	State       string
	SubmittedAt time.Time
	Author      *Account
	Commit      *Commit
}

// Context is a check run or a commit status.
type Context struct {
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
	Creator     *Account
}
