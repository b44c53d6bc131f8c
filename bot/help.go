package bot

import (
	"context"
	"strings"

	"pipebot/bot/policy"
)

func helpCommand() command {
	return command{
		name: "help", usage: "[command]", summary: "this list, or more about one command", example: "help run",
		action: policy.ActionLink, handle: (*Bot).help,
	}
}

// help lists the commands, or tells more about one.
func (b *Bot) help(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	if !b.may(ctx, a) {
		return
	}
	name := strings.ToLower(first(strings.Fields(strings.TrimPrefix(a.args, "/pipeline "))))
	c, known := commandNamed(name)
	switch {
	case name == "":
		a.Ack(privately(helpLines()...).answer())
	case known:
		a.Ack(privately(helpWith(c)...).answer())
	default:
		a.Ack(unknown(name, "help ").answer())
	}
}

func helpLines() phrase {
	var lines phrase
	for _, c := range commands() {
		lines = append(lines, code(c.typed()), words("  "+c.summary+"\n"))
	}
	return append(lines, words("More about one: "), code("/pipeline "+helpCommand().example))
}

// helpWith tells all about one command.
func helpWith(c command) phrase {
	lines := say(code(c.typed()), words("  "+c.summary))
	for _, o := range c.options {
		lines = append(lines, words("\n"), code(o.String()), words("  "+o.Help))
	}
	return append(lines, words("\nFor example: "), code("/pipeline "+c.example))
}
