package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Key is the app's private key as GitHub hands it out.
func (s *Server) Key() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key)})
}

// Rotate gives the app a new key and ends all its tokens.
func (s *Server) Rotate() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.key = key
	for name, t := range s.tokens {
		if t.user == Bot {
			delete(s.tokens, name)
		}
	}
	s.mu.Unlock()
	return s.Key()
}

var errNobody = errors.New("nobody")

// authenticate finds whose token a request has; the app's own JWT is "app".
func (s *Server) authenticate(r *http.Request) (string, error) {
	have := r.Header.Get("Authorization")
	if _, password, ok := r.BasicAuth(); ok {
		have = "Bearer " + password
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "token "} {
		have = strings.TrimPrefix(have, scheme)
	}
	if t, ok := s.tokens[have]; ok && (t.expires.IsZero() || time.Now().Before(t.expires)) {
		return t.user, nil
	}
	if s.signed(have) {
		return "app", nil
	}
	return "", errNobody
}

// signed says whether a text is a JWT of the app that is valid now.
func (s *Server) signed(jwt string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Iss string `json:"iss"`
		Iat int64  `json:"iat"`
		Exp int64  `json:"exp"`
	}
	now := time.Now().Unix()
	return err == nil && json.Unmarshal(body, &claims) == nil && claims.Iss == strconv.Itoa(AppID) &&
		claims.Iat <= now && now < claims.Exp && claims.Exp-claims.Iat <= 600
}

func (s *Server) appRoutes() []route {
	return []route{
		{"GET /app", func(c *call) reply {
			if c.who != "app" {
				return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
			}
			return ok(c.app())
		}},
		{"POST /app/installations/{installation_id}/access_tokens", func(c *call) reply {
			if c.who != "app" {
				return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
			}
			if c.r.PathValue("installation_id") != strconv.Itoa(Installation) {
				return missing()
			}
			b := make([]byte, 18)
			_, _ = rand.Read(b)
			name := "ghs_" + hex.EncodeToString(b)
			expires := time.Now().Add(time.Hour)
			c.tokens[name] = token{Bot, expires}
			return reply{status: http.StatusCreated, body: object{
				"token": name, "expires_at": expires.UTC().Format(time.RFC3339), "repository_selection": "selected",
				"permissions": c.state.AppPermissions,
			}}
		}},
		{"GET /app/installations/{installation_id}", func(c *call) reply {
			if c.who != "app" {
				return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
			}
			return ok(object{
				"id": Installation, "account": c.user(Owner), "repository_selection": "selected", "app_id": AppID, "target_id": 1,
				"access_tokens_url": c.url("/app/installations/77/access_tokens"), "repositories_url": c.url("/installation/repositories"),
				"html_url": c.url("/x"), "target_type": "Organization", "permissions": c.state.AppPermissions, "events": []string{"push"},
				"created_at": stamp(time.Now()), "updated_at": stamp(time.Now()), "single_file_name": nil, "app_slug": Slug,
				"suspended_at": nil, "suspended_by": nil,
			})
		}},
	}
}

func (s *Server) app() object {
	return object{
		"id": AppID, "slug": Slug, "node_id": "A_7", "name": Slug, "owner": s.user(Owner), "description": nil,
		"external_url": s.URL, "html_url": s.url("/apps/waveguide"), "created_at": "2026-01-01T00:00:00Z",
		"updated_at": "2026-01-01T00:00:00Z", "permissions": s.state.AppPermissions, "events": []string{"push"},
	}
}
