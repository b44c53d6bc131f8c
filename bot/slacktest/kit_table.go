package slacktest

import "slices"

// kit is Block Kit: the blocks and elements that this workspace knows, each with Slack's limits
// (https://docs.slack.dev/reference/block-kit).
type kit struct {
	blocks, elements, rich map[string]shape
}

// What holds elements, by https://docs.slack.dev/reference/block-kit/block-elements.
func selects() []string {
	return []string{"static_select", "external_select", "users_select", "conversations_select", "channels_select"}
}

func multiSelects() []string {
	return []string{
		"multi_static_select", "multi_external_select", "multi_users_select",
		"multi_conversations_select", "multi_channels_select",
	}
}

func inActions() []string {
	return slices.Concat(selects(), multiSelects(), []string{
		"button", "checkboxes", "datepicker", "datetimepicker", "overflow", "radio_buttons",
		"rich_text_input", "timepicker", "workflow_button",
	})
}

func inSection() []string {
	return slices.Concat(selects(), multiSelects(), []string{
		"button", "checkboxes", "datepicker", "image", "overflow", "radio_buttons", "timepicker", "workflow_button",
	})
}

func inInput() []string {
	return slices.Concat(selects(), multiSelects(), []string{
		"checkboxes", "datepicker", "datetimepicker", "email_text_input", "file_input", "number_input",
		"plain_text_input", "radio_buttons", "rich_text_input", "timepicker", "url_text_input",
	})
}

func element(types ...string) check {
	return one(func(k kit) map[string]shape { return k.elements }, types...)
}

func rich(types ...string) check {
	return one(func(k kit) map[string]shape { return k.rich }, types...)
}

func anyBlock(types ...string) check {
	return one(func(k kit) map[string]shape { return k.blocks }, types...)
}

func newKit() kit {
	k := kit{blocks: blockShapes(), elements: elementShapes(), rich: richShapes()}
	for _, sh := range k.blocks {
		sh.fields["type"] = required(chars(1, 255))
		sh.fields["block_id"] = optional(chars(1, 255))
	}
	for name, sh := range k.elements {
		sh.fields["type"] = required(chars(1, 255))
		if name != "image" {
			sh.fields["action_id"] = optional(chars(1, 255))
		}
	}
	for _, sh := range k.rich {
		sh.fields["type"] = required(chars(1, 255))
	}
	return k
}

type fields = map[string]field

func blockShapes() map[string]shape {
	return map[string]shape{
		"actions": {fields: fields{"elements": required(many(1, 25, element(inActions()...)))}, also: []check{uniqueActionIDs}},
		"context": {fields: fields{"elements": required(many(1, 10, contextElement))}},
		"context_actions": {
			fields:   fields{"elements": required(many(1, 5, element("feedback_buttons", "icon_button")))},
			surfaces: []string{"message"},
		},
		"divider": {fields: fields{}},
		"file": {
			fields:   fields{"source": required(enum("remote")), "external_id": required(chars(1, 255))},
			surfaces: []string{"message"},
		},
		"header": {fields: fields{"text": required(plain(150))}},
		"image":  {fields: with(imageFields(), fields{"title": optional(plain(2000))}), also: []check{exactlyOne("image_url", "slack_file")}},
		"input": {fields: fields{
			"label": required(plain(2000)), "hint": optional(plain(2000)), "optional": optional(boolean),
			"dispatch_action": optional(boolean), "element": required(element(inInput()...)),
		}},
		"markdown": {fields: fields{"text": required(chars(1, 12000))}, surfaces: []string{"message"}, also: []check{markdownInAll}},
		"rich_text": {fields: fields{"elements": required(many(0, 1000, rich(
			"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted")))}},
		"section": {fields: fields{
			"text": optional(either(3000)), "fields": optional(many(1, 10, either(2000))),
			"accessory": optional(element(inSection()...)), "expand": optional(boolean),
		}, also: []check{atLeastOne("text", "fields")}},
		"table": {fields: fields{
			"rows":            required(many(1, 100, many(1, 20, tableCell))),
			"column_settings": optional(many(0, 20, columnSetting)),
		}, surfaces: []string{"message"}, also: []check{oneTable}},
		"video": {fields: fields{
			"video_url": required(link), "thumbnail_url": required(link), "alt_text": required(chars(1, 2000)),
			"title": required(plain(200)), "title_url": optional(link), "description": optional(plain(200)),
			"author_name": optional(chars(1, 50)), "provider_name": optional(chars(1, 50)), "provider_icon_url": optional(link),
		}},
	}
}

func imageFields() fields {
	return fields{
		"alt_text": required(chars(1, 2000)), "image_url": optional(link),
		"slack_file": optional(is(shape{fields: fields{"id": optional(chars(1, 255)), "url": optional(link)}, also: []check{exactlyOne("id", "url")}})),
	}
}

func elementShapes() map[string]shape {
	confirm := confirmDialog()
	focus := fields{"focus_on_load": optional(focusOnce)}
	placeholder := fields{"placeholder": optional(plain(150))}
	label := fields{"accessibility_label": optional(chars(1, 75))}
	style := fields{"style": optional(enum("primary", "danger"))}
	dispatch := fields{"dispatch_action_config": optional(is(shape{fields: fields{
		"trigger_actions_on": optional(many(1, 2, enum("on_enter_pressed", "on_character_entered"))),
	}}))}
	menu := with(confirm, focus, placeholder)
	upTo := fields{"max_selected_items": optional(within(1, 100))}
	minQuery := fields{"min_query_length": optional(within(0, 3000))}
	respond := fields{"response_url_enabled": optional(boolean)}
	filter := conversationFilter()
	options := fields{
		"options":       optional(many(1, 100, option(false, false))),
		"option_groups": optional(many(1, 100, optionGroup())),
	}
	input := with(focus, placeholder, dispatch)
	ids := func(name string) fields { return fields{name: optional(many(1, 100, chars(1, 255)))} }
	anyOption := optional(option(false, false))
	someOptions := optional(many(1, 100, option(false, false)))

	return map[string]shape{
		"button": {fields: with(confirm, label, style, fields{
			"text": required(plain(75)), "value": optional(chars(0, 2000)), "url": optional(link),
		})},
		"checkboxes": {fields: with(confirm, focus, fields{
			"options": required(many(1, 10, option(true, false))), "initial_options": optional(many(1, 10, option(true, false))),
		}), also: []check{initialIsOffered}},
		"datepicker":       {fields: with(menu, fields{"initial_date": optional(chars(10, 10))})},
		"datetimepicker":   {fields: with(confirm, focus, fields{"initial_date_time": optional(within(1e9, 1e10-1))})},
		"email_text_input": {fields: with(input, fields{"initial_value": optional(chars(0, 3000))})},
		"feedback_buttons": {fields: fields{"positive_button": required(feedback), "negative_button": required(feedback)}},
		"file_input":       {fields: fields{"filetypes": optional(many(1, 100, chars(1, 20))), "max_files": optional(within(1, 10))}, surfaces: []string{"modal"}},
		"icon_button": {fields: with(confirm, label, fields{
			"icon": required(enum("trash")), "text": required(plain(75)), "value": optional(chars(0, 2000)),
			"visible_to_user_ids": optional(many(1, 100, chars(1, 255))),
		})},
		"image": {fields: imageFields(), also: []check{exactlyOne("image_url", "slack_file")}},
		"number_input": {fields: with(input, fields{
			"is_decimal_allowed": required(boolean), "initial_value": optional(chars(1, 50)),
			"min_value": optional(chars(1, 50)), "max_value": optional(chars(1, 50)),
		})},
		"overflow": {fields: with(confirm, fields{"options": required(many(1, 5, option(false, true)))})},
		"plain_text_input": {fields: with(input, fields{
			"initial_value": optional(chars(0, 3000)), "multiline": optional(boolean),
			"min_length": optional(within(0, 3000)), "max_length": optional(within(1, 3000)),
		})},
		"radio_buttons": {fields: with(confirm, focus, fields{
			"options": required(many(1, 10, option(true, false))), "initial_option": optional(option(true, false)),
		}), also: []check{initialIsOffered}},
		"rich_text_input": {fields: with(input, fields{"initial_value": optional(anyBlock("rich_text"))})},
		"static_select": {
			fields: with(menu, options, fields{"initial_option": anyOption}),
			also:   []check{exactlyOne("options", "option_groups"), initialIsOffered},
		},
		"multi_static_select": {
			fields: with(menu, options, upTo, fields{"initial_options": someOptions}),
			also:   []check{exactlyOne("options", "option_groups"), initialIsOffered},
		},
		"external_select":            {fields: with(menu, minQuery, fields{"initial_option": anyOption})},
		"multi_external_select":      {fields: with(menu, minQuery, upTo, fields{"initial_options": someOptions})},
		"users_select":               {fields: with(menu, fields{"initial_user": optional(chars(1, 255))})},
		"multi_users_select":         {fields: with(menu, upTo, ids("initial_users"))},
		"channels_select":            {fields: with(menu, respond, fields{"initial_channel": optional(chars(1, 255))})},
		"multi_channels_select":      {fields: with(menu, upTo, ids("initial_channels"))},
		"conversations_select":       {fields: with(menu, respond, filter, fields{"initial_conversation": optional(chars(1, 255))})},
		"multi_conversations_select": {fields: with(menu, upTo, filter, ids("initial_conversations"))},
		"timepicker":                 {fields: with(menu, fields{"initial_time": optional(chars(5, 5)), "timezone": optional(chars(1, 255))})},
		"url_text_input":             {fields: with(input, fields{"initial_value": optional(chars(0, 3000))})},
		"workflow_button":            {fields: with(confirm, label, style, fields{"text": required(plain(75)), "workflow": required(nil)})},
	}
}

// confirmDialog is https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object.
func confirmDialog() fields {
	return fields{"confirm": optional(is(shape{fields: fields{
		"title": required(plain(100)), "text": required(either(300)), "confirm": required(plain(30)),
		"deny": required(plain(30)), "style": optional(enum("primary", "danger")),
	}}))}
}

// conversationFilter is https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object.
func conversationFilter() fields {
	return fields{
		"default_to_current_conversation": optional(boolean),
		"filter": optional(is(shape{fields: fields{
			"include":                          optional(many(1, 4, enum("im", "mpim", "private", "public"))),
			"exclude_external_shared_channels": optional(boolean), "exclude_bot_users": optional(boolean),
		}})),
	}
}

// option is an option object. Its text may be mrkdwn in checkboxes and radio buttons, it may have a url in an
// overflow menu. The documentation allows a value of 150 characters, Slack's own types 75: the smaller holds
// here (https://docs.slack.dev/reference/block-kit/composition-objects/option-object).
func option(mayBeStyled, mayLink bool) check {
	text := plain(75)
	if mayBeStyled {
		text = either(75)
	}
	f := fields{"text": required(text), "value": required(chars(1, 75)), "description": optional(plain(75))}
	if mayBeStyled {
		f["description"] = optional(either(75))
	}
	if mayLink {
		f["url"] = optional(link)
		f["value"] = optional(chars(1, 75))
	}
	return is(shape{fields: f})
}

func optionGroup() check {
	return is(shape{fields: fields{"label": required(plain(75)), "options": required(many(1, 100, option(false, false)))}})
}

func richShapes() map[string]shape {
	inline := rich("text", "link", "emoji", "user", "usergroup", "channel", "team", "date", "broadcast", "color")
	border := fields{"border": optional(within(0, 1))}
	style := fields{"style": optional(is(shape{fields: fields{
		"bold": optional(boolean), "italic": optional(boolean), "strike": optional(boolean), "code": optional(boolean),
		"underline": optional(boolean), "highlight": optional(boolean), "client_highlight": optional(boolean), "unlink": optional(boolean),
	}}))}
	text := required(chars(1, 12000))
	return map[string]shape{
		"rich_text_section":      {fields: fields{"elements": required(many(0, 1000, inline))}},
		"rich_text_quote":        {fields: with(border, fields{"elements": required(many(0, 1000, inline))})},
		"rich_text_preformatted": {fields: with(border, fields{"elements": required(many(0, 1000, rich("text", "link"))), "language": optional(chars(1, 255))})},
		"rich_text_list": {fields: with(border, fields{
			"elements": required(many(1, 1000, rich("rich_text_section"))), "style": required(enum("bullet", "ordered")),
			"indent": optional(within(0, 8)), "offset": optional(within(0, 10000)),
		})},
		"text":      {fields: with(style, fields{"text": text})},
		"link":      {fields: with(style, fields{"url": required(link), "text": optional(chars(1, 12000)), "unsafe": optional(boolean)})},
		"emoji":     {fields: with(style, fields{"name": required(chars(1, 255)), "unicode": optional(chars(1, 255))})},
		"user":      {fields: with(style, fields{"user_id": required(chars(1, 255))})},
		"usergroup": {fields: with(style, fields{"usergroup_id": required(chars(1, 255))})},
		"channel":   {fields: with(style, fields{"channel_id": required(chars(1, 255))})},
		"team":      {fields: with(style, fields{"team_id": required(chars(1, 255))})},
		"broadcast": {fields: with(style, fields{"range": required(enum("here", "channel", "everyone"))})},
		"color":     {fields: with(style, fields{"value": required(chars(1, 255))})},
		"date": {fields: with(style, fields{
			"timestamp": required(within(0, 1e11)), "format": required(chars(1, 255)),
			"url": optional(link), "fallback": optional(chars(0, 3000)),
		})},
	}
}
