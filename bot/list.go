package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func listCommand() command {
	return command{
		name: "list", usage: "[project] [options]", options: listArgs(), summary: "the pipelines of a project, with all of GitLab's filters",
		example: "list group/app --status failed --updated-after 2h",
		action:  policy.ActionView, handle: (*Bot).list,
	}
}

// rowsShown is how many pipelines a page has.
const rowsShown = 10

// The buttons below a list.
const (
	actionListNext  = "list_next"
	actionListBack  = "list_previous"
	actionListAgain = "list_again"
)

// list shows pipelines of a project to who asks.
func (b *Bot) list(ctx context.Context, a *arrival) {
	line, ok := b.parse(ctx, a, listCommand())
	if !ok {
		return
	}
	l, err := parseListing(line, b.projectTyped, b.typed(), time.Now())
	if err != nil {
		b.misread(ctx, a, misunderstood(listCommand(), err))
		return
	}
	if l.project == "" {
		l.project = b.projectFor(a.who.Channel)
	}
	b.showList(ctx, a, l)
}

// turnPage puts another page of a list, or the same one anew, in the place of the list.
func (b *Bot) turnPage(ctx context.Context, a *arrival) {
	a.inPlace = true
	l, ok := parseValue(a.action.Value, b.projectTyped, time.Now())
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, actWithin)
		defer cancel()
		b.Log.Warn("a list's button came back with an unusable value", zap.String("user", a.who.User))
		if b.may(ctx, a) {
			b.tell(ctx, a, warning(words("This list is out of date. Please type "), code("/pipeline list"), words(" again.")))
		}
		return
	}
	b.showList(ctx, a, l)
}

func (b *Bot) showList(ctx context.Context, a *arrival, l listing) {
	b.answering(ctx, a, "Looking for pipelines", func(ctx context.Context) message { return b.listed(ctx, a, l) })
}

// listed is a page of a list, as far as the person may see it.
func (b *Bot) listed(ctx context.Context, a *arrival, l listing) message {
	if d, _ := b.ask(ctx, a, policy.Question{Project: l.project}, run.Run{}); d.Outcome != policy.Allow {
		return b.refusedBy(d)
	}
	s := b.Gate.standing(ctx, ctx, a.who, l.project)
	if s.unknown != "" {
		return listFailed(l, errUnread)
	}
	page, err := b.pageOf(ctx, a.who, &s, l)
	if err != nil {
		b.Log.Warn("listing pipelines failed", zap.String("project", l.project), zap.NamedError("reason", err))
		return listFailed(l, err)
	}
	described, err := b.Lists.Describe(ctx, s.project, page.pipelines)
	if err != nil {
		b.Log.Info("pipelines are listed without who started them", zap.String("project", l.project), zap.NamedError("reason", err))
	}
	shown := pipelinePage{listing: l, path: s.project.Path, more: page.more, unsearched: page.unsearched}
	shown.rows, shown.hidden = s.rows(ctx, b.History, a.who, described)
	return pipelineList(shown)
}

// found is a page of a list, before it is asked what of it somebody may see.
type found struct {
	pipelines []gitlab.Pipeline
	more      bool
	// unsearched: there may be more, further back than was looked.
	unsearched bool
}

func (b *Bot) pageOf(ctx context.Context, who Asker, s *standing, l listing) (found, error) {
	filter := l.filter
	if filter.OrderBy == "" {
		filter.OrderBy = "id" // the newest first, whatever the filter
	}
	if !l.mine {
		list, more, err := b.Lists.PipelinesPage(ctx, s.project.ID, filter, l.page, rowsShown)
		return found{pipelines: list, more: more && l.page < mostPages}, err
	}
	own := ownPipelines{lists: b.Lists, project: s.project.ID, filter: filter, here: b.History.PipelinesOf(who.Team, who.User, s.project.ID)}
	if s.person.Account != nil {
		own.username = s.person.Account.Username
	}
	return own.page(ctx, l.page)
}

// pipelinePage is a page of a list as somebody sees it.
type pipelinePage struct {
	listing
	path       string // of the project
	rows       []row
	hidden     int // on this page
	more       bool
	unsearched bool
}

// pipelineList draws a page of a list.
func pipelineList(p pipelinePage) message {
	heading := append(say(words("Pipelines of ")), p.what()...)
	if p.page > 1 {
		heading = append(heading, words(fmt.Sprintf(" · page %d", p.page)))
	}
	m := privately(heading...)
	for _, r := range p.rows {
		m.Blocks = append(m.Blocks, r.section(r.followButton()))
	}
	if said := p.remarks(); len(said) > 0 {
		m.Blocks = append(m.Blocks, slack.NewRichTextBlock("remarks", paragraph(said...)))
	}
	if buttons := p.pager(); len(buttons) > 0 {
		m.Blocks = append(m.Blocks, slack.NewActionBlock("pages", buttons...))
	}
	return m
}

// what names the project and the filters.
func (p pipelinePage) what() phrase {
	said := say(bold(shortenMiddle(p.path, projectSize)))
	for _, o := range listOptions() {
		switch value := o.write(p.listing); {
		case value == "":
		case o.Value == "":
			said = append(said, words(" · "), code("--"+o.Name))
		case o.at != nil:
			said = append(said, words(" · "), code("--"+o.Name), words(" "), moment(o.at(p.listing)))
		default:
			said = append(said, words(" · "), code("--"+o.Name+" "+shortenMiddle(value, jobNameSize)))
		}
	}
	return said
}

// remarks say what is not there, and why.
func (p pipelinePage) remarks() phrase {
	var said phrase
	switch {
	case len(p.rows) > 0 || p.hidden > 0:
	case p.page > 1:
		said = say(words("There are no more."))
	case p.filtered():
		said = say(words("There are none. Leave a filter out to see more, or type "), code("/pipeline help list"), words("."))
	default:
		said = say(words("There are none yet. Type "), code("/pipeline"), words(" to start one."))
	}
	switch {
	case p.hidden == 1:
		said = append(said, words("One pipeline of this page is left out: you may not see it."))
	case p.hidden > 1:
		said = append(said, words(fmt.Sprintf("%d pipelines of this page are left out: you may not see them.", p.hidden)))
	}
	if p.unsearched {
		if len(said) > 0 {
			said = append(said, words("\n"))
		}
		said = append(said, words("I looked no further back than this. With "), code("--created-before"), words(" I do."))
	}
	return said
}

func (p pipelinePage) filtered() bool {
	return p.mine || p.filter != (gitlab.ListFilter{})
}

// pager are the buttons that lead to other pages.
func (p pipelinePage) pager() []slack.BlockElement {
	var buttons []slack.BlockElement
	to := func(id, label string, page int) {
		l := p.listing
		l.page = page
		buttons = append(buttons, slack.NewButtonBlockElement(id, l.value(), plain(label)))
	}
	if p.page > 1 {
		to(actionListBack, "Previous", p.page-1)
	}
	if p.more {
		to(actionListNext, "Next", p.page+1)
	}
	return buttons
}

// listFailed says why there is no list, with a button to try again where that helps.
func listFailed(l listing, err error) message {
	fault, helps := listFault(err)
	m := warning(append(say(words("I could not list the pipelines of "), bold(shortenMiddle(l.project, projectSize)), words(". ")), fault...)...)
	if helps {
		m.Blocks = append(m.Blocks, slack.NewActionBlock("again", slack.NewButtonBlockElement(actionListAgain, l.value(), plain("Try again"))))
	}
	return m
}

// listFault says why GitLab shows no pipelines; again reports whether it may later.
func listFault(err error) (said phrase, again bool) {
	fault, ok := errors.AsType[*gitlab.Error](err)
	if !ok {
		return actionFault(err), true
	}
	switch fault.Kind {
	case gitlab.NotFound:
		return say(words("GitLab does not find the project. Whoever runs me should check its path in "), code("GITLAB_PROJECTS"),
			words(" and that my access token may see it.")), false
	case gitlab.Forbidden:
		return say(words("GitLab does not let my access token see them. Its owner needs the role Reporter in the project, and the project CI/CD.")), false
	case gitlab.Unauthorized, gitlab.Invalid:
		return actionFault(err), false
	case gitlab.RateLimited:
		if fault.RetryAfter > 0 {
			return say(words("GitLab takes no more requests from me just now. Please try again in " + duration(fault.RetryAfter) + ".")), true
		}
		return actionFault(err), true
	case gitlab.NotSent, gitlab.Unclear:
	}
	return say(words("GitLab does not answer just now. Please try again in a moment.")), true
}

// clock is a time of day in the reader's own zone.
func clock(at time.Time) slack.RichTextSectionElement {
	fallback := at.UTC().Format("15:04 MST")
	return slack.NewRichTextSectionDateElement(at.Unix(), "{time}", nil, &fallback)
}
