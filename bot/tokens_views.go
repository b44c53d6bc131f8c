package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/gitlab"
)

// tokensOnPage is how many trigger tokens one modal lists. Each takes two of its hundred
// blocks.
const tokensOnPage = 25

// readingThem is said of the list until it is there.
const readingThem = "Reading them from GitLab"

// tokensModal lists trigger tokens, the newest first. note is what came of something that
// was done before.
func tokensModal(at tokensAt, path string, list []gitlab.TriggerToken, note phrase, now time.Time) slack.ModalViewRequest {
	list = slices.SortedFunc(slices.Values(list), func(a, b gitlab.TriggerToken) int { return cmp.Compare(b.ID, a.ID) })
	at.Page = min(at.Page, max(0, len(list)-1)/tokensOnPage) // some may be gone
	from := at.Page * tokensOnPage
	shown := list[from:min(from+tokensOnPage, len(list))]
	blocks := append(noted(note), heading(path, tokensCounted(len(list), from, len(shown))), tokensButtons(at.Page, from+len(shown) < len(list)))
	for _, token := range shown {
		blocks = append(blocks, tokenBlocks(token, now)...)
	}
	return tokensView(at, blocks)
}

// tokensUnread says why there is no list.
func tokensUnread(at tokensAt, path string, err error, note phrase) slack.ModalViewRequest {
	why := append(say(emoji("warning"), words(" I cannot list them. ")), tokenFault(err)...)
	again := slack.NewButtonBlockElement(actionTokensShow, strconv.Itoa(at.Page), plain("Try again"))
	return tokensView(at, append(noted(note), heading(path, ""),
		slack.NewRichTextBlock("why", paragraph(why...)), slack.NewActionBlock("tokens", again)))
}

// tokensWorking says what is being done.
func tokensWorking(at tokensAt, path, doing string) slack.ModalViewRequest {
	doingIt := paragraph(emoji("hourglass_flowing_sand"), words(" "+doing+" …"))
	return tokensView(at, []slack.Block{heading(path, ""), slack.NewRichTextBlock("doing", doingIt)})
}

// tokensSaying is a modal that only says something.
func tokensSaying(blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("Trigger tokens"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

func tokensView(at tokensAt, blocks []slack.Block) slack.ModalViewRequest {
	view := tokensSaying(blocks)
	view.PrivateMetadata = at.metadata()
	return view
}

func noted(note phrase) []slack.Block {
	if note == nil {
		return nil
	}
	return []slack.Block{slack.NewRichTextBlock("note", paragraph(note...))}
}

// heading names the project, and says something about it.
func heading(path, about string) slack.Block {
	said := say(words("Trigger tokens of "), bold(shortenMiddle(path, projectSize)))
	if about != "" {
		said = append(said, words(". "+about))
	}
	return slack.NewRichTextBlock("project", paragraph(said...))
}

// tokensCounted says how many there are, and which of them are shown.
func tokensCounted(total, from, shown int) string {
	const grant = "Whoever has one can start pipelines in its owner's name."
	switch {
	case total == 0:
		return "There are none yet."
	case total == 1:
		return "There is 1. " + grant
	case shown == total:
		return fmt.Sprintf("There are %d, the newest first. %s", total, grant)
	default:
		return fmt.Sprintf("These are %d to %d of %d, the newest first. %s", from+1, from+shown, total, grant)
	}
}

func tokensButtons(page int, more bool) slack.Block {
	buttons := []slack.BlockElement{
		slack.NewButtonBlockElement(actionTokenNew, "new", plain("New token")).WithStyle(slack.StylePrimary),
	}
	if page > 0 {
		buttons = append(buttons, slack.NewButtonBlockElement(actionTokensShow, strconv.Itoa(page-1), plain("Newer")))
	}
	if more {
		buttons = append(buttons, slack.NewButtonBlockElement(actionTokensOlder, strconv.Itoa(page+1), plain("Older")))
	}
	return slack.NewActionBlock("tokens", buttons...)
}

// tokenBlocks are one token in the list, with the menu of what can be done to it.
func tokenBlocks(token gitlab.TriggerToken, now time.Time) []slack.Block {
	id := strconv.FormatInt(token.ID, 10)
	menu := slack.NewOverflowBlockElement(actionTokenMenu,
		slack.NewOptionBlockObject(verbRename+" "+id, plain("Rename"), nil),
		slack.NewOptionBlockObject(verbRevoke+" "+id, plain("Revoke"), nil))
	named := slack.NewSectionBlock(plain(called(token)), nil, slack.NewAccessory(menu))
	named.BlockID = "token." + id
	return []slack.Block{named, slack.NewRichTextBlock("about."+id, paragraph(aboutToken(token, now)...))}
}

// calledSize is as much of a description as a line holds.
const calledSize = 100

// called is what people know a token by.
func called(token gitlab.TriggerToken) string {
	return cmp.Or(strings.TrimSpace(shortenEnd(token.Description, calledSize)), fmt.Sprintf("(token %d, without a description)", token.ID))
}

// aboutToken tells whose a token is, and when what was with it.
func aboutToken(token gitlab.TriggerToken, now time.Time) phrase {
	owner := cmp.Or(strings.TrimSpace(token.Owner.Username), "nobody that GitLab names")
	said := say(words("owned by "), bold(shortenEnd(owner, jobNameSize)))
	if !token.CreatedAt.IsZero() {
		said = append(said, words(" · made "), moment(token.CreatedAt))
	}
	if token.LastUsed.IsZero() {
		said = append(said, words(" · never used"))
	} else {
		said = append(said, words(" · "), ago("last used", token.LastUsed))
	}
	switch {
	case token.ExpiresAt.IsZero():
	case token.ExpiresAt.After(now):
		said = append(said, words(" · ends "), moment(token.ExpiresAt))
	default:
		said = append(said, words(" · "), emoji("warning"), words(" ended "), moment(token.ExpiresAt))
	}
	return said
}

// newTokenModal asks what a new token is to be.
func newTokenModal(at tokensAt, path string) slack.ModalViewRequest {
	expires := slack.NewInputBlock(blockExpires, plain("Ends on"),
		plain("The token stops working when that day begins (UTC). Without a day it works until it is revoked."), slack.NewDatePickerBlockElement(actionExpires))
	expires.Optional = true
	return tokenForm(at, callbackTokenNew, "New trigger token", "Make it", []slack.Block{
		slack.NewRichTextBlock("what", paragraph(words("A trigger token for "), bold(shortenMiddle(path, projectSize)),
			words(". Its owner will be the user of my access token: what it starts, GitLab shows as started by them."))),
		descriptionInput(""), expires,
	})
}

// renameModal asks for another description of a token.
func renameModal(at tokensAt, path string, token gitlab.TriggerToken) slack.ModalViewRequest {
	return tokenForm(at, callbackTokenRename, "Rename the token", "Rename", []slack.Block{
		slack.NewRichTextBlock("what", paragraph(say(words("The trigger token "), bold(called(token)), words(" for "),
			bold(shortenMiddle(path, projectSize)), words(". It goes on working."))...)),
		descriptionInput(shortenEnd(token.Description, longestDescription)),
	})
}

// revokeModal asks whether somebody is certain. used says that I start the project's
// pipelines with a trigger token myself; with which one, GitLab's list does not tell.
func revokeModal(at tokensAt, path string, token gitlab.TriggerToken, used bool, now time.Time) slack.ModalViewRequest {
	then := "Whatever uses it can start nothing with it any more, and that cannot be undone. What it has started goes on."
	if used {
		then += "\nI use a trigger token of this project too, and GitLab does not tell me whether it is this one. If it is, I can start nothing here until whoever runs me gives me another one."
	}
	return tokenForm(at, callbackTokenRevoke, "Revoke the token?", "Revoke", []slack.Block{
		slack.NewRichTextBlock("what",
			paragraph(words("The trigger token "), bold(called(token)), words(" for "), bold(shortenMiddle(path, projectSize))),
			paragraph(aboutToken(token, now)...)),
		slack.NewRichTextBlock("then", paragraph(emoji("warning"), words(" "+then))),
	})
}

func tokenForm(at tokensAt, callback, title, submit string, blocks []slack.Block) slack.ModalViewRequest {
	view := tokensView(at, blocks)
	view.CallbackID, view.Title, view.Submit, view.Close = callback, plain(title), plain(submit), plain("Back")
	return view
}

func descriptionInput(initial string) *slack.InputBlock {
	element := slack.NewPlainTextInputBlockElement(plain("Nightly builds"), actionDescription)
	element.MaxLength, element.InitialValue = longestDescription, initial
	return slack.NewInputBlock(blockDescription, plain("Description"), plain("What it is for, and who uses it."), element)
}

// madeModal shows a new token's value. Nothing in it can be clicked: what is clicked in
// sends Slack's copy of the modal around. several says that the settings have more than
// one project.
func madeModal(path string, token gitlab.TriggerToken, several bool) slack.ModalViewRequest {
	value := &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: say(words(token.Value.Reveal()))}
	use := say(words("For me to use it, whoever runs me puts it into "), code("GITLAB_TRIGGER_TOKEN"))
	if several {
		use = say(words("For me to use it, whoever runs me puts "), code(shortenMiddle(path, projectSize)+":"),
			words(" and the value into "), code("GITLAB_TRIGGER_TOKENS"))
	}
	use = append(use, words(" and starts me anew. Do not post it: whoever has it can start pipelines in its owner's name."))
	ends := say(words("It works until it is revoked."))
	if !token.ExpiresAt.IsZero() {
		ends = say(words("It works until "), moment(token.ExpiresAt), words("."))
	}
	view := tokensSaying([]slack.Block{
		slack.NewRichTextBlock("made",
			paragraph(emoji("white_check_mark"), words(" The trigger token "), bold(called(token)), words(" for "), bold(shortenMiddle(path, projectSize)), words(" is made:")),
			value,
			paragraph(emoji("eyes"), words(" This is shown only now: copy it before you close this. I do not keep it. GitLab goes on showing it to its owner alone, who is "),
				bold(shortenEnd(cmp.Or(token.Owner.Username, "the user of my access token"), jobNameSize)), words(".")),
			paragraph(use...), paragraph(ends...)),
	})
	view.Title = plain("New trigger token")
	return view
}
