package gitea

import "time"

// The parts of Gitea's answers that matter here.
type (
	user struct {
		Login string `json:"login"`
	}
	label struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	end struct {
		Label  string `json:"label"`
		Ref    string `json:"ref"`
		SHA    string `json:"sha"`
		RepoID int64  `json:"repo_id"`
	}
	team struct {
		ID           int64  `json:"id"`
		Name         string `json:"name"`
		Organization *user  `json:"organization"`
	}
	pull struct {
		Number             int64      `json:"number"`
		User               *user      `json:"user"`
		Title              string     `json:"title"`
		Body               string     `json:"body"`
		Labels             []label    `json:"labels"`
		Assignees          []user     `json:"assignees"`
		RequestedReviewers []user     `json:"requested_reviewers"`
		RequestedTeams     []team     `json:"requested_reviewers_teams"`
		State              string     `json:"state"`
		Comments           int        `json:"comments"`
		ReviewComments     int        `json:"review_comments"`
		HTMLURL            string     `json:"html_url"`
		Merged             bool       `json:"merged"`
		MergedAt           *time.Time `json:"merged_at"`
		MergeCommit        string     `json:"merge_commit_sha"`
		MergedBy           *user      `json:"merged_by"`
		MergeBase          string     `json:"merge_base"`
		Head               end        `json:"head"`
		Base               end        `json:"base"`
		CreatedAt          time.Time  `json:"created_at"`
		UpdatedAt          time.Time  `json:"updated_at"`
		ClosedAt           *time.Time `json:"closed_at"`
	}
	issue struct {
		Number      int64     `json:"number"`
		User        *user     `json:"user"`
		Title       string    `json:"title"`
		Labels      []label   `json:"labels"`
		Assignees   []user    `json:"assignees"`
		State       string    `json:"state"`
		Comments    int       `json:"comments"`
		HTMLURL     string    `json:"html_url"`
		PullRequest *struct{} `json:"pull_request"`
		CreatedAt   time.Time `json:"created_at"`
		UpdatedAt   time.Time `json:"updated_at"`
	}
	// happening is one line of a timeline.
	happening struct {
		ID        int64     `json:"id"`
		Type      string    `json:"type"`
		User      *user     `json:"user"`
		Body      string    `json:"body"`
		OldTitle  string    `json:"old_title"`
		NewTitle  string    `json:"new_title"`
		Label     *label    `json:"label"`
		CreatedAt time.Time `json:"created_at"`
	}
	comment struct {
		ID        int64     `json:"id"`
		User      *user     `json:"user"`
		Body      string    `json:"body"`
		CreatedAt time.Time `json:"created_at"`
	}
	review struct {
		ID          int64     `json:"id"`
		User        *user     `json:"user"`
		State       string    `json:"state"`
		CommitID    string    `json:"commit_id"`
		Dismissed   bool      `json:"dismissed"`
		SubmittedAt time.Time `json:"submitted_at"`
	}
	status struct {
		Context     string `json:"context"`
		Status      string `json:"status"`
		Description string `json:"description"`
		TargetURL   string `json:"target_url"`
		Creator     *user  `json:"creator"`
	}
	combined struct {
		Statuses   []status `json:"statuses"`
		TotalCount int      `json:"total_count"`
	}
	permission struct {
		Permission string `json:"permission"`
	}
	repository struct {
		Permissions struct {
			Admin bool `json:"admin"`
			Push  bool `json:"push"`
			Pull  bool `json:"pull"`
		} `json:"permissions"`
		HasIssues         bool   `json:"has_issues"`
		AllowMerge        bool   `json:"allow_merge_commits"`
		AllowRebase       bool   `json:"allow_rebase"`
		AllowRebaseMerge  bool   `json:"allow_rebase_explicit"`
		AllowSquash       bool   `json:"allow_squash_merge"`
		AllowFastForward  bool   `json:"allow_fast_forward_only_merge"`
		DefaultMergeStyle string `json:"default_merge_style"`
		HTMLURL           string `json:"html_url"`
	}
	branch struct {
		Protected           bool     `json:"protected"`
		RequiredApprovals   int      `json:"required_approvals"`
		EnableStatusCheck   bool     `json:"enable_status_check"`
		StatusCheckContexts []string `json:"status_check_contexts"`
		UserCanPush         bool     `json:"user_can_push"`
		UserCanMerge        bool     `json:"user_can_merge"`
		RuleName            string   `json:"effective_branch_protection_name"`
	}
	protection struct {
		EnablePush           bool     `json:"enable_push"`
		EnablePushWhitelist  bool     `json:"enable_push_whitelist"`
		PushUsers            []string `json:"push_whitelist_usernames"`
		PushTeams            []string `json:"push_whitelist_teams"`
		PushDeployKeys       bool     `json:"push_whitelist_deploy_keys"`
		EnableForcePush      bool     `json:"enable_force_push"`
		DismissStale         bool     `json:"dismiss_stale_approvals"`
		IgnoreStale          bool     `json:"ignore_stale_approvals"`
		BlockOnReviewRequest bool     `json:"block_on_official_review_requests"`
		BlockAdminOverride   bool     `json:"block_admin_merge_override"`
		UnprotectedFiles     string   `json:"unprotected_file_patterns"`
	}
)

func (u *user) name() string {
	if u == nil {
		return ""
	}
	return u.Login
}
