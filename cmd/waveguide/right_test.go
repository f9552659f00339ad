package main

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

func TestRight(t *testing.T) {
	t.Parallel()
	may := right([]string{"@Grace", "@acme/sre"})
	for _, c := range []struct {
		who  gitops.Actor
		want bool
	}{
		{gitops.Actor{Name: "ada", Permission: gitops.PermissionWrite}, true},
		{gitops.Actor{Name: "ada"}, false},
		{gitops.Actor{Name: "grace"}, true},
		{gitops.Actor{Name: "grace", Bot: true}, false},
		{gitops.Actor{Name: "eve", Teams: []string{"@acme/sre"}}, true},
		{gitops.Actor{Name: "eve", Teams: []string{"@acme/dev"}}, false},
		{gitops.Actor{}, false},
	} {
		if got := may(c.who, gitops.CommandUnhold); got != c.want {
			t.Errorf("%+v may end a stop: %t, want %t", c.who, got, c.want)
		}
	}
}
