package githubtest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops/github/githubtest/graphql"
)

func (g *graph) mergeQueue() node {
	if !g.state.MergeQueue {
		return nil
	}
	var list []node
	for i, q := range g.state.queue {
		list = append(list, node{
			"position": i + 1, "headCommit": node{"__typename": "Commit", "oid": q.head}, "baseCommit": node{"__typename": "Commit", "oid": q.base},
			"pullRequest": node{"__typename": "PullRequest", "number": q.number},
		})
	}
	return node{"__typename": "MergeQueue", "id": "MQ_1", "entries": fixed(list)}
}

func (g *graph) mutation() node {
	return node{
		"__typename":         "Mutation",
		"enqueuePullRequest": graphql.Field(g.enqueue),
		"updateRefs":         graphql.Field(g.updateRefs),
	}
}

func (g *graph) mayWrite() error {
	if slices.Index(rights, g.role(g.who)) < slices.Index(rights, "write") {
		return &graphError{"FORBIDDEN", "Resource not accessible by integration"}
	}
	return nil
}

func (g *graph) enqueue(args map[string]any) (any, error) {
	in, _ := args["input"].(map[string]any)
	n, _ := strconv.Atoi(strings.TrimPrefix(text(in["pullRequestId"]), "PR_"))
	t := g.state.thread(n)
	if err := g.mayWrite(); err != nil {
		return nil, err
	}
	switch {
	case t == nil || !t.pull:
		return nil, &graphError{"NOT_FOUND", "Could not resolve to a node with the global id"}
	case !g.state.MergeQueue:
		return nil, &graphError{"UNPROCESSABLE", "Merge queue is not enabled"}
	case text(in["expectedHeadOid"]) != g.refs[t.branch]:
		return nil, &graphError{"UNPROCESSABLE", "Head sha didn't match expected head sha"}
	case slices.ContainsFunc(g.state.queue, func(q queued) bool { return q.number == n }):
		return nil, &graphError{"UNPROCESSABLE", "Pull request is already in the queue"}
	}
	if why := g.unmergeable(t, g.refs[t.branch]); why != "" {
		return nil, &graphError{"UNPROCESSABLE", why}
	}
	base := g.git.ref("main")
	if k := len(g.state.queue); k > 0 {
		base = g.state.queue[k-1].head
	}
	head, clean := g.git.merge(base, g.refs[t.branch], "Merge pull request #"+strconv.Itoa(n))
	if !clean {
		return nil, &graphError{"UNPROCESSABLE", "Pull request has merge conflicts"}
	}
	g.state.queue = append(g.state.queue, queued{number: n, head: head, base: base})
	return node{"mergeQueueEntry": node{"__typename": "MergeQueueEntry", "position": len(g.state.queue)}}, nil
}

// updateRefs moves references, each only if it is where the caller says.
func (g *graph) updateRefs(args map[string]any) (any, error) {
	in, _ := args["input"].(map[string]any)
	if err := g.mayWrite(); err != nil {
		return nil, err
	}
	updates, _ := in["refUpdates"].([]any)
	for _, u := range updates {
		u, _ := u.(map[string]any)
		name, before, after := text(u["name"]), text(u["beforeOid"]), text(u["afterOid"])
		branch := strings.TrimPrefix(name, "refs/heads/")
		if now := g.git.ref(branch); before != "" && now != before || branch == "main" {
			return nil, &graphError{"UNPROCESSABLE", "A ref update was rejected: " + name}
		}
		if strings.Trim(after, "0") == "" {
			g.git.must("", "update-ref", "-d", name)
		} else {
			g.git.must("", "update-ref", name, after)
		}
	}
	return node{"clientMutationId": nil}, nil
}

// Land lets the queue merge its first group, if the check is green on it; it
// says whether it did.
func (s *Server) Land() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.state.queue) == 0 {
		return false
	}
	q := s.state.queue[0]
	for _, want := range s.state.Checks {
		if !s.green(q.head, want) {
			return false
		}
	}
	t := s.state.thread(q.number)
	s.state.queue = s.state.queue[1:]
	s.land(t, s.git.ref(t.branch), q.head, "github-merge-queue[bot]")
	return true
}
