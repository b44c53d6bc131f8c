package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"pipebot/gitlab"
)

const (
	// optionSize is the most that an option's text may have, in characters.
	// https://docs.slack.dev/reference/block-kit/composition-objects/option-object
	optionSize = 75
	// valueSize is the most that an option's value may have: 150 by the
	// documents, 75 by Slack's own types. The smaller one is safe with both.
	valueSize = 75
	// optionsBytes bounds the options of one answer: Slack drops an
	// acknowledgement of more than 20,480 bytes.
	optionsBytes = 18_000
)

// refOption is a ref as the select shows it. The same ref is always the same option:
// Slack takes an initial option only if it could also be loaded. What the person may do
// with it is known only once it is loaded, so that stands in the heading of its group
// and not in the option.
func refOption(ref gitlab.Ref) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(ref.Key(valueSize), plain(shortenMiddle(ref.Name, optionSize)), nil)
}

// refGroups are the groups of the ref field, cut to what an answer holds: branches and
// tags that may be run at once, then those with a mark.
func refGroups(branches, tags []gitlab.Ref, markOf func(gitlab.Ref) mark) slack.OptionGroupsResponse {
	budget := optionsBytes
	// Tags come second on the screen but shall not be crowded out.
	tagOptions := options(tags, budget/2, &budget)
	branchOptions := options(branches, budget, &budget)
	ofBranches, ofTags := byMark(branches, branchOptions, markOf), byMark(tags, tagOptions, markOf)
	var response slack.OptionGroupsResponse
	for m := unmarked; m <= forbidden; m++ {
		for _, group := range []struct {
			kind    string
			options []*slack.OptionBlockObject
		}{{"Branches", ofBranches[m]}, {"Tags", ofTags[m]}} {
			if len(group.options) > 0 {
				response.OptionGroups = append(response.OptionGroups, slack.NewOptionGroupBlockElement(plain(m.heading(group.kind)), group.options...))
			}
		}
	}
	return response
}

// byMark sorts the options of the first refs by the refs' marks.
func byMark(refs []gitlab.Ref, options []*slack.OptionBlockObject, markOf func(gitlab.Ref) mark) map[mark][]*slack.OptionBlockObject {
	sorted := make(map[mark][]*slack.OptionBlockObject)
	for i, option := range options {
		m := markOf(refs[i])
		sorted[m] = append(sorted[m], option)
	}
	return sorted
}

// options makes options of the refs while they fit into share bytes, which are
// taken from the budget.
func options(refs []gitlab.Ref, share int, budget *int) []*slack.OptionBlockObject {
	list := make([]*slack.OptionBlockObject, 0, len(refs))
	for _, ref := range refs {
		option := refOption(ref)
		size := jsonSize(option.Text.Text) + jsonSize(option.Value) + optionFrame
		if size > share {
			break
		}
		share -= size
		*budget -= size
		list = append(list, option)
	}
	return list
}

// optionFrame is what an option needs around its two strings, as JSON.
const optionFrame = len(`{"text":{"type":"plain_text","text":,"emoji":false},"value":},`)

// jsonSize is how many bytes a string has as JSON, or a little more.
func jsonSize(text string) int {
	data, err := json.Marshal(text)
	if err != nil {
		return 6*len(text) + 2
	}
	return len(data)
}

// projectKey is a project's path or id as an option's value.
func projectKey(name string) string {
	if utf8.RuneCountInString(name) <= valueSize {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "#" + hex.EncodeToString(sum[:16])
}

// projectByKey finds the project whose option has the value.
func projectByKey(projects []string, key string) (string, bool) {
	for _, name := range projects {
		if projectKey(name) == key {
			return name, true
		}
	}
	return "", false
}
