package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// stamp formats a time as GitLab's REST API does, in UTC with milliseconds; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// gitStamp formats a time that comes out of a repository.
func gitStamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// version: https://docs.gitlab.com/api/version/ and https://docs.gitlab.com/api/metadata/.
func (c *call) version() *reply {
	body := object{"version": c.s.levers.version, "revision": "0123456789a"}
	if strings.HasSuffix(c.r.URL.Path, "/metadata") {
		body["enterprise"] = false
		body["kas"] = object{"enabled": false, "externalUrl": nil, "externalK8sProxyUrl": nil, "version": nil}
	}
	return ok(body)
}

// basicUser is how a user appears inside of other objects.
func (s *Server) basicUser(u *User) any {
	if u == nil {
		return nil
	}
	return object{
		"id": u.ID, "username": u.Username, "public_email": u.publicEmail, "name": u.Name, "state": u.state(), "locked": false,
		"avatar_url": nil, "web_url": s.URL + "/" + u.Username,
	}
}

// currentUser: https://docs.gitlab.com/api/users/#get-the-current-user.
func (c *call) currentUser() *reply { return ok(c.s.fullUser(c.user, true)) }

// fullUser is how a user appears to themselves and, with everything, to administrators.
func (s *Server) fullUser(u *User, everything bool) object {
	body := object{
		"id": u.ID, "username": u.Username, "name": u.Name, "state": u.state(), "locked": false,
		"avatar_url": nil, "web_url": s.URL + "/" + u.Username, "created_at": stamp(u.createdAt),
		"bio": "", "location": "", "public_email": u.publicEmail, "bot": false,
	}
	if everything {
		body["email"], body["confirmed_at"] = u.email, stamp(u.createdAt)
		if u.unconfirmed {
			body["confirmed_at"] = nil
		}
		body["two_factor_enabled"] = false
		body["external"] = false
		if u.admin {
			body["is_admin"] = true
		}
	}
	return body
}

// listUsers: https://docs.gitlab.com/api/users/#list-users. Who is blocked is shown to administrators only, by
// app/finders/users_finder.rb.
func (c *call) listUsers() *reply {
	var found []any
	for _, u := range c.s.users {
		if name := c.params.text("username"); c.params.has("username") && !strings.EqualFold(name, u.Username) {
			continue
		}
		if search := c.params.text("search"); search != "" && !u.matches(search, c.user.admin) || u.blocked && !c.user.admin {
			continue
		}
		if c.user.admin {
			found = append(found, c.s.fullUser(u, true))
		} else {
			found = append(found, c.s.basicUser(u))
		}
	}
	slices.Reverse(found) // newest first
	return c.page(found)
}

// matches searches as GitLab does: names by parts, addresses as a whole, private ones for administrators.
func (u *User) matches(search string, private bool) bool {
	lower := strings.ToLower(search)
	return strings.Contains(strings.ToLower(u.Username), lower) || strings.Contains(strings.ToLower(u.Name), lower) ||
		strings.EqualFold(search, u.publicEmail) || private && strings.EqualFold(search, u.email)
}

// page answers with an offset page of a list.
func (c *call) page(all []any) *reply {
	from, to, header, bad := c.offset(len(all))
	if bad != nil {
		return bad
	}
	return &reply{status: http.StatusOK, header: header, body: append([]any{}, all[from:to]...)}
}

// getUser: https://docs.gitlab.com/api/users/#get-a-single-user.
func (c *call) getUser() *reply {
	id, bad := c.number("user_id")
	if bad != nil {
		return bad
	}
	for _, u := range c.s.users {
		if u.ID == id {
			return ok(c.s.fullUser(u, c.user.admin))
		}
	}
	return notFound("User")
}

// currentToken: https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-a-personal-access-token.
func (c *call) currentToken() *reply {
	t := c.token
	var expires any
	if !t.expiresAt.IsZero() {
		expires = t.expiresAt.UTC().Format(time.DateOnly)
	}
	return ok(object{
		"id": t.id, "name": "token " + itoa(t.id), "revoked": t.revoked, "created_at": stamp(t.createdAt), "description": nil,
		"scopes": t.scopes, "user_id": t.user.ID, "last_used_at": stamp(t.usedAt), "active": true, "expires_at": expires,
	})
}
