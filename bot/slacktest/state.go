package slacktest

import "github.com/google/go-cmp/cmp"

// state is what people entered: block_id -> action_id -> the value, as view.state.values carries it
// (https://docs.slack.dev/reference/views).
type state map[string]map[string]obj

// holder says where an element type keeps its value: in the state, and before anybody touched it.
type holder struct {
	key, initial string
	many         bool
}

// empty is the value of nothing.
func (h holder) empty() any {
	if h.many {
		return []any{}
	}
	return nil
}

// holderOf tells how an element type holds a value; false for one that holds none, such as a button.
func holderOf(elementType string) (holder, bool) {
	switch elementType {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		return holder{"value", "initial_value", false}, true
	case "rich_text_input":
		return holder{"rich_text_value", "initial_value", false}, true
	case "static_select", "external_select", "radio_buttons":
		return holder{"selected_option", "initial_option", false}, true
	case "multi_static_select", "multi_external_select", "checkboxes":
		return holder{"selected_options", "initial_options", true}, true
	case "users_select":
		return holder{"selected_user", "initial_user", false}, true
	case "channels_select":
		return holder{"selected_channel", "initial_channel", false}, true
	case "conversations_select":
		return holder{"selected_conversation", "initial_conversation", false}, true
	case "multi_users_select":
		return holder{"selected_users", "initial_users", true}, true
	case "multi_channels_select":
		return holder{"selected_channels", "initial_channels", true}, true
	case "multi_conversations_select":
		return holder{"selected_conversations", "initial_conversations", true}, true
	case "datepicker":
		return holder{"selected_date", "initial_date", false}, true
	case "timepicker":
		return holder{"selected_time", "initial_time", false}, true
	case "datetimepicker":
		return holder{"selected_date_time", "initial_date_time", false}, true
	}
	return holder{}, false
}

// begin fills in what the blocks say themselves.
func (st state) begin(blocks []any) {
	for _, block := range objects(blocks) {
		for _, e := range elements(block) {
			if h, ok := holderOf(str(e["type"])); ok {
				v := e[h.initial]
				if v == nil {
					v = h.empty()
				}
				st.set(str(block["block_id"]), e, h, v)
			}
		}
	}
}

// carry is what an update does: the value of an element stays as long as its block_id, its action_id and its
// type do and a menu still offers it; everything else begins anew. That is why an app that wants a field
// emptied must change its block_id.
func (st state) carry(blocks []any) {
	old := make(state, len(st))
	for id, values := range st {
		old[id] = values
		delete(st, id)
	}
	st.begin(blocks)
	for _, block := range objects(blocks) {
		id := str(block["block_id"])
		for _, e := range elements(block) {
			was := old[id][str(e["action_id"])]
			h, ok := holderOf(str(e["type"]))
			if ok && was != nil && was["type"] == e["type"] && stillOffered(e, was[h.key]) {
				st[id][str(e["action_id"])] = was
			}
		}
	}
}

func (st state) set(blockID string, element obj, h holder, v any) {
	if st[blockID] == nil {
		st[blockID] = map[string]obj{}
	}
	st[blockID][str(element["action_id"])] = obj{"type": element["type"], h.key: v}
}

// get is the value of an element, nil when it is empty.
func (st state) get(blockID string, element obj) any {
	h, ok := holderOf(str(element["type"]))
	if !ok {
		return nil
	}
	return st[blockID][str(element["action_id"])][h.key]
}

// values is the state as payloads carry it.
func (st state) values() obj {
	out := obj{}
	for block, actions := range st {
		inner := obj{}
		for action, v := range actions {
			inner[action] = clone(v)
		}
		out[block] = inner
	}
	return obj{"values": out}
}

func stillOffered(element obj, value any) bool {
	if str(element["type"]) != "static_select" || value == nil {
		return true
	}
	for _, o := range offered(element) {
		if cmp.Equal(o, object(value)) {
			return true
		}
	}
	return false
}

// offered are the options that the blocks themselves list, of all groups.
func offered(element obj) []obj {
	out := objects(element["options"])
	for _, g := range objects(element["option_groups"]) {
		out = append(out, objects(g["options"])...)
	}
	return out
}
