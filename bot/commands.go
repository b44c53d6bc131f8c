package bot

import (
	"context"
	"strings"

	"pipebot/bot/policy"
)

// command is a word behind /pipeline.
type command struct {
	name    string
	usage   string // what follows the word
	summary string
	example string
	action  policy.Action
	handle  func(b *Bot, ctx context.Context, a *arrival)
}

// commands are all of them, in the order in which help shows them. The first, without
// a word, opens the form.
func commands() []command {
	return []command{
		{"", "", "open the form that starts a pipeline", "", policy.ActionLink, (*Bot).open},
		{"can-i", "[project] [ref] [build type]", "what you may do, and which rule decides", "can-i group/app main release", policy.ActionLink, (*Bot).canI},
		{"link", "", "tell me who you are in GitLab", "link", policy.ActionLink, (*Bot).link},
		{"unlink", "", "make me forget who you are in GitLab", "unlink", policy.ActionLink, (*Bot).unlink},
		{"freeze", "[project] [ref pattern] [for 2h] reason", "let nothing start for a while", "freeze group/app release/* for 2h the release is out", policy.ActionFreeze, (*Bot).freeze},
		{"unfreeze", "[project] [ref pattern]", "let it start again", "unfreeze group/app release/*", policy.ActionUnfreeze, (*Bot).unfreeze},
		{"audit", "[project] [@user] [since 24h]", "who did what", "audit group/app since 24h", policy.ActionAudit, (*Bot).audit},
		{"help", "", "this list", "help", policy.ActionLink, (*Bot).help},
	}
}

// unknownCommand says what was meant.
func (b *Bot) unknownCommand(ctx context.Context, a *arrival, word string) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	if b.may(ctx, a) {
		a.Ack(unknown(word).answer())
	}
}

func unknown(word string) message {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	said := say(emoji("warning"), words(" I do not know "), code("/pipeline "+shortenEnd(word, jobNameSize)), words("."))
	if meant := policy.Nearest(word, names); meant != "" {
		said = append(said, words(" Did you mean "), code("/pipeline "+meant), words("?"))
	}
	return privately(append(append(said, words("\n")), helpLines()...)...)
}

// help lists the commands.
func (b *Bot) help(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	if !b.may(ctx, a) {
		return
	}
	a.Ack(privately(helpLines()...).answer())
}

func helpLines() phrase {
	var lines phrase
	for i, c := range commands() {
		if i > 0 {
			lines = append(lines, words("\n"))
		}
		typed := strings.TrimSpace("/pipeline " + strings.TrimSpace(c.name+" "+c.usage))
		lines = append(lines, code(typed), words("  "+c.summary))
	}
	return lines
}
