package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

func auditCommand() command {
	return command{
		name: "audit", usage: "[project] [@user] [since 24h]", summary: "who did what", example: "audit group/app since 24h",
		action: policy.ActionAudit, handle: (*Bot).audit,
	}
}

// auditLines is how many entries one answer shows; pipebot audit export gives all.
const auditLines = 25

// audit shows who did what.
func (b *Bot) audit(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	if !b.readsWords(ctx, a, auditCommand(), strings.Fields(a.args)...) {
		return
	}
	filter, fault := parseAudit(a.args, b.typed(), a.who, time.Now())
	if fault != "" {
		b.misread(ctx, a, say(words(fault)))
		return
	}
	a.Ack(nil)
	d, _ := b.ask(ctx, a, policy.Question{Action: a.does, Project: filter.Project}, run.Run{})
	if d.Outcome != policy.Allow {
		b.tell(ctx, a, b.refusedBy(d))
		return
	}
	filter.Project, filter.Limit = d.Project, auditLines
	entries, err := b.Gate.Audit.Find(ctx, filter)
	if err != nil && !errors.Is(err, run.ErrNotAll) {
		b.tell(ctx, a, warning(actionFault(err)...))
		return
	}
	b.tell(ctx, a, auditList(entries, err == nil))
}

// parseAudit reads "[project] [user] [since 24h]". A user is an id, a mention or me.
func parseAudit(text string, projects []string, who Asker, now time.Time) (f run.Filter, fault string) {
	fields := strings.Fields(text)
	if i := slices.Index(projects, first(fields)); i >= 0 {
		f.Project, fields = projects[i], fields[1:]
	}
	if word := first(fields); word != "" && word != "since" {
		user, _, _ := strings.Cut(strings.Trim(word, "<@>"), "|")
		switch {
		case word == "me":
			user = who.User
		case !policy.IsUserID(user):
			return f, fmt.Sprintf("%q is no project of mine, and no person's id. Ids are like U012AB3CD; me is you.", shortenEnd(word, jobNameSize))
		}
		f.User, fields = user, fields[1:]
	}
	switch {
	case len(fields) == 0:
		f.Since = now.Add(-7 * 24 * time.Hour)
	case len(fields) == 2 && fields[0] == "since":
		d, err := time.ParseDuration(fields[1])
		if err != nil || d <= 0 {
			return f, "I do not understand since when. Write it like since 30m or since 48h."
		}
		f.Since = now.Add(-d)
	default:
		return f, "I do not understand that. Write it like /pipeline audit group/app since 24h"
	}
	return f, ""
}

// auditList shows entries, the newest first. all says that the log was searched to its
// beginning.
func auditList(entries []run.Entry, all bool) message {
	const export = "pipebot audit export"
	if len(entries) == 0 && all {
		return privately(words("Nothing was done in that time. Without "), code("since"), words(" I look at the last seven days."))
	}
	var lines phrase
	for i, e := range entries {
		if i > 0 {
			lines = append(lines, words("\n"))
		}
		lines = append(append(lines, moment(e.At), words(" ")), auditLine(e)...)
	}
	switch {
	case !all && len(entries) == 0:
		lines = say(words("The newest entries have none of it, and I looked no further. "), code(export), words(" gives all."))
	case !all:
		lines = append(lines, words("\nI looked no further back than this. "), code(export), words(" gives all."))
	case len(entries) == auditLines:
		lines = append(lines, words(fmt.Sprintf("\nThese are the newest %d. ", auditLines)), code(export), words(" gives all."))
	}
	return privately(lines...)
}

func auditLine(e run.Entry) phrase {
	line := say(words("the bot"))
	if e.User != "" {
		line = say(mention(e.User))
	}
	line = append(line, words(" "), bold(shortenEnd(e.Action, jobNameSize)))
	if e.Outcome != "" {
		line = append(line, words(" "+shortenEnd(e.Outcome, jobNameSize)))
	}
	if e.Rule != "" {
		line = append(line, words(" by "+shortenEnd(e.Rule, jobNameSize)))
	}
	if e.Project != "" {
		line = append(line, words(" · "+shortenMiddle(e.Project, projectSize)))
	}
	if e.Ref != "" {
		line = append(line, words(" "), code(shortenMiddle(e.Ref, refSize)))
	}
	if e.Pipeline != 0 {
		line = append(line, words(fmt.Sprintf(" · #%d", e.Pipeline)))
	}
	return line
}
