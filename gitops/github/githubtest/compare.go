package githubtest

import (
	"net/http"
	"strings"
)

// compare tells the commits after one revision up to another, with the account
// of each author if there is one.
func (c *call) compare() reply {
	base, head, found := strings.Cut(c.r.PathValue("basehead"), "...")
	if !found {
		return missing()
	}
	out, err := c.git.run("", "log", "--reverse", "--format=%H %cn", base+".."+head)
	if err != nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var commits []any
	for line := range strings.Lines(out) {
		sha, who, _ := strings.Cut(strings.TrimSpace(line), " ")
		one := c.commit(sha)
		if c.state.users[who] != nil {
			one["author"] = c.user(who)
		}
		commits = append(commits, one)
	}
	o := object{
		"base_commit": c.commit(base), "merge_base_commit": c.commit(base), "status": "ahead",
		"ahead_by": len(commits), "behind_by": 0, "total_commits": len(commits), "commits": orEmpty(commits), "files": []any{},
	}
	return ok(c.urls(o, "url", "html_url", "permalink_url", "diff_url", "patch_url"))
}
