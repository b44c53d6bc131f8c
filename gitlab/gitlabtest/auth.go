package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
)

// tokenOf is the access token that a request carries, https://docs.gitlab.com/api/rest/authentication/.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get("Private-Token"); token != "" {
		return token
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return r.URL.Query().Get("private_token")
}

// authenticate finds out who asks. Without a token nobody does, which is allowed for what is public.
func (c *call) authenticate() *reply {
	value := tokenOf(c.r)
	if value == "" {
		return nil
	}
	t := c.s.tokens[value]
	if t == nil {
		c.violate("used an access token that does not exist")
		return refuse(http.StatusUnauthorized, "401 Unauthorized")
	}
	if t.oauth && c.r.Header.Get("Private-Token") != "" {
		c.violate("sent an application's token as an access token of a person")
		return refuse(http.StatusUnauthorized, "401 Unauthorized")
	}
	if t.revoked {
		c.violate("used a revoked access token")
		return unauthorized("invalid_token", "Token was revoked. You have to re-authorize from the user.")
	}
	if !t.expiresAt.IsZero() && !c.s.now().Before(t.expiresAt) {
		c.violate("used an expired access token")
		return unauthorized("invalid_token", "Token is expired. You can either do re-authorization or token refresh.")
	}
	if t.user.blocked {
		return forbidden("Your account has been blocked.")
	}
	scopes := c.scopes()
	if !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(t.scopes, scope) }) {
		c.violate("used an access token without the scope for this")
		return &reply{status: http.StatusForbidden, body: object{
			"error":             "insufficient_scope",
			"error_description": "The request requires higher privileges than provided by the access token.",
			"scope":             strings.Join(scopes, " "),
		}}
	}
	t.usedAt = c.s.now()
	c.token, c.user = t, t.user
	return nil
}

// scopes are those of which a token has to have one for the request: allow_access_with_scope in lib/api/.
func (c *call) scopes() []string {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return []string{"api"}
	}
	scopes := []string{"api", "read_api"}
	rest := strings.TrimPrefix(c.r.URL.EscapedPath(), "/api/v4")
	if rest == "/user" || rest == "/users" || strings.HasPrefix(rest, "/users/") {
		scopes = append([]string{"read_user"}, scopes...)
	}
	return scopes
}

func unauthorized(code, description string) *reply {
	header := http.Header{}
	header.Set("WWW-Authenticate", `Bearer realm="Protected by OAuth 2.0", error="`+code+`", error_description="`+description+`"`)
	return &reply{status: http.StatusUnauthorized, header: header, body: object{"error": code, "error_description": description}}
}

// refuse is an answer with GitLab's usual {"message": ...}.
func refuse(status int, message any) *reply {
	return &reply{status: status, body: object{"message": message}}
}

func notFound(what string) *reply {
	if what == "" {
		return refuse(http.StatusNotFound, "404 Not Found")
	}
	return refuse(http.StatusNotFound, "404 "+what+" Not Found")
}

func forbidden(reason string) *reply {
	if reason == "" {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return refuse(http.StatusForbidden, "403 Forbidden - "+reason)
}

// invalid is what GitLab's parameter validation answers: {"error": "ref is missing"}.
func invalid(message string) *reply {
	return &reply{status: http.StatusBadRequest, body: object{"error": message}}
}
