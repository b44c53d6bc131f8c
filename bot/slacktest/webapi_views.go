package slacktest

// viewsOpen opens a modal for whom the trigger belongs to (https://docs.slack.dev/reference/methods/views.open).
func (s *Server) viewsOpen(c *call) (obj, error) {
	return s.openView(c, func(t *trigger) error {
		s.shutAll(t.user) // a new root takes the place of what was open
		return nil
	})
}

// viewsPush puts a modal on those that are open (https://docs.slack.dev/reference/methods/views.push).
func (s *Server) viewsPush(c *call) (obj, error) {
	return s.openView(c, func(t *trigger) error {
		switch n := len(s.stacks[t.user.ID]); {
		case n == 0:
			return refuse("not_found")
		case n >= maxStack:
			return refuse("push_limit_reached")
		}
		return nil
	})
}

func (s *Server) openView(c *call, prepare func(*trigger) error) (obj, error) {
	definition, err := s.viewArgument(c, "modal")
	if err != nil {
		return nil, err
	}
	if id := str(definition["external_id"]); id != "" && s.external(id) != nil {
		return nil, refuse("duplicate_external_id")
	}
	t, err := s.exchange(c)
	if err != nil {
		return nil, err
	}
	if err := prepare(t); err != nil {
		return nil, err
	}
	t.used = true
	return obj{"view": s.viewObject(s.open(t.user, definition), true)}, nil
}

// viewsUpdate replaces what an open modal shows (https://docs.slack.dev/reference/methods/views.update).
func (s *Server) viewsUpdate(c *call) (obj, error) {
	definition, err := s.viewArgument(c, "")
	if err != nil {
		return nil, err
	}
	v := s.views[c.text("view_id")]
	if id := c.text("external_id"); id != "" {
		v = s.external(id)
	}
	hash := c.text("hash")
	switch {
	case c.text("view_id") == "" && c.text("external_id") == "":
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: view_id or external_id")
	case v == nil || v.closed:
		return nil, refuse("not_found")
	case definition["type"] != v.definition["type"]:
		return nil, refuse("invalid_arguments", "[ERROR] a view cannot change its type [json-pointer:/view/type]")
	case hash != "" && hash != v.hash:
		return nil, refuse("hash_conflict")
	}
	s.define(v, definition)
	return obj{"view": s.viewObject(v, true)}, nil
}

// viewsPublish sets a person's home tab (https://docs.slack.dev/reference/methods/views.publish).
func (s *Server) viewsPublish(c *call) (obj, error) {
	definition, err := s.viewArgument(c, "home")
	if err != nil {
		return nil, err
	}
	u, known := s.users[c.text("user_id")]
	if !known {
		return nil, refuse("user_not_found")
	}
	v := s.homes[u.ID]
	if hash := c.text("hash"); v != nil && hash != "" && hash != v.hash {
		return nil, refuse("hash_conflict")
	}
	if v == nil {
		v = &view{id: s.id("V"), user: u, loaded: loaded{}}
		v.root = v.id
		s.views[v.id], s.homes[u.ID] = v, v
	}
	s.define(v, definition)
	return obj{"view": s.viewObject(v, true)}, nil
}

// viewArgument is the checked view of a call.
func (s *Server) viewArgument(c *call, want string) (obj, error) {
	v, err := c.structured("view")
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: view")
	}
	if len(raw(v)) > maxView {
		return nil, refuse("view_too_large")
	}
	if problems := s.kit.checkView(v, want); len(problems) > 0 {
		return nil, refuse("invalid_arguments", problems...)
	}
	return object(v), nil
}

func (s *Server) external(id string) *view {
	for _, v := range s.views {
		if !v.closed && str(v.definition["external_id"]) == id {
			return v
		}
	}
	return nil
}
