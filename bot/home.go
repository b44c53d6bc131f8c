package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

const (
	eventHomeOpened = "app_home_opened"
	// actionOpenForm is the button of the Home that opens the form.
	actionOpenForm = "open_form"
)

// How much of a Home there is. Slack takes 100 blocks: 9 for what is at the top, as many
// as runs, and for each project its heading and its pipelines.
// https://docs.slack.dev/surfaces/app-home
const (
	ownRunsShown  = 8
	projectsShown = 13
	pipelinesEach = 5
)

// homeOpened shows somebody their Home, and keeps it current for a while.
func (b *Bot) homeOpened(ctx context.Context, a *arrival) {
	opened, ok := a.Event.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
	if !ok || opened.Tab != "home" {
		return // or the conversation with the bot, which is opened by the same event
	}
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	deciding, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	d, _ := b.Gate.ask(deciding, a.who, policy.Question{Action: a.does}, run.Run{})
	if d.Outcome != policy.Allow {
		b.Homes.refuse(ctx, a.who, d)
		return
	}
	b.Homes.opened(ctx, a.who)
}

// homePage is what is on somebody's Home.
type homePage struct {
	refused  *policy.Decision // then there is nothing else
	linkable bool
	unlinked bool
	account  string // their name in GitLab, empty where that is not known
	own      []row
	projects []homeProject
	more     int // projects that do not fit
	away     time.Time
	// waiting: it is not known of every project whether they may see it; asked says that
	// GitLab was asked.
	waiting, asked bool
}

// homeProject is a project on somebody's Home.
type homeProject struct {
	path    string
	reading bool // nothing is known of it yet
	fault   phrase
	rows    []row
}

// homeView draws a Home.
func homeView(p homePage) slack.HomeTabViewRequest {
	var blocks []slack.Block
	add := func(more ...slack.Block) { blocks = append(blocks, more...) }
	if p.refused != nil {
		add(line(append(say(emoji("no_entry"), words(" ")), sentenceOf(*p.refused)...)...))
		if p.refused.Why == policy.NotLinked && p.linkable {
			add(linkButton())
		}
		return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	}
	add(slack.NewActionBlock("start", slack.NewButtonBlockElement(actionOpenForm, "open", plain("Run pipeline")).WithStyle(slack.StylePrimary)))
	add(p.whoTheyAre()...)
	if !p.away.IsZero() {
		add(line(emoji("warning"), words(" GitLab has not answered since "), clock(p.away), words(". What is below is how it was then.")))
	}
	add(slack.NewHeaderBlock(plain("Your runs")))
	for _, r := range p.own {
		add(r.section(r.menu()))
	}
	if len(p.own) == 0 {
		add(line(words("None yet. Press "), bold("Run pipeline"), words(", or type "), code("/pipeline"), words(" in a channel.")))
	}
	for _, project := range p.projects {
		add(project.blocks()...)
	}
	switch {
	case p.waiting && p.asked:
		add(line(emoji("hourglass_flowing_sand"), words(" GitLab does not tell me just now what you may see. I ask again in a moment.")))
	case p.waiting:
		add(line(emoji("hourglass_flowing_sand"), words(" Reading pipelines from GitLab …")))
	}
	if p.more > 0 {
		add(line(words(fmt.Sprintf("%d more projects do not fit here. ", p.more)), code("/pipeline list project"), words(" shows any of them.")))
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
}

// whoTheyAre says as whom somebody acts in GitLab.
func (p homePage) whoTheyAre() []slack.Block {
	switch {
	case p.account != "":
		return []slack.Block{line(words("In GitLab you are "), bold(shortenEnd(p.account, jobNameSize)), words(". You may do here what you may do there."))}
	case p.unlinked && p.linkable:
		return []slack.Block{line(emoji("link"), words(" I do not know yet who you are in GitLab. Once I do, you see your projects' pipelines here, and may do here what you may do there.")), linkButton()}
	case p.unlinked:
		return []slack.Block{line(emoji("link"), words(" I do not know who you are in GitLab. Ask whoever runs me to enter you in the policy file."))}
	default:
		return nil
	}
}

// line is a line of words.
func line(elements ...slack.RichTextSectionElement) slack.Block {
	return slack.NewRichTextBlock("", paragraph(elements...))
}

func (p homeProject) blocks() []slack.Block {
	blocks := []slack.Block{slack.NewHeaderBlock(plain(shortenMiddle(p.path, projectSize)))}
	switch {
	case len(p.fault) > 0:
		return append(blocks, line(append(say(emoji("warning"), words(" ")), p.fault...)...))
	case p.reading:
		return append(blocks, line(emoji("hourglass_flowing_sand"), words(" Reading pipelines from GitLab …")))
	case len(p.rows) == 0:
		return append(blocks, line(words("No pipelines that you may see.")))
	}
	for _, r := range p.rows {
		blocks = append(blocks, r.section(r.menu()))
	}
	return blocks
}
