package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long an application's access token works, GitLab's two hours.
const tokenLife = 2 * time.Hour

const grantTypeDevice = "urn:ietf:params:oauth:grant-type:device_code"

// oauthRoute finds an endpoint of https://docs.gitlab.com/api/oauth2/. The caller holds the lock.
func (c *call) oauthRoute(path string) *reply {
	handle := map[string]func(*call) *reply{
		"/authorize_device": (*call).authorizeDevice, "/token": (*call).oauthToken, "/revoke": (*call).revokeOAuthToken,
	}[path]
	if handle == nil || c.r.Method != http.MethodPost {
		return pageNotFound()
	}
	return handle(c)
}

// authorizeDevice: https://docs.gitlab.com/api/oauth2/#device-authorization-grant-flow. It came with 17.2, where it
// answers nothing unless a feature flag is set; since 17.3 the flag is set.
func (c *call) authorizeDevice() *reply {
	switch {
	case c.s.before(17, 2):
		return pageNotFound()
	case c.s.before(17, 3):
		return &reply{status: http.StatusNoContent}
	}
	app, bad := c.client()
	if bad != nil {
		return bad
	}
	scopes := strings.Fields(c.params.text("scope"))
	if len(scopes) == 0 {
		scopes = app.scopes
	}
	for _, scope := range scopes {
		if !slices.Contains(app.scopes, scope) {
			return c.oauthError("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
		}
	}
	flow := c.s.oauth.flow
	g := &deviceGrant{
		app: app, deviceCode: c.s.oauthSecret("device code"), userCode: c.s.newUserCode(), scopes: scopes,
		expiresAt: c.s.now().Add(flow.ExpiresIn),
	}
	c.s.oauth.grants = append(c.s.oauth.grants, g)
	c.s.changed()
	address := c.s.URL + "/oauth/device"
	return ok(object{
		"device_code": g.deviceCode, "user_code": g.userCode,
		"verification_uri": address, "verification_uri_complete": address + "?user_code=" + g.userCode,
		"expires_in": flow.ExpiresIn.Seconds(), "interval": flow.Interval.Seconds(),
	})
}

// oauthToken: the checks, their order and their sentences are Doorkeeper's and doorkeeper-device_authorization_grant's.
func (c *call) oauthToken() *reply {
	if c.params.text("grant_type") != grantTypeDevice || c.s.before(17, 2) {
		return c.oauthError("unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
	}
	app, bad := c.client()
	if bad != nil {
		return bad
	}
	code := c.params.text("device_code")
	g := c.s.grant(func(g *deviceGrant) bool { return g.deviceCode == code })
	if g == nil || g.app != app {
		c.violate("asked for the token of a device code that is over")
		return c.oauthError("invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match "+
			"the redirection URI used in the authorization request, or was issued to another client.")
	}
	switch now := time.Now(); {
	case !c.s.now().Before(g.expiresAt):
		c.s.dropGrant(g)
		return c.oauthError("expired_token", "Expired token")
	case now.Sub(g.polled) < c.s.oauth.flow.Interval:
		c.violate("polled faster than the interval allows")
		return c.oauthError("slow_down", "Slow down")
	default:
		g.polled = now
	}
	switch {
	case g.denied:
		c.s.dropGrant(g)
		return c.oauthError("access_denied", "The resource owner or authorization server denied the request.")
	case g.user == nil:
		return c.oauthError("authorization_pending", "Authorization pending")
	}
	c.s.dropGrant(g)
	t := &accessToken{
		id: c.s.nextID("token"), value: c.s.oauthSecret("oauth token"), user: g.user, scopes: g.scopes, oauth: true,
		createdAt: c.s.now(), expiresAt: c.s.now().Add(tokenLife),
	}
	c.s.tokens[t.value] = t
	c.s.changed()
	return ok(object{
		"access_token": t.value, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()),
		"refresh_token": c.s.oauthSecret("refresh token"), "scope": strings.Join(g.scopes, " "), "created_at": t.createdAt.Unix(),
	})
}

// revokeOAuthToken: https://docs.gitlab.com/api/oauth2/#revoke-a-token. A token that does not exist is as good as revoked.
func (c *call) revokeOAuthToken() *reply {
	if _, bad := c.client(); bad != nil {
		return &reply{status: http.StatusForbidden, body: object{
			"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token",
		}}
	}
	if t := c.s.tokens[c.params.text("token")]; t != nil && t.oauth {
		t.revoked = true
		c.s.changed()
	}
	return ok(object{})
}

// client is the application in whose name the request comes.
func (c *call) client() (*application, *reply) {
	app := c.s.oauth.applications[c.params.text("client_id")]
	if app == nil || app.confidential {
		bad := c.oauthError("invalid_client", "Client authentication failed due to unknown client, no client authentication "+
			"included, or unsupported authentication method.")
		bad.status = http.StatusUnauthorized
		return nil, bad
	}
	return app, nil
}

func (c *call) oauthError(code, description string) *reply {
	header := http.Header{}
	header.Set("WWW-Authenticate", `Bearer realm="Doorkeeper", error="`+code+`", error_description="`+description+`"`)
	return &reply{status: http.StatusBadRequest, header: header, body: object{"error": code, "error_description": description}}
}
