package slacktest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"
)

// A response url takes 5 messages in 30 minutes
// (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
const (
	responseURLUses = 5
	responseURLLife = 30 * time.Minute
)

// responseURL is the right to answer one action. Who holds it needs no token.
type responseURL struct {
	user    *User
	channel *Channel
	at      time.Time
	uses    int
	// source is what replace_original replaces. After a slash command it is nil: what was
	// answered to that is neither replaced nor deleted, a new message comes below it. Slack's
	// pages tell of messages that were interacted with alone, and people find no other way
	// (https://docs.slack.dev/messaging/modifying-messages,
	// https://github.com/slackapi/bolt-js/issues/2287, https://github.com/slackapi/bolt-python/issues/1268).
	source *message
}

func (s *Server) newResponseURL(u *User, c *Channel, source *message) string {
	key := secret()
	s.responseURLs[key] = &responseURL{user: u, channel: c, at: s.cfg.Now(), source: source}
	return s.base + "/response/" + key
}

func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	const name = "response_url"
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody)) // a body cut short is no JSON
	s.mu.Lock()
	fault := s.takeFault(&call{name: name})
	status, args := http.StatusOK, obj{}
	var answer obj
	switch {
	case fault.prevents():
		answer = fault.answer()
	case json.Unmarshal(body, &args) != nil:
		status, answer = http.StatusBadRequest, refuseURL("invalid_payload")
	default:
		status, answer = s.respond(s.responseURLs[r.PathValue("secret")], args)
	}
	if status != http.StatusOK {
		s.violate(BadResponse, "%s", raw(answer))
	}
	rec := Call{Method: name, Args: clone(args), Response: answer, Status: status, At: s.cfg.Now()}
	if fault.status != 0 || fault.cut {
		rec.Status, rec.Response = fault.status, nil
	}
	s.calls = append(s.calls, rec)
	s.changed()
	s.mu.Unlock()
	if status != http.StatusOK {
		writeJSON(w, status, raw(answer))
		return
	}
	fault.write(w, r, raw(answer))
}

func refuseURL(code string) obj { return obj{"ok": false, "error": code} }

func (s *Server) respond(u *responseURL, args obj) (int, obj) {
	switch {
	case u == nil:
		return http.StatusNotFound, refuseURL("invalid_url")
	case u.uses >= responseURLUses:
		return http.StatusNotFound, refuseURL("used_url")
	case s.cfg.Now().Sub(u.at) > responseURLLife:
		return http.StatusNotFound, refuseURL("expired_url")
	}
	if truth(args["delete_original"]) {
		u.uses++
		if u.source != nil {
			u.source.deleted = true
		}
		return http.StatusOK, obj{"ok": true}
	}
	c, problems := s.answerContent(args)
	if len(problems) > 0 {
		return http.StatusBadRequest, (&apiError{code: "invalid_blocks", messages: problems}).object()
	}
	if c.text == "" && len(c.blocks) == 0 && len(c.attachments) == 0 {
		return http.StatusBadRequest, refuseURL("no_text")
	}
	u.uses++
	if truth(args["replace_original"]) && u.source != nil && !u.source.deleted {
		s.edit(u.source, c)
		return http.StatusOK, obj{"ok": true}
	}
	s.answerWith(u.user, u.channel, c, args)
	return http.StatusOK, obj{"ok": true}
}

// answerWith adds the message with which the app answers an action: to the person alone unless it says
// in_channel. It reaches channels that the bot is not in.
func (s *Server) answerWith(u *User, ch *Channel, c content, args obj) {
	m := &message{channel: ch, author: s.bot, content: c, threadTS: str(args["thread_ts"])}
	if str(args["response_type"]) != "in_channel" {
		m.ephemeralFor = u.ID
	}
	s.add(m)
}

// answerContent reads a message given as an answer.
func (s *Server) answerContent(args obj) (content, []string) {
	var problems []string
	if blocks, given := args["blocks"]; given && blocks != nil {
		problems = s.kit.checkMessage(blocks)
	}
	if kind, given := args["response_type"]; given && !slices.Contains([]string{"ephemeral", "in_channel"}, str(kind)) {
		problems = append(problems, "[ERROR] must be a valid enum value [json-pointer:/response_type]")
	}
	return content{text: str(args["text"]), blocks: clone(list(args["blocks"])), attachments: clone(list(args["attachments"]))}, problems
}
