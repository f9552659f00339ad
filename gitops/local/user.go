package local

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// User is one of the few people and programs that a forge knows.
type User struct {
	Name string
	// Token is the password for Git and the page and the bearer token of the
	// API. A user without one cannot log in.
	Token      string
	Permission gitops.Permission
	// Teams are the user's teams, as "@org/team".
	Teams []string
	Bot   bool
}

const minToken = 8

var userName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,38}$`)

// user is a User whose token is kept as a hash only.
type user struct {
	actor gitops.Actor
	hash  [sha256.Size]byte
	login bool
}

func readUsers(users []User) ([]user, error) {
	var out []user
	for _, u := range users {
		if !userName.MatchString(u.Name) {
			return nil, fmt.Errorf("user %q: use up to 39 letters, digits, dots, dashes and underscores", u.Name)
		}
		if slices.ContainsFunc(out, func(o user) bool { return strings.EqualFold(o.actor.Name, u.Name) }) {
			return nil, fmt.Errorf("user %s is there twice: remove one", u.Name)
		}
		if u.Token != "" && len(u.Token) < minToken {
			return nil, fmt.Errorf("user %s: the token is too short: use at least %d characters", u.Name, minToken)
		}
		if rank(u.Permission) == 0 {
			return nil, fmt.Errorf("user %s: permission %q is none of read, triage, write, admin", u.Name, u.Permission)
		}
		hash := sha256.Sum256([]byte(u.Token))
		if slices.ContainsFunc(out, func(o user) bool { return o.login && o.hash == hash }) {
			return nil, fmt.Errorf("user %s has the token of somebody else: give each their own", u.Name)
		}
		out = append(out, user{
			actor: gitops.Actor{Name: u.Name, Permission: u.Permission, Teams: slices.Clone(u.Teams), Bot: u.Bot},
			hash:  hash, login: u.Token != "",
		})
	}
	return out, nil
}

func rank(p gitops.Permission) int {
	return slices.Index([]gitops.Permission{gitops.PermissionUnknown, gitops.PermissionRead, gitops.PermissionTriage, gitops.PermissionWrite, gitops.PermissionAdmin}, p)
}

func may(a gitops.Actor, least gitops.Permission) bool { return rank(a.Permission) >= rank(least) }

func (s *Server) byName(name string) *user {
	for i := range s.users {
		if s.users[i].actor.Name == name {
			return &s.users[i]
		}
	}
	return nil
}

// byToken compares with every user's token, however many match before.
func (s *Server) byToken(token string) *user {
	hash := sha256.Sum256([]byte(token))
	var found *user
	for i := range s.users {
		u := &s.users[i]
		if subtle.ConstantTimeCompare(hash[:], u.hash[:]) == 1 && u.login {
			found = u
		}
	}
	return found
}

// authorized is who the Authorization header proves, or nil.
func (s *Server) authorized(r *http.Request) *user {
	if name, token, ok := r.BasicAuth(); ok {
		if u := s.byToken(token); u != nil && u.actor.Name == name {
			return u
		}
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return nil
	}
	return s.byToken(strings.TrimSpace(token))
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="waveguide", charset="UTF-8"`)
	http.Error(w, "log in with a name and an access token", http.StatusUnauthorized)
}

// onLoopback says that both ends of the connection are this machine.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && loopback(local.String()) && loopback(r.RemoteAddr)
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
