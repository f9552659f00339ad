package kubernetestest

import (
	"bytes"
	"os"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Role reads the rules of the Role or ClusterRole that a file begins with.
func Role(tb testing.TB, path string) []rbacv1.PolicyRule {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var role rbacv1.Role
	if err := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 1024).Decode(&role); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	if !strings.HasSuffix(role.Kind, "Role") || len(role.Rules) == 0 {
		tb.Fatalf("%s begins with a %q with %d rules, want a Role", path, role.Kind, len(role.Rules))
	}
	return role.Rules
}

// Need checks that a role is the least one: it covers all requests, and each
// verb on each resource of it was used.
func Need(tb testing.TB, rules []rbacv1.PolicyRule, requests []Request) {
	tb.Helper()
	used := map[Request]bool{}
	for _, r := range requests {
		if !Covers(rules, r) {
			tb.Errorf("the role does not allow to %s", r)
		}
		used[Request{Verb: r.Verb, Group: r.Group, Resource: r.Resource}] = true
	}
	for _, right := range rights(rules) {
		if !used[right] {
			tb.Errorf("the role allows to %s, which nobody did", right)
		}
	}
}

// rights are what rules allow, one by one.
func rights(rules []rbacv1.PolicyRule) (all []Request) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, Request{Verb: verb, Group: group, Resource: resource})
				}
			}
		}
	}
	return all
}
