package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"pipebot/bot/args"
	"pipebot/bot/policy"
)

// command is a word behind /pipeline. Each has a file of its own, with what may follow
// the word, how that is read, and what is done.
type command struct {
	name    string
	usage   string        // what follows the word, but for the options
	options []args.Option // what more may follow it
	summary string
	example string // behind /pipeline
	action  policy.Action
	handle  func(b *Bot, ctx context.Context, a *arrival)
}

// typed is the whole of the command, as help shows it.
func (c command) typed() string {
	return strings.TrimSpace("/pipeline " + strings.TrimSpace(c.name+" "+c.usage))
}

// commands are all of them, in the order in which help shows them. The first, without
// a word, opens the form.
func commands() []command {
	return []command{
		formCommand(),
		runCommand(),
		listCommand(),
		statusCommand(),
		followCommand(),
		retryCommand(),
		cancelCommand(),
		playCommand(),
		deleteCommand(),
		variablesCommand(),
		testsCommand(),
		renameCommand(),
		tokensCommand(),
		canICommand(),
		linkCommand(),
		unlinkCommand(),
		freezeCommand(),
		unfreezeCommand(),
		auditCommand(),
		helpCommand(),
	}
}

func commandNamed(name string) (command, bool) {
	list := commands()
	i := slices.IndexFunc(list, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return list[i], true
}

// mostTyped is as much as a command may have, in bytes: Slack's own message field takes
// 12,000 characters.
const mostTyped = 48 << 10

// command leads to the command that was typed; nothing typed opens the form.
func (b *Bot) command(ctx context.Context, a *arrival) {
	if len(a.Command.Text) > mostTyped {
		a.Ack(warning(words("That is more than one command can have. Nothing was done; to start a pipeline with much in it, type "), code("/pipeline"), words(" and fill in the form.")).answer())
		return
	}
	text := strings.TrimSpace(a.Command.Text)
	word := first(strings.Fields(text))
	a.args = strings.TrimSpace(strings.TrimPrefix(text, word))
	if c, ok := commandNamed(strings.ToLower(word)); ok {
		b.follow(ctx, byCommand, c.name, a)
		return
	}
	b.unknownCommand(ctx, a, word)
}

// parse reads what was typed behind the word. Where it cannot be read, who typed it is
// told what was perhaps meant, with an example, and ok is false.
func (b *Bot) parse(ctx context.Context, a *arrival, c command) (line args.Line, ok bool) {
	line, err := args.Parse(a.args, c.options)
	if err != nil {
		b.misread(ctx, a, misunderstood(c, err))
		return line, false
	}
	return line, true
}

// parseNothing is parse for a command that takes neither words nor options.
func (b *Bot) parseNothing(ctx context.Context, a *arrival, c command) bool {
	line, ok := b.parse(ctx, a, c)
	if ok && len(line.Words) > 0 {
		b.misread(ctx, a, misunderstood(c, &args.Error{Text: "Nothing goes behind " + c.name + "."}))
		return false
	}
	return ok
}

// readsWords reports whether none of these is typed as an option, and tells who typed
// one: it is for commands that read what follows without quotes and options.
func (b *Bot) readsWords(ctx context.Context, a *arrival, c command, typed ...string) bool {
	for _, word := range typed {
		if err := args.Stray(word); err != nil {
			b.misread(ctx, a, misunderstood(c, err))
			return false
		}
	}
	return true
}

// misunderstood says what is wrong with what was typed behind a command.
func misunderstood(c command, err error) phrase {
	said := say(words(shortenEnd(err.Error(), notificationSize)))
	if fault, ok := errors.AsType[*args.Error](err); ok && fault.Meant != "" {
		said = say(words(shortenEnd(fault.Text, notificationSize)+" Did you mean "), code(fault.Meant), words("?"))
	}
	return append(said, words(" Write it like "), code("/pipeline "+c.example), words("."))
}

// unknownCommand says what was meant.
func (b *Bot) unknownCommand(ctx context.Context, a *arrival, word string) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	if b.may(ctx, a) {
		a.Ack(unknown(word, "").answer())
	}
}

// unknown says that a word is no command, and what was perhaps meant: before is what was
// typed before it.
func unknown(word, before string) message {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	said := say(emoji("warning"), words(" I do not know "), code("/pipeline "+shortenEnd(word, jobNameSize)), words("."))
	if meant := policy.Nearest(word, names); meant != "" {
		said = append(said, words(" Did you mean "), code("/pipeline "+before+meant), words("? All commands: "), code("/pipeline help"))
		return privately(said...)
	}
	return privately(append(append(said, words("\n")), helpLines()...)...)
}
