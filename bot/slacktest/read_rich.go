package slacktest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// rich draws a rich_text block (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block), with the
// same signs as mrkdwn.
func (d drawer) rich(b obj) []string {
	var lines []string
	for _, part := range objects(b["elements"]) {
		switch str(part["type"]) {
		case "rich_text_preformatted":
			lines = append(lines, "```"+d.inline(part)+"```")
		case "rich_text_quote":
			lines = append(lines, "> "+d.inline(part))
		case "rich_text_list":
			indent := strings.Repeat("  ", int(number(part["indent"])))
			for i, item := range objects(part["elements"]) {
				bullet := "•"
				if str(part["style"]) == "ordered" {
					bullet = fmt.Sprintf("%d.", i+1+int(number(part["offset"])))
				}
				lines = append(lines, indent+bullet+" "+d.inline(item))
			}
		default:
			lines = append(lines, d.inline(part))
		}
	}
	return lines
}

func (d drawer) inline(part obj) string {
	var out strings.Builder
	for _, e := range objects(part["elements"]) {
		text := d.word(e)
		if truth(object(e["style"])["code"]) {
			text = "`" + text + "`"
		}
		out.WriteString(text)
	}
	return out.String()
}

func (d drawer) word(e obj) string {
	switch str(e["type"]) {
	case "link":
		if text := str(e["text"]); text != "" && text != str(e["url"]) {
			return fmt.Sprintf("%s (%s)", text, str(e["url"]))
		}
		return str(e["url"])
	case "emoji":
		return ":" + str(e["name"]) + ":"
	case "user":
		return "@" + cmp.Or(d.names.users[str(e["user_id"])], str(e["user_id"]))
	case "usergroup":
		return "@" + cmp.Or(d.names.groups[str(e["usergroup_id"])], str(e["usergroup_id"]))
	case "channel":
		return "#" + cmp.Or(d.names.channels[str(e["channel_id"])], str(e["channel_id"]))
	case "broadcast":
		return "@" + str(e["range"])
	case "date":
		if d.at.IsZero() {
			return str(e["fallback"])
		}
		t := time.Unix(int64(number(e["timestamp"])), 0).In(d.at.Location())
		return formatDate(str(e["format"]), t, d.at)
	default:
		return cmp.Or(str(e["text"]), str(e["value"]))
	}
}
