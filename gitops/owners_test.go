package gitops_test

import (
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	const github = "# who\n* @all\n/envs/prod/ @acme/sre ops@example.com\nenvs/dev/* @dev\n*.tf @infra # comment\n/envs/prod/free/\ndocs/**/x.md @docs\nwith\\ blank @blank\nREADME @read\n"
	const gitlab = "* @all\n[Prod] @acme/sre\n/envs/prod/\n/envs/prod/web/ @web\n^[Optional][2]\n*.tf @infra\n"
	const gitea = "envs/prod/.* @acme/sre\n.*\\.yaml @yaml\n!envs/.* @outside\n[ @broken\n"
	for _, c := range []struct{ kind, text, path, want string }{
		{"github", github, "x", "@all"},
		{"github", github, "envs/prod/a/b.yaml", "@acme/sre ops@example.com"},
		{"github", github, "envs/production/b.yaml", "@all"},
		{"github", github, "other/envs/prod/b.yaml", "@all"},
		{"github", github, "envs/dev/a.yaml", "@dev"},
		{"github", github, "envs/dev/a/b.yaml", "@all"},
		{"github", github, "envs/prod/main.tf", "@infra"},
		{"github", github, "envs/prod/free/x", ""},
		{"github", github, "docs/a/b/x.md", "@docs"},
		{"github", github, "docs/x.md", "@docs"},
		{"github", github, "with blank", "@blank"},
		{"github", github, "deep/README", "@read"},
		{"github", github, "README/below", "@read"},
		{"gitlab", gitlab, "x", "@all"},
		{"gitlab", gitlab, "envs/prod/x", "@acme/sre @all"},
		{"gitlab", gitlab, "envs/prod/web/main.tf", "@all @infra @web"},
		{"gitea", gitea, "envs/prod/a.yaml", "@acme/sre @yaml"},
		{"gitea", gitea, "x", "@outside"},
		{"gitea", gitea, "envs/dev/a.txt", ""},
		{"github", "", "x", ""},
	} {
		if got := strings.Join(gitops.ParseOwners(c.kind, c.text).Of(c.path), " "); got != c.want {
			t.Errorf("%s: %s is owned by %q, want %q", c.kind, c.path, got, c.want)
		}
	}
	r := gitops.ParseOwners("github", github).Request("envs/prod/a", "envs/prod/b", "x", "envs/dev/a")
	if strings.Join(r.Teams, " ") != "@acme/sre" || strings.Join(r.Reviewers, " ") != "all dev" {
		t.Errorf("request = %+v", r)
	}
}
