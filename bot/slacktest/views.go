package slacktest

import (
	"fmt"
	"slices"
)

// view is a modal or a home tab as the workspace keeps it (https://docs.slack.dev/reference/views).
type view struct {
	id         string
	user       *User
	definition obj // what the app sent, with the ids that Slack adds
	hash       string
	state      state
	root       string
	previous   string
	closed     bool

	errors map[string]string // block_id -> what stands under the field
	notice string            // what stands at the top when the connection was the trouble
	loaded loaded
}

// trouble is Slack's sentence for a modal whose app did not answer.
const trouble = "We had some trouble connecting. Try again?"

// maxStack is how many modals lie on each other at most.
const maxStack = 3

func (v *view) blocks() []obj { return objects(v.definition["blocks"]) }

func (v *view) flag(name string) bool { return truth(v.definition[name]) }

// define gives a view what the app says that it is.
func (s *Server) define(v *view, definition obj) {
	first := v.definition == nil
	v.definition = clone(definition)
	if v.definition["blocks"] == nil {
		v.definition["blocks"] = []any{}
	}
	s.identify(list(v.definition["blocks"]))
	if first {
		v.state = state{}
		v.state.begin(list(v.definition["blocks"]))
	} else {
		v.state.carry(list(v.definition["blocks"]))
	}
	v.hash = fmt.Sprintf("%d.%s", s.cfg.Now().Unix(), secret()[:8])
	v.errors, v.notice = nil, ""
	s.changed()
}

// open puts a new modal onto a person's stack.
func (s *Server) open(u *User, definition obj) *view {
	v := &view{id: s.id("V"), user: u, loaded: loaded{}}
	v.root = v.id
	if stack := s.stacks[u.ID]; len(stack) > 0 {
		v.previous, v.root = stack[len(stack)-1].id, stack[0].id
	}
	s.views[v.id] = v
	s.stacks[u.ID] = append(s.stacks[u.ID], v)
	s.define(v, definition)
	return v
}

// shut takes a modal off its stack.
func (s *Server) shut(v *view) {
	v.end()
	s.stacks[v.user.ID] = slices.DeleteFunc(s.stacks[v.user.ID], func(o *view) bool { return o == v })
	s.changed()
}

// end is what closing does to the modal itself, which stays known by its id.
func (v *view) end() {
	v.closed = true
	clear(v.loaded)
}

// shutAll takes all modals of a person away.
func (s *Server) shutAll(u *User) {
	for _, v := range s.stacks[u.ID] {
		v.end()
	}
	s.stacks[u.ID] = nil
	s.changed()
}

// object is the view as payloads and answers carry it. In a block_suggestion Slack leaves the values out.
func (s *Server) viewObject(v *view, withState bool) obj {
	o := clone(v.definition)
	for name, empty := range map[string]any{
		"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false,
		"submit": nil, "close": nil,
	} {
		if _, there := o[name]; !there {
			o[name] = empty
		}
	}
	o["state"] = obj{"values": obj{}}
	if withState {
		o["state"] = v.state.values()
	}
	o["id"], o["hash"], o["team_id"] = v.id, v.hash, v.user.TeamID
	o["app_id"], o["bot_id"], o["app_installed_team_id"] = s.cfg.AppID, s.botID(), s.cfg.TeamID
	o["root_view_id"], o["previous_view_id"] = v.root, nil
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	return o
}
