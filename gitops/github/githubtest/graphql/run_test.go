package graphql_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/github/githubtest/graphql"
)

const sdl = `
"""what people write"""
type Post { title: String! tags(first: Int, last: Int, after: String): TagConnection }
type TagConnection { nodes: [Tag] }
type Tag { name: String! }
type Bot { name: String! }
union Author = Tag | Bot
enum Order { UP DOWN }
input Wish { title: String!, order: Order = UP }
type Query { post(id: Int!, order: Order): Post author: Author }
type Mutation { write(wish: Wish!): Post }
`

func answer(t *testing.T, query string, values map[string]any) (graphql.Answer, error) {
	t.Helper()
	s, err := graphql.Parse(sdl)
	if err != nil {
		t.Fatal(err)
	}
	post := func(title any) graphql.Object {
		return graphql.Object{"__typename": "Post", "title": title, "tags": graphql.Object{"nodes": []graphql.Object{{"name": "a"}, {"name": "b"}}}}
	}
	return s.Run(query, values, map[string]graphql.Object{
		"Query": {
			"__typename": "Query", "author": graphql.Object{"__typename": "Bot", "name": "b"},
			"post": graphql.Field(func(args map[string]any) (any, error) { return post(args["id"]), nil }),
		},
		"Mutation": {"__typename": "Mutation", "write": graphql.Field(func(args map[string]any) (any, error) {
			return post(args["wish"].(map[string]any)["title"]), nil
		})},
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for name, c := range map[string]struct {
		query  string
		values object
		want   object
	}{
		"alias, variable, list":  {`query q($n: Int!) { it: post(id: $n) { title tags(first: 2) { nodes { name } } } }`, object{"n": 7}, object{"it": object{"title": 7, "tags": object{"nodes": []any{object{"name": "a"}, object{"name": "b"}}}}}},
		"fragments by type":      {`query q { author { __typename ... on Tag { name } ...who } } fragment who on Bot { bot: name }`, nil, object{"author": object{"__typename": "Bot", "bot": "b"}}},
		"a mutation and a wish":  {`mutation m($w: Wish!) { write(wish: $w) { title } }`, object{"w": object{"title": "t"}}, object{"write": object{"title": "t"}}},
		"literals of every kind": {"# what\nquery q { post(id: 1, order: DOWN) { title } }", nil, object{"post": object{"title": 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := answer(t, c.query, c.values)
			if diff := cmp.Diff(c.want, got.Data); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// TestRefusals: a fake that takes any question proves nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"unknown field":            `query q { post(id: 1) { body } }`,
		"unknown argument":         `query q { post(id: 1, name: "x") { title } }`,
		"missing argument":         `query q { post { title } }`,
		"wrong literal":            `query q { post(id: "1") { title } }`,
		"unknown value of an enum": `query q { post(id: 1, order: SIDEWAYS) { title } }`,
		"undeclared variable":      `query q { post(id: $n) { title } }`,
		"variable of another type": `query q($n: String!) { post(id: $n) { title } }`,
		"variable without a value": `query q($n: Int!) { post(id: $n) { title } }`,
		"object without selection": `query q { post(id: 1) }`,
		"selection of a scalar":    `query q { post(id: 1) { title { x } } }`,
		"list without a size":      `query q { post(id: 1) { tags { nodes { name } } } }`,
		"list that is too long":    `query q { post(id: 1) { tags(first: 101) { nodes { name } } } }`,
		"unknown fragment":         `query q { post(id: 1) { ...gone } }`,
		"wish without its title":   `mutation m { write(wish: {order: UP}) { title } }`,
		"wish of too much":         `mutation m { write(wish: {title: "t", body: "b"}) { title } }`,
		"cut off":                  `query q { post(id: 1) {`,
		"no text":                  `query q { post(id: 1) ^ }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := answer(t, query, nil)
			if _, refused := errors.AsType[*graphql.Refused](err); !refused {
				t.Errorf("answered %v, %v", got.Data, err)
			}
		})
	}
}
