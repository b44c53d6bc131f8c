package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// method is one Web API method: which token it takes, which of these scopes it needs (none: any token will
// do), and what it does. run is called with the lock held.
type method struct {
	appToken bool
	scopes   []string
	run      func(*Server, *call) (obj, error)
}

// methods is the table of what this workspace offers (https://docs.slack.dev/reference/methods).
func methods() map[string]method {
	chat := []string{"chat:write"}
	return map[string]method{
		"api.test":              {run: func(*Server, *call) (obj, error) { return obj{}, nil }},
		"apps.connections.open": {appToken: true, run: (*Server).appsConnectionsOpen},
		"auth.test":             {run: (*Server).authTest},

		"views.open":    {run: (*Server).viewsOpen},
		"views.push":    {run: (*Server).viewsPush},
		"views.update":  {run: (*Server).viewsUpdate},
		"views.publish": {run: (*Server).viewsPublish},

		"chat.postMessage":   {scopes: chat, run: (*Server).chatPostMessage},
		"chat.postEphemeral": {scopes: chat, run: (*Server).chatPostEphemeral},
		"chat.update":        {scopes: chat, run: (*Server).chatUpdate},
		"chat.delete":        {scopes: chat, run: (*Server).chatDelete},
		"chat.getPermalink":  {run: (*Server).chatGetPermalink},
		"chat.unfurl":        {scopes: []string{"links:write"}, run: (*Server).chatUnfurl},

		"conversations.open":    {scopes: []string{"im:write", "mpim:write"}, run: (*Server).conversationsOpen},
		"conversations.info":    {run: (*Server).conversationsInfo},
		"conversations.members": {run: (*Server).conversationsMembers},
		"conversations.history": {run: (*Server).conversationsHistory},
		"conversations.replies": {run: (*Server).conversationsReplies},

		"users.info":            {scopes: []string{"users:read"}, run: (*Server).usersInfo},
		"users.lookupByEmail":   {scopes: []string{"users:read.email"}, run: (*Server).usersLookupByEmail},
		"usergroups.users.list": {scopes: []string{"usergroups:read"}, run: (*Server).usergroupsUsersList},
	}
}

// apiError is an answer with "ok": false.
type apiError struct {
	code     string
	ours     bool     // it came of what a lever did, and the app is not to blame
	messages []string // response_metadata.messages
	extra    obj
}

func (e *apiError) Error() string {
	return strings.Join(append([]string{e.code}, e.messages...), "; ")
}

func refuse(code string, messages ...string) error { return &apiError{code: code, messages: messages} }

func (e *apiError) object() obj {
	o := obj{"ok": false, "error": e.code}
	maps.Copy(o, e.extra)
	if len(e.messages) > 0 {
		said := make([]any, 0, len(e.messages))
		for _, m := range e.messages {
			said = append(said, m)
		}
		o["response_metadata"] = obj{"messages": said}
		if e.code == "invalid_blocks" {
			o["errors"] = said
		}
	}
	return o
}

// outcomes are errors that a well-behaved app may meet: the world was not as it thought. Every other error is
// a fault of the call itself and becomes a Violation.
func outcomes() []string {
	return []string{
		"missing_scope", "channel_not_found", "not_in_channel", "is_archived", "message_not_found", "cant_update_message",
		"cant_delete_message", "user_not_found", "users_not_found", "user_not_in_channel", "thread_not_found",
		"hash_conflict", "not_found", "no_such_subteam", "method_not_supported_for_channel_type", "push_limit_reached",
	}
}

// call is one call under way.
type call struct {
	name  string
	token string
	args  obj // what form fields and JSON have in common; a form's fields are strings
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	c, err := readCall(r)
	s.mu.Lock()
	fault := s.takeFault(c)
	if fault.held != nil && !s.hold(fault.held) {
		s.mu.Unlock()
		return
	}
	var answer obj
	if fault.prevents() {
		answer = fault.answer()
	} else {
		answer = s.run(c, err)
	}
	rec := Call{Method: c.name, Args: clone(c.args), Response: answer, Status: http.StatusOK, At: s.cfg.Now()}
	switch {
	case fault.status != 0 || fault.cut:
		rec.Status, rec.Response = fault.status, nil
	case fault.limited:
		rec.Status = http.StatusTooManyRequests
	}
	s.calls = append(s.calls, rec)
	s.cfg.Log("slacktest: %s -> %s", c.name, raw(answer))
	scopes := strings.Join(s.cfg.Scopes, ",")
	s.changed()
	s.mu.Unlock()

	w.Header().Set("X-OAuth-Scopes", scopes)
	fault.write(w, r, raw(answer))
}

// run calls the method and turns its error into Slack's answer.
func (s *Server) run(c *call, err error) obj {
	var answer obj
	if err == nil {
		answer, err = s.authorized(c)
	}
	if err == nil {
		answer["ok"] = true
		return answer
	}
	var refused *apiError
	if !errors.As(err, &refused) {
		refused = &apiError{code: "internal_error", messages: []string{err.Error()}}
	}
	if !refused.ours && !slices.Contains(outcomes(), refused.code) {
		if !refused.ours {
			s.violate(BadCall, "%s: %s", c.name, refused.Error())
		}
	}
	return refused.object()
}

func (s *Server) authorized(c *call) (obj, error) {
	m, known := s.methods[c.name]
	if !known {
		return nil, &apiError{code: "unknown_method", extra: obj{"req_method": c.name}}
	}
	isApp, isBot := c.token == s.cfg.AppToken, c.token == s.cfg.BotToken
	switch {
	case c.token == "" && c.name == "api.test":
	case c.token == "":
		return nil, refuse("not_authed")
	case !isApp && !isBot:
		return nil, refuse("invalid_auth")
	case m.appToken != isApp:
		return nil, refuse("not_allowed_token_type")
	}
	if err := s.needScope(m.scopes...); err != nil {
		return nil, err
	}
	return m.run(s, c)
}

// needScope wants any one of the scopes.
func (s *Server) needScope(anyOf ...string) error {
	if len(anyOf) == 0 || slices.ContainsFunc(anyOf, s.granted) {
		return nil
	}
	return &apiError{code: "missing_scope", extra: obj{
		"needed": strings.Join(anyOf, ","), "provided": strings.Join(s.cfg.Scopes, ","),
	}}
}

func (s *Server) granted(scope string) bool { return slices.Contains(s.cfg.Scopes, scope) }

// maxBody is more than any call needs.
const maxBody = 4 << 20

// readCall reads a form or JSON body (https://docs.slack.dev/apis/web-api/#basics).
func readCall(r *http.Request) (*call, error) {
	c := &call{name: r.PathValue("method"), args: obj{}}
	c.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	for k, v := range r.URL.Query() {
		c.args[k] = v[0]
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return c, fmt.Errorf("reading the body: %w", err)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(body) == 0:
	case kind == "application/json":
		if c.token == "" {
			return c, refuse("not_authed", "a JSON body takes its token in the Authorization header")
		}
		var args obj
		if json.Unmarshal(body, &args) != nil {
			return c, refuse("invalid_json")
		}
		maps.Copy(c.args, args)
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return c, refuse("invalid_form_data")
		}
		for k, v := range form {
			c.args[k] = v[0]
		}
	default:
		return c, refuse("invalid_post_type")
	}
	if token := str(c.args["token"]); c.token == "" {
		c.token = token
	}
	delete(c.args, "token")
	return c, nil
}

// text is a string argument.
func (c *call) text(name string) string {
	switch v := c.args[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// need is a string argument that must be there.
func (c *call) need(name string) (string, error) {
	if v := c.text(name); v != "" {
		return v, nil
	}
	return "", refuse("invalid_arguments", "[ERROR] missing required field: "+name)
}

func (c *call) truth(name string) bool {
	v := c.text(name)
	return v == "true" || v == "1"
}

// count is a number argument.
func (c *call) count(name string, otherwise int) (int, error) {
	v := c.text(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, refuse("invalid_limit", "[ERROR] "+name+" must be a positive integer")
	}
	return n, nil
}

// structured is an argument that is JSON: itself in a JSON body, written out in a form field. Missing is nil.
func (c *call) structured(name string) (any, error) {
	v, there := c.args[name]
	if !there || v == nil || v == "" {
		return nil, nil
	}
	text, ok := v.(string)
	if !ok {
		return v, nil
	}
	out, err := decode([]byte(text))
	if err != nil {
		return nil, refuse("invalid_arguments", fmt.Sprintf("[ERROR] %s is not JSON: %v [json-pointer:/%s]", name, err, name))
	}
	return out, nil
}
