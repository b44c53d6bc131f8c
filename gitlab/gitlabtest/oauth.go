package gitlabtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oauth is what the instance keeps for https://docs.gitlab.com/api/oauth2/.
type oauth struct {
	applications map[string]*application // by client id
	grants       []*deviceGrant
	flow         DeviceFlow
	secrets      []string
}

// application is one that is registered, https://docs.gitlab.com/integration/oauth_provider/.
type application struct {
	name         string
	scopes       []string
	confidential bool
}

// deviceGrant is one attempt to sign in on another device.
type deviceGrant struct {
	app        *application
	deviceCode string
	userCode   string
	scopes     []string
	expiresAt  time.Time
	polled     time.Time // by the clock on the wall, as clients wait by it
	user       *User     // who confirmed
	denied     bool
}

// DeviceFlow is how devices sign in. GitLab's own numbers, which nobody can change there, are 5 seconds and 5 minutes.
type DeviceFlow struct {
	Interval  time.Duration // between two polls; parts of a second are sent as such, which only tests do
	ExpiresIn time.Duration // of the codes that are made from now on
}

// SetDeviceFlow changes how devices sign in. Zero fields stay as they are.
func (s *Server) SetDeviceFlow(flow DeviceFlow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if flow.Interval > 0 {
		s.oauth.flow.Interval = flow.Interval
	}
	if flow.ExpiresIn > 0 {
		s.oauth.flow.ExpiresIn = flow.ExpiresIn
	}
	s.changed()
}

// AddApplication registers an application that is not confidential, and returns its application id. It may ask for the
// scopes; none given means read_user.
func (s *Server) AddApplication(name string, scopes ...string) (clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = []string{"read_user"}
	}
	clientID = secret("application", s.nextID("application"), name)
	s.oauth.applications[clientID] = &application{name: name, scopes: slices.Clone(scopes)}
	s.changed()
	return clientID
}

// SetConfidential makes the application one that has to prove itself by a secret, the box that is ticked by default on
// GitLab's page. Devices cannot use such an application: they have no secret.
func (s *Server) SetConfidential(clientID string, confidential bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if app := s.oauth.applications[clientID]; app != nil {
		app.confidential = confidential
		s.changed()
	}
}

// What can be wrong with a code that somebody types in.
var (
	errUnknownCode = errors.New("the user code is not known")
	errExpiredCode = errors.New("the user code has expired")
	errBlocked     = errors.New("the account is blocked")
)

// Approve confirms a device's user code on GitLab's page, signed in as the user.
func (u *User) Approve(userCode string) error {
	return u.decide(userCode, func(g *deviceGrant) { g.user, g.userCode = u, "" })
}

// Deny refuses a device's user code, after which the device gets access_denied. GitLab documents that answer, but its
// page has no such button as of 19.4: people close it, and the code expires.
func (u *User) Deny(userCode string) error {
	return u.decide(userCode, func(g *deviceGrant) { g.denied, g.userCode = true, "" })
}

func (u *User) decide(userCode string, apply func(*deviceGrant)) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	g := u.s.grant(func(g *deviceGrant) bool { return g.userCode == userCode && userCode != "" })
	switch {
	case u.blocked:
		return errBlocked
	case g == nil:
		return errUnknownCode
	case !u.s.now().Before(g.expiresAt):
		return errExpiredCode
	}
	apply(g)
	u.s.changed()
	return nil
}

// ExpireCode ends a user code before its time.
func (s *Server) ExpireCode(userCode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grant(func(g *deviceGrant) bool { return g.userCode == userCode }); g != nil {
		g.expiresAt = s.now()
		s.changed()
	}
}

// UserCodes are the codes that wait for somebody to confirm them, oldest first.
func (s *Server) UserCodes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var codes []string
	for _, g := range s.oauth.grants {
		if g.userCode != "" && s.now().Before(g.expiresAt) {
			codes = append(codes, g.userCode)
		}
	}
	return codes
}

// OAuthTokens is how many access tokens of applications are neither revoked nor expired.
func (s *Server) OAuthTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.tokens {
		if t.oauth && !t.revoked && s.now().Before(t.expiresAt) {
			n++
		}
	}
	return n
}

// OAuthSecrets are all device codes and tokens of applications that were ever handed out: what no log and no message
// may show.
func (s *Server) OAuthSecrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.oauth.secrets)
}

func (s *Server) grant(which func(*deviceGrant) bool) *deviceGrant {
	i := slices.IndexFunc(s.oauth.grants, which)
	if i < 0 {
		return nil
	}
	return s.oauth.grants[i]
}

func (s *Server) dropGrant(g *deviceGrant) {
	s.oauth.grants = slices.DeleteFunc(s.oauth.grants, func(other *deviceGrant) bool { return other == g })
}

// oauthSecret makes a code or token that looks like Doorkeeper's, 64 hexadecimal digits.
func (s *Server) oauthSecret(kind string) string {
	text := fmt.Sprintf("%x", digest(kind, s.nextID(kind), s.URL))
	s.oauth.secrets = append(s.oauth.secrets, text)
	return text
}

// newUserCode makes eight letters and digits.
func (s *Server) newUserCode() string {
	return strings.ToUpper(secret("user code", s.nextID("user code"), s.URL)[:8])
}

// before tells whether the instance is older than the version.
func (s *Server) before(major, minor int) bool {
	parts := strings.Split(s.levers.version+".0", ".")
	x, errX := strconv.Atoi(parts[0])
	y, errY := strconv.Atoi(parts[1])
	return errX == nil && errY == nil && (x < major || x == major && y < minor)
}
