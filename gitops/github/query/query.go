// Package query holds what GitHub is asked in GraphQL: one file for each query
// and one for each fragment they share. A new question is a new file, a method
// that reads it in package github, and its fields in the schema that the fake
// is held to.
package query

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed *.graphql
var files embed.FS

// Text is a query with the fragments it needs.
func Text(name string) (string, error) {
	spread := regexp.MustCompile(`\.\.\.(\w+)`)
	var b strings.Builder
	seen := map[string]bool{}
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		part, err := files.ReadFile(todo[0] + ".graphql")
		if err != nil {
			return "", fmt.Errorf("query %s: %w", name, err)
		}
		b.Write(part)
		for _, m := range spread.FindAllStringSubmatch(string(part), -1) {
			todo = append(todo, m[1])
		}
	}
	return b.String(), nil
}
