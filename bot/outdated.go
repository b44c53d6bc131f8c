package bot

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
)

// What comes from another version of the bot: a form that stood open while a new one was
// rolled out, a button of a card of years ago, a menu that another replica drew. Nobody is
// left without a word, and nothing that was typed is lost.

// outdatedForm is said in a form that this version cannot go on with.
const outdatedForm = "This form is of another version of me. Copy what you want to keep, close it, and type /pipeline again. Nothing was done."

// outdated is said to who used something that this version does not know.
func outdated() message {
	return warning(words("This is of another version of me, and I cannot read it any more. Nothing was done; type "), code("/pipeline"), words(" to begin again."))
}

// unknown answers for what no route leads from.
func (b *Bot) unknown(ctx context.Context, kind, id string, a *arrival) {
	b.Log.Info("something came that this version does not know", zap.String("kind", kind), zap.String("id", shortenEnd(id, jobNameSize)), zap.String("user", a.who.User))
	switch {
	case kind == bySubmission:
		a.Ack(refusedForm(&a.Interaction.View, outdatedForm))
	case kind == byShortcut, kind == byAction && id != actionView: // which is a link
		a.Ack(nil)
		b.unusable(ctx, a)
	}
}

// unusable tells somebody that what they used is of another version.
func (b *Bot) unusable(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	b.tell(ctx, a, outdated())
}

// metadataSize is the most that Slack keeps for a view, in characters. More is forged.
// https://docs.slack.dev/reference/views/modal-views
const metadataSize = 3000

// isMetadata reports whether a text can be a view's private metadata.
func isMetadata(text string) bool { return utf8.RuneCountInString(text) <= metadataSize }

// inputsOf are the block ids of a view's fields.
func inputsOf(view *slack.View) []string {
	var ids []string
	for _, block := range view.Blocks.BlockSet {
		if input, ok := block.(*slack.InputBlock); ok && input.BlockID != "" {
			ids = append(ids, input.BlockID)
		}
	}
	return ids
}

// onFields shows what is wrong at the fields of a view, by their block ids: it stays open
// with what was typed. Slack takes errors at fields alone, so what is wrong with one that
// the view of another version has not is said at its last.
func onFields(view *slack.View, faults map[string]string) *slack.ViewSubmissionResponse {
	inputs := inputsOf(view)
	if len(inputs) == 0 {
		return fieldErrors(faults)
	}
	there := make(map[string]string, len(faults))
	for block, text := range faults {
		if slices.Contains(inputs, block) {
			there[block] = text
		}
	}
	if len(there) < len(faults) {
		last := inputs[len(inputs)-1]
		there[last] = strings.TrimSpace(there[last] + " " + outdatedForm)
	}
	return fieldErrors(there)
}

// refusedForm keeps a form open with a sentence at one of its fields; where it has none,
// the sentence takes its place.
func refusedForm(view *slack.View, text string) *slack.ViewSubmissionResponse {
	inputs := inputsOf(view)
	switch {
	case slices.Contains(inputs, blockBuildType):
		return fieldErrors(map[string]string{blockBuildType: text})
	case len(inputs) > 0:
		return fieldErrors(map[string]string{inputs[len(inputs)-1]: text})
	default:
		return notice("Not done", text)
	}
}
