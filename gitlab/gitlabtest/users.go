package gitlabtest

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A User is a person or bot with an account on the instance.
type User struct {
	ID       int
	Username string
	Name     string

	s         *Server
	createdAt time.Time
	admin     bool
	blocked   bool

	email       string
	unconfirmed bool
	publicEmail string
}

// AddUser creates an account. The name shown to people is the username with a capital letter.
func (s *Server) AddUser(username string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := username
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	u := &User{ID: s.nextID("user"), Username: username, Name: name, s: s, createdAt: s.now(), email: username + "@example.com"}
	s.users = append(s.users, u)
	s.changed()
	return u
}

// SetAdmin makes the user an administrator of the instance, who is treated as Owner of every project.
func (u *User) SetAdmin(admin bool) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.admin = admin
	u.s.changed()
}

// accessToken is a personal access token, https://docs.gitlab.com/api/personal_access_tokens/, or an application's.
type accessToken struct {
	id        int
	value     string
	user      *User
	scopes    []string
	oauth     bool // an application's
	createdAt time.Time
	expiresAt time.Time
	usedAt    time.Time
	revoked   bool
}

// AddToken creates a personal access token (glpat-...) for the user, https://docs.gitlab.com/user/profile/personal_access_tokens/.
// The scopes that matter here are api and read_api; none given means api.
func (s *Server) AddToken(u *User, scopes ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = []string{"api"}
	}
	t := &accessToken{id: s.nextID("token"), user: u, scopes: slices.Clone(scopes), createdAt: s.now()}
	t.value = "glpat-" + secret("access token", t.id, u.Username)
	s.tokens[t.value] = t
	s.changed()
	return t.value
}

// RevokeToken makes every later request with the access token fail with 401 and "Token was revoked".
func (s *Server) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[token]; t != nil {
		t.revoked = true
		s.changed()
	}
}

// ExpireToken sets when the access token stops working; afterwards requests fail with 401 and "Token is expired".
func (s *Server) ExpireToken(token string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[token]; t != nil {
		t.expiresAt = at
		s.changed()
	}
}

// secret makes a token's random-looking part. It is the same in every run, so that golden files can hold it.
func secret(kind string, id int, salt string) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(digest(kind, id, salt))[:20])
}

func digest(kind string, id int, salt string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", kind, id, salt))
	return sum[:]
}
