package bot

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// row is a pipeline among others.
type row struct {
	project, id int64 // the pipeline's; 0: a request has none yet
	look        face
	url         string
	at          time.Time
	// what and who are from outside: the ref with the pipeline's name, and who started it.
	what, who string
	// verbs are what its menu offers.
	verbs []verb
}

// pipelineRow is a pipeline that who started.
func pipelineRow(p gitlab.Pipeline, who string) row {
	r := row{
		project: p.ProjectID, id: p.ID, url: p.WebURL, at: p.CreatedAt, what: shortenMiddle(p.Ref, rowSize),
		look: faceOf(run.Run{State: run.Started, Pipeline: p}), verbs: verbsFor(p),
	}
	if p.Name != "" {
		r.what += " · " + shortenEnd(p.Name, rowSize)
	}
	if who != "" {
		r.who = "by " + shortenEnd(who, jobNameSize)
	}
	return r
}

// runRow is what became of a request. The menu needs a pipeline in a project of the
// settings, which known says it is.
func runRow(r run.Run, known bool) row {
	own := row{
		project: r.Project.ID, id: r.Pipeline.ID, look: faceOf(r), url: r.Pipeline.WebURL, at: r.Request.At,
		what: shortenMiddle(r.Request.Ref.Name, rowSize) + " · " + shortenEnd(r.Request.BuildType, stageNameSize),
		who:  shortenMiddle(projectName(r), projectSize),
	}
	switch {
	case r.Deleted:
		own.url = "" // there is no page any more
	case known && r.Pipeline.ID != 0:
		own.verbs = verbsFor(r.Pipeline)
	}
	return own
}

// rowSize is as much of a ref, and of a pipeline's name, as a row shows: ten rows have
// to fit into an acknowledgement.
const rowSize = 44

// section draws the row. What is in mrkdwn are our own words, numbers and an address;
// names from outside are plain text.
func (r row) section(accessory slack.BlockElement) slack.Block {
	line := fmt.Sprintf(":%s: *%s*", r.look.emoji, ownWord(r.look.word))
	if r.id != 0 {
		line += "  " + mrkdwnLink(r.url, fmt.Sprintf("#%d", r.id))
	}
	if !r.at.IsZero() {
		line += fmt.Sprintf("  <!date^%d^{ago}|%s>", r.at.Unix(), r.at.UTC().Format("2006-01-02 15:04 MST"))
	}
	fields := []*slack.TextBlockObject{plain(cmp.Or(r.what, "no ref"))}
	if r.who != "" {
		fields = append(fields, plain(r.who))
	}
	var beside *slack.Accessory
	if accessory != nil {
		beside = slack.NewAccessory(accessory)
	}
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, line, false, false), fields, beside)
}

// statusWord is how GitLab writes a status that we do not know.
var statusWord = regexp.MustCompile(`^[A-Za-z ]{1,40}$`)

// ownWord is a word that can stand in mrkdwn: the words of our own faces can, and those
// that are made of a status unknown to us where they are words.
func ownWord(word string) string {
	if !statusWord.MatchString(word) {
		return "Unknown status"
	}
	return word
}

// mrkdwnLink is a link, and just words where the address is none of a page. text is
// ours.
func mrkdwnLink(address, text string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(address) > 1000 {
		return text
	}
	// What String leaves of these would end the address.
	safe := strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", "&", "&amp;", " ", "%20").Replace(u.String())
	return "<" + safe + "|" + text + ">"
}

// The action ids of what stands beside a row.
const (
	actionFollow = "follow"
	actionMenu   = "pipeline_menu"
)

func (r row) followButton() slack.BlockElement {
	return slack.NewButtonBlockElement(actionFollow, pipelineValue(r.project, r.id), plain("Follow"))
}

// verb is what a pipeline's menu offers to do with it.
type verb struct {
	name, label string
	action      policy.Action
}

// verbs are all of them, in the order of the menu, of which one of cancel, retry and
// play is there at most: Slack takes five.
// https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element
func verbs() []verb {
	return []verb{
		{"follow", "Follow", policy.ActionView},
		{"cancel", "Cancel", policy.ActionCancel},
		{"retry", "Retry", policy.ActionRetry},
		{"play", "Start a job", policy.ActionPlay},
		{"again", "Run again", policy.ActionRun},
		{"variables", "Variables", policy.ActionVariables},
		{"delete", "Delete", policy.ActionDelete},
	}
}

func verbNamed(name string) (verb, bool) {
	list := verbs()
	i := slices.IndexFunc(list, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return list[i], true
}

// verbsFor are those that make sense with a pipeline as it is.
func verbsFor(p gitlab.Pipeline) []verb {
	return slices.DeleteFunc(verbs(), func(v verb) bool {
		switch v.action {
		case policy.ActionCancel:
			return p.Status.Ended() || p.Status == gitlab.StatusManual || p.Status == gitlab.StatusCanceling
		case policy.ActionRetry:
			return p.Status != gitlab.StatusFailed && p.Status != gitlab.StatusCanceled
		case policy.ActionPlay:
			return p.Status != gitlab.StatusManual
		default:
			return false
		}
	})
}

// menu is the row's menu, nil where there is nothing to do.
func (r row) menu() slack.BlockElement {
	if len(r.verbs) == 0 {
		return nil
	}
	options := make([]*slack.OptionBlockObject, len(r.verbs))
	for i, v := range r.verbs {
		options[i] = slack.NewOptionBlockObject(v.name+" "+pipelineValue(r.project, r.id), plain(v.label), nil)
	}
	return slack.NewOverflowBlockElement(actionMenu, options...)
}

// menuChosen does what somebody chose from a row's menu.
func (b *Bot) menuChosen(ctx context.Context, a *arrival) {
	b.Homes.touched(a.who)
	name, value, _ := strings.Cut(a.action.SelectedOption.Value, " ")
	projectID, id, ok := parsePipelineValue(value)
	_, project, err := b.projectByID(projectID)
	if !ok {
		err = errStale
	}
	switch chosen, offered := verbNamed(name); {
	case err != nil:
		if b.may(ctx, a) {
			b.tell(ctx, a, notFoundOut(err))
		}
	case !offered:
		b.Log.Warn("a menu came back with something that it does not offer")
		b.unusable(ctx, a)
	default:
		a.does = chosen.action
		b.onPipeline(ctx, a, chosen.name, project, id)
	}
}
