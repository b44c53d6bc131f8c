package bot

import (
	"context"
	"time"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// decideWithin bounds a decision where Slack waits for an answer. What is left of its
// three seconds has to do for the store (storeWithin) and a look at GitLab
// (checkWithin).
const decideWithin = 900 * time.Millisecond

// ask asks the gate for what the route of an arrival is about. r is the run that it is
// about, the zero one for none.
func (b *Bot) ask(ctx context.Context, a *arrival, q policy.Question, r run.Run) (policy.Decision, policy.Person) {
	q.Action = a.does
	return b.Gate.ask(ctx, a.who, q, r)
}

// may asks whether somebody may do what people do for themselves: open the form, link,
// look for help. It tells them where they may not.
func (b *Bot) may(ctx context.Context, a *arrival) bool {
	deciding, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	d, _ := b.Gate.ask(deciding, a.who, policy.Question{Action: policy.ActionLink}, run.Run{})
	if d.Outcome != policy.Allow {
		b.answer(ctx, a, b.refusedBy(d))
		return false
	}
	return true
}

// forMembers is an answer about nothing that anybody had to be asked about: who may use
// the bot at all gets it, and others why they may not.
func (b *Bot) forMembers(ctx context.Context, a *arrival, m message) message {
	d, _ := b.Gate.ask(ctx, a.who, policy.Question{Action: policy.ActionLink}, run.Run{})
	if d.Outcome != policy.Allow {
		return b.refusedBy(d)
	}
	return m
}

// misread says what is wrong with what was typed, to those who may type at all.
func (b *Bot) misread(ctx context.Context, a *arrival, fault phrase) {
	if b.may(ctx, a) {
		b.answer(ctx, a, warning(fault...))
	}
}

// answer says something to who acted, in private: in the acknowledgement of a command
// that has none yet, else by the ways that the [Teller] knows.
func (b *Bot) answer(ctx context.Context, a *arrival, m message) {
	if a.Command != nil {
		a.Ack(m.answer())
		return
	}
	b.tell(ctx, a, m)
}

// tell is answer after the acknowledgement.
func (b *Bot) tell(ctx context.Context, a *arrival, m message) {
	_ = b.Tell.privately(ctx, a.recipient(), m) // it logs where no way works
}

// replace is tell in the place of the message that somebody acted on.
func (b *Bot) replace(ctx context.Context, a *arrival, m message) {
	to := a.recipient()
	to.replace = true
	_ = b.Tell.privately(ctx, to, m) // it logs where no way works
}

// refusedBy is a decision in words, with a way to cure it where there is one.
func (b *Bot) refusedBy(d policy.Decision) message {
	if d.Action == policy.ActionView {
		d.Ref = gitlab.Ref{} // who may not see a pipeline is not told what it is of
	}
	return refusedBy(d, b.Linking.Possible())
}

func refusedBy(d policy.Decision, linkable bool) message {
	said := sentenceOf(d)
	if d.Outcome == policy.NeedsApproval {
		// Only a request waits for its approval.
		said = say(words("Somebody else would have to approve that, which I can ask for new pipelines only. Ask one of those who may do it without."))
	}
	m := privately(append(say(emoji("no_entry"), words(" ")), said...)...)
	if d.Why == policy.NotLinked && linkable {
		m.Blocks = append(m.Blocks, linkButton())
	}
	return m
}

// sentenceOf is a decision in words.
func sentenceOf(d policy.Decision) phrase { return say(words(shortenEnd(d.Sentence(), reasonSize))) }
