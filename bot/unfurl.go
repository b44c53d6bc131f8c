package bot

import (
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

const (
	eventLink = "link_shared"
	// mostUnfurled is how many links of one message are unfolded; more would be a page.
	mostUnfurled = 5
	// inComposer is the channel of a link that is still being written, which is in no
	// channel yet by which could be decided who may see what. The same comes again once
	// it is posted.
	// https://docs.slack.dev/reference/events/link_shared
	inComposer = "COMPOSER"
)

// unfurl shows the pipelines that somebody posted links to, under their message. Slack
// tells of a link again where it is not certain that we heard; a second chat.unfurl puts
// the same in the place of the first.
func (b *Bot) unfurl(ctx context.Context, a *arrival) {
	shared, ok := a.Event.InnerEvent.Data.(*slackevents.LinkSharedEvent)
	if !ok || shared.Channel == inComposer {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	unfurls := b.unfurls(ctx, a, b.pipelinesIn(shared.Links))
	if len(unfurls) == 0 {
		return
	}
	if _, _, _, err := b.API.UnfurlMessageContext(ctx, shared.Channel, shared.MessageTimeStamp, unfurls); err != nil {
		b.Log.Warn("links were not unfolded", zap.String("channel", shared.Channel), zap.String("reason", slackReason(err)))
	}
}

// linked is a link to a pipeline.
type linked struct {
	address string // as it was posted: Slack finds it by that
	to      target
}

// pipelinesIn are the first links that lead to pipelines here. Others are left alone.
func (b *Bot) pipelinesIn(links []slackevents.SharedLinks) []linked {
	var list []linked
	for _, link := range links {
		t, fault := b.parseTarget([]string{link.URL})
		is := func(l linked) bool { return l.address == link.URL }
		if fault == "" && t.id != 0 && len(list) < mostUnfurled && !slices.ContainsFunc(list, is) {
			list = append(list, linked{link.URL, t})
		}
	}
	return list
}

// unfurls are the pipelines among these that the person may see, by their addresses.
// What there is to say about the others is said to nobody in the channel.
func (b *Bot) unfurls(ctx context.Context, a *arrival, links []linked) map[string]slack.Attachment {
	found := make([]*message, len(links))
	together(links, lookAtOnce, func(i int, link linked) {
		r, err := b.observed(ctx, link.to)
		if err != nil { // it is left out
			b.Log.Info("a link to a pipeline is not unfolded", zap.String("project", link.to.project), zap.Int64("pipeline", link.to.id), zap.NamedError("reason", err))
			return
		}
		if d, _ := b.ask(ctx, a, questionOf(policy.ActionView, r, a.who), r); d.Outcome == policy.Allow {
			m := preview(r, time.Now())
			found[i] = &m
		}
	})
	unfurls := make(map[string]slack.Attachment)
	for i, m := range found {
		if m != nil {
			unfurls[links[i].address] = slack.Attachment{Fallback: m.Text, Blocks: slack.Blocks{BlockSet: m.Blocks}}
		}
	}
	return unfurls
}

// observed is a pipeline with its stages, as GitLab shows it now.
func (b *Bot) observed(ctx context.Context, t target) (run.Run, error) {
	project, err := b.Projects.Resolve(ctx, t.project)
	if err != nil {
		return run.Run{}, err
	}
	var o gitlab.Observation
	if o, err = b.Pipelines.ObserveOne(ctx, project.ID, t.id); err != nil {
		return run.Run{}, err
	}
	r, err := b.known(ctx, t.project, project, o.Pipeline)
	r.Progress = o.Progress
	return r, err
}

// preview is a pipeline under a link to it. Nobody keeps it up to date, so it has no
// buttons and says when it was true.
func preview(r run.Run, at time.Time) message {
	r.Request.Quiet = true // who follows it is told elsewhere
	m := card(r)
	lines := slices.Concat(headline(r), summary(r), stages(r), footer(r), say(words(" · As of "), moment(at)))
	m.Blocks = []slack.Block{slack.NewRichTextBlock("preview", paragraph(lines...))}
	return m
}
