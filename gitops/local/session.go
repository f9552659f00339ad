package local

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	sessionCookie = "waveguide_forge"
	sessionLife   = 12 * time.Hour
)

// session is who looks at the page; its value is signed, so that nothing has
// to be remembered. A restart ends all sessions.
type session struct {
	user  *user
	value string
}

// sign binds a text to this process and a purpose.
func (s *Server) sign(purpose, text string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(m.Sum(nil))
}

// begin makes a session and sets its cookie.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, u *user) session {
	text := u.actor.Name + "|" + strconv.FormatInt(time.Now().Add(sessionLife).Unix(), 10) + "|" + rand.Text()
	value := text + "|" + s.sign("session", text)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // on loopback there is no TLS
		Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife.Seconds()),
	})
	return session{user: u, value: value}
}

// session is who the cookie or the Authorization header names; on loopback,
// who the options name. Nobody is a session without a user.
func (s *Server) session(w http.ResponseWriter, r *http.Request) session {
	if r.Header.Get("Authorization") != "" {
		u := s.authorized(r)
		if u == nil {
			return session{}
		}
		return session{user: u, value: "header|" + u.actor.Name}
	}
	if c, err := r.Cookie(sessionCookie); err == nil && len(c.Value) < 512 {
		if u := s.signed(c.Value); u != nil {
			return session{user: u, value: c.Value}
		}
	}
	if s.options.LoopbackUser != "" && onLoopback(r) {
		return s.begin(w, r, s.byName(s.options.LoopbackUser))
	}
	return session{}
}

func (s *Server) signed(value string) *user {
	at := strings.LastIndexByte(value, '|')
	if at < 0 || !hmac.Equal([]byte(s.sign("session", value[:at])), []byte(value[at+1:])) {
		return nil
	}
	parts := strings.Split(value[:at], "|")
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || time.Now().Unix() > until {
		return nil
	}
	return s.byName(parts[0])
}

// csrf is what a form must bring back.
func (s *Server) csrf(in session) string { return s.sign("form", in.value) }

func (s *Server) goodForm(in session, token string) bool {
	return hmac.Equal([]byte(s.csrf(in)), []byte(token))
}
