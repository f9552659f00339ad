package githubtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops/github/githubtest/graphql"
)

type node = graphql.Object

// serveGraphQL runs one query under the lock.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.authenticate(r)
	if err != nil || who == "app" || s.role(who) == "none" {
		write(w, http.StatusUnauthorized, problem("Bad credentials"))
		return
	}
	var in struct {
		Query     string
		Variables map[string]any
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(data)).Decode(&in)
	}
	if err != nil {
		write(w, http.StatusBadRequest, problem("Problems parsing JSON"))
		return
	}
	g := &graph{s, who, s.git.refs()}
	answer, err := s.spec.graphql.Run(in.Query, in.Variables, map[string]node{
		"Query": g.query(), "Mutation": g.mutation(),
	})
	s.calls["GRAPHQL "+answer.Operation]++
	s.spend(w, "graphql", answer.Cost)
	out := object{"data": answer.Data}
	if _, refused := errors.AsType[*graphql.Refused](err); refused {
		s.t.Errorf("the query %s breaks GitHub's schema: %v", answer.Operation, err)
	}
	if err != nil {
		kind := "UNPROCESSABLE"
		if e, ok := errors.AsType[*graphError](err); ok {
			kind = e.kind
		}
		out = object{"data": nil, "errors": []any{object{"type": kind, "message": err.Error(), "path": []any{}}}}
	}
	write(w, http.StatusOK, out)
}

// graphError is an error with the type that GitHub gives it.
type graphError struct{ kind, message string }

func (e *graphError) Error() string { return e.message }

// graph is what one caller sees.
type graph struct {
	*Server
	who  string
	refs map[string]string
}

func (g *graph) query() node {
	return node{
		"__typename": "Query",
		"repository": graphql.Field(func(args map[string]any) (any, error) {
			if args["owner"] != Owner || args["name"] != Name {
				return nil, &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a Repository with the name '%v/%v'.", args["owner"], args["name"])}
			}
			return g.repository(), nil
		}),
		"organization": graphql.Field(func(args map[string]any) (any, error) {
			if args["login"] != Owner {
				return nil, &graphError{"NOT_FOUND", "Could not resolve to an Organization."}
			}
			if g.who == Bot && g.state.AppPermissions["members"] == "" {
				return nil, &graphError{"FORBIDDEN", "Resource not accessible by integration"}
			}
			return node{"__typename": "Organization", "teams": graphql.Field(func(args map[string]any) (any, error) {
				var list []node
				for _, slug := range g.teamsOf(names(args["userLogins"])) {
					list = append(list, node{"__typename": "Team", "combinedSlug": Owner + "/" + slug})
				}
				return connection(list, args), nil
			})}, nil
		}),
	}
}

func (g *graph) repository() node {
	return node{
		"__typename": "Repository", "id": "R_1", "owner": node{"__typename": "Organization"}, "hasIssuesEnabled": g.state.HasIssues,
		"mergeCommitAllowed": slices.Contains(g.state.Methods, "merge"), "squashMergeAllowed": slices.Contains(g.state.Methods, "squash"),
		"rebaseMergeAllowed": slices.Contains(g.state.Methods, "rebase"),
		"mergeQueue":         graphql.Field(func(map[string]any) (any, error) { return g.mergeQueue(), nil }),
		"pullRequests":       graphql.Field(g.pulls),
		"issues":             graphql.Field(g.issues),
		"pullRequest": graphql.Field(func(args map[string]any) (any, error) {
			t, err := g.find(args)
			if err != nil || !t.pull {
				return nil, &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", args["number"])}
			}
			return g.pull(t), nil
		}),
		"issueOrPullRequest": graphql.Field(func(args map[string]any) (any, error) {
			t, err := g.find(args)
			switch {
			case err != nil:
				return nil, err
			case t.pull:
				return g.pull(t), nil
			}
			return g.issue(t), nil
		}),
		"object": graphql.Field(func(args map[string]any) (any, error) { return g.commit(args["oid"].(string)), nil }),
		"ref":    graphql.Field(func(map[string]any) (any, error) { return g.ref(), nil }),
	}
}

func (g *graph) find(args map[string]any) (*thread, error) {
	n, _ := count(args["number"])
	t := g.state.thread(n)
	if t == nil {
		return nil, &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to an issue or pull request with the number of %v.", args["number"])}
	}
	return t, nil
}

// connection cuts a list as the caller asks.
func connection(list []node, args map[string]any) node {
	from, to := 0, len(list)
	if after, ok := args["after"].(string); ok {
		n, _ := strconv.Atoi(after)
		from = min(n, len(list))
	}
	if before, ok := args["before"].(string); ok {
		n, _ := strconv.Atoi(before)
		to = min(n-1, len(list))
	}
	if n, ok := count(args["first"]); ok {
		to = min(to, from+n)
	}
	if n, ok := count(args["last"]); ok {
		from = max(from, to-n)
	}
	page := node{"__typename": "PageInfo", "hasNextPage": to < len(list), "hasPreviousPage": from > 0, "startCursor": nil, "endCursor": nil}
	if to > from {
		page["startCursor"], page["endCursor"] = strconv.Itoa(from+1), strconv.Itoa(to)
	}
	return node{"pageInfo": page, "nodes": slices.Clone(list[from:to]), "totalCount": len(list)}
}

func count(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), true
	}
	return 0, false
}

// chosen are the threads that a query asks for, in its order.
func (g *graph) chosen(args map[string]any, pull bool) []*thread {
	var out []*thread
	for _, t := range g.state.threads {
		states := names(args["states"])
		labels := names(args["labels"])
		match := t.pull == pull && (len(states) == 0 || slices.Contains(states, stateOf(t))) &&
			(args["baseRefName"] == nil || args["baseRefName"] == t.base) &&
			(len(labels) == 0 || slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(t.labels, l) }))
		if match {
			out = append(out, t)
		}
	}
	order, _ := args["orderBy"].(map[string]any)
	if order["field"] == "UPDATED_AT" {
		slices.SortStableFunc(out, func(a, b *thread) int { return a.updated.Compare(b.updated) })
	}
	if order["direction"] == "DESC" {
		slices.Reverse(out)
	}
	return out
}

func stateOf(t *thread) string {
	switch {
	case t.merged:
		return "MERGED"
	case t.open:
		return "OPEN"
	}
	return "CLOSED"
}

func (g *graph) pulls(args map[string]any) (any, error) {
	var list []node
	for _, t := range g.chosen(args, true) {
		list = append(list, g.pull(t))
	}
	return connection(list, args), nil
}

func (g *graph) issues(args map[string]any) (any, error) {
	var list []node
	if g.state.HasIssues {
		for _, t := range g.chosen(args, false) {
			list = append(list, g.issue(t))
		}
	}
	return connection(list, args), nil
}

// actor is an account as GraphQL names it: bots go without their ending.
func (g *graph) actor(login string) node {
	if slug, ok := strings.CutSuffix(login, "[bot]"); ok {
		return node{"__typename": "Bot", "login": slug}
	}
	return node{"__typename": "User", "login": login}
}

func fixed(list []node) graphql.Field {
	return func(args map[string]any) (any, error) { return connection(list, args), nil }
}

func (g *graph) labels(t *thread) graphql.Field {
	var list []node
	for _, name := range t.labels {
		list = append(list, node{"__typename": "Label", "name": name})
	}
	return fixed(list)
}

func (g *graph) issue(t *thread) node {
	return node{
		"__typename": "Issue", "id": nodeID(t), "number": t.number, "url": g.url("/" + Owner + "/" + Name + "/issues/" + strconv.Itoa(t.number)),
		"title": t.title, "body": t.body, "state": stateOf(t), "createdAt": stamp(t.created), "author": g.actor(t.author),
		"labels": g.labels(t), "timelineItems": g.timeline(t),
	}
}

func (g *graph) pull(t *thread) node {
	head := t.head
	if t.open {
		head = g.refs[t.branch]
	}
	o := g.issue(t)
	o["__typename"] = "PullRequest"
	o["url"] = g.url("/" + Owner + "/" + Name + "/pull/" + strconv.Itoa(t.number))
	o["updatedAt"], o["closedAt"], o["isCrossRepository"], o["isDraft"] = stamp(t.updated), stamp(t.closedAt), t.fork, t.draft
	o["isInMergeQueue"] = slices.ContainsFunc(g.state.queue, func(q queued) bool { return q.number == t.number })
	o["headRefName"], o["headRefOid"], o["baseRefName"] = t.branch, head, t.base
	o["mergedBy"], o["mergeCommit"] = node(nil), node(nil)
	if t.merged {
		o["mergedBy"], o["mergeCommit"] = g.actor(t.endedBy), node{"__typename": "Commit", "oid": t.mergeSHA}
	}
	var asked, reviews []node
	for _, name := range t.askedUsers {
		asked = append(asked, node{"requestedReviewer": g.actor(name)})
	}
	for _, name := range t.askedTeams {
		asked = append(asked, node{"requestedReviewer": node{"__typename": "Team", "combinedSlug": Owner + "/" + name}})
	}
	for _, r := range t.reviews {
		reviews = append(reviews, node{"state": r.state, "submittedAt": stamp(r.submittedAt), "author": g.actor(r.by), "commit": node{"__typename": "Commit", "oid": r.commit}})
	}
	o["reviewRequests"], o["reviews"] = fixed(asked), fixed(reviews)
	o["commits"] = fixed([]node{{"commit": g.commit(cmp.Or(t.lag, head))}})
	return o
}

// timeline are the events of the kinds that are asked for.
func (g *graph) timeline(t *thread) graphql.Field {
	kinds := map[string][2]string{
		"labeled": {"LABELED_EVENT", "LabeledEvent"}, "unlabeled": {"UNLABELED_EVENT", "UnlabeledEvent"}, "closed": {"CLOSED_EVENT", "ClosedEvent"},
		"reopened": {"REOPENED_EVENT", "ReopenedEvent"}, "renamed": {"RENAMED_TITLE_EVENT", "RenamedTitleEvent"}, "commented": {"ISSUE_COMMENT", "IssueComment"},
		"head_ref_force_pushed": {"HEAD_REF_FORCE_PUSHED_EVENT", "HeadRefForcePushedEvent"}, "merged": {"MERGED_EVENT", "MergedEvent"},
	}
	return func(args map[string]any) (any, error) {
		var list []node
		for _, h := range t.events {
			kind := kinds[h.kind]
			if !slices.Contains(names(args["itemTypes"]), kind[0]) {
				continue
			}
			list = append(list, node{
				"__typename": kind[1], "id": "E_" + strconv.Itoa(h.id), "createdAt": stamp(h.at), "actor": g.actor(h.by), "author": g.actor(h.by),
				"label": node{"__typename": "Label", "name": h.label}, "previousTitle": h.was, "currentTitle": h.title, "body": h.body,
			})
		}
		return connection(list, args), nil
	}
}

// commit is a commit with its checks.
func (g *graph) commit(sha string) node {
	if sha == "" {
		sha = strings.Repeat("0", 40)
	}
	return node{
		"__typename": "Commit", "oid": sha,
		"parents": graphql.Field(func(args map[string]any) (any, error) {
			var list []node
			if parent := g.git.parent(sha); parent != "" {
				list = append(list, node{"__typename": "Commit", "oid": parent})
			}
			return connection(list, args), nil
		}),
		"statusCheckRollup": g.rollup(sha),
	}
}

func (g *graph) rollup(sha string) node {
	var list []node
	seen := map[string]bool{}
	for _, r := range slices.Backward(g.state.runs) {
		if r.sha != sha || seen[r.name] {
			continue
		}
		seen[r.name] = true
		o := node{
			"__typename": "CheckRun", "name": r.name, "status": strings.ToUpper(r.status), "conclusion": nil, "title": orNil(r.title), "detailsUrl": orNil(r.details),
			"checkSuite": node{"app": node{"__typename": "App", "slug": Slug, "databaseId": AppID}},
		}
		if r.conclusion != "" {
			o["conclusion"] = strings.ToUpper(r.conclusion)
		}
		list = append(list, o)
	}
	for _, st := range g.latest(sha) {
		list = append(list, node{
			"__typename": "StatusContext", "context": st.context, "state": strings.ToUpper(st.state), "description": orNil(st.text),
			"targetUrl": orNil(st.target), "creator": g.actor(st.by),
		})
	}
	if len(list) == 0 {
		return nil
	}
	return node{"contexts": fixed(list)}
}

// ref is the protected branch with who may pass by its rules.
func (g *graph) ref() node {
	var actors []node
	for _, name := range g.state.BypassActors {
		o := node{"bypassMode": "ALWAYS", "organizationAdmin": name == "OrganizationAdmin", "repositoryRoleName": nil, "deployKey": name == "DeployKey", "actor": node(nil)}
		if role, ok := strings.CutPrefix(name, "role:"); ok {
			o["repositoryRoleName"] = role
		}
		if slug, ok := strings.CutPrefix(name, "app:"); ok {
			o["actor"] = node{"__typename": "App", "slug": slug}
		}
		actors = append(actors, o)
	}
	ruleset := node{"__typename": "RepositoryRuleset", "name": "protect main", "bypassActors": fixed(actors)}
	return node{"__typename": "Ref", "rules": fixed([]node{{"repositoryRuleset": ruleset}})}
}
