package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// A start of which nobody knows what came of it: the card asks, and whoever may run the
// pipeline can answer.

const (
	actionThisOne    = "this_one"
	actionNoneOfThem = "none_of_them"
	actionLookAgain  = "look_again"
)

// doubtValue is what the buttons carry: which run, which of its unclear starts its
// reader saw, and the pipeline that they say it is, 0 for none. It comes back from
// outside and is held against the record.
func doubtValue(r run.Run, pipeline int64) string {
	return fmt.Sprintf("%s %d %d", r.Request.ID, r.Doubt(), pipeline)
}

func parseDoubtValue(value string) (id string, doubt, pipeline int64, ok bool) {
	fields := strings.Fields(value)
	if len(fields) != 3 {
		return "", 0, 0, false
	}
	doubt, wrong := strconv.ParseInt(fields[1], 10, 64)
	pipeline, wrongToo := strconv.ParseInt(fields[2], 10, 64)
	return fields[0], doubt, pipeline, wrong == nil && wrongToo == nil && pipeline >= 0
}

// asking is the line that asks what came of a start.
func asking(r run.Run) phrase {
	page := link(pipelinesURL(r), "the project's pipelines")
	switch n := len(r.Candidates); {
	case n == 0:
		return say(words("GitLab does not tell me whether it runs. Please look among "), page,
			words(": if it is there, "), code("/pipeline follow"), words(" shows it here; if not, start it again."))
	case n == 1 && r.MoreCandidates == 0:
		return say(words("GitLab gave no answer when I started it. It may be this pipeline; I cannot tell. Is it?"))
	case r.MoreCandidates == 0:
		return say(words("GitLab gave no answer when I started it. It may be one of these pipelines; I cannot tell which. Please say."))
	default:
		return say(words(fmt.Sprintf("GitLab gave no answer when I started it. It may be one of these pipelines, or of %d more among ", r.MoreCandidates)),
			page, words("; I cannot tell which. Please say."))
	}
}

// candidateRows are the pipelines that a run may have become, each with its button.
func candidateRows(r run.Run) []slack.Block {
	if r.State != run.Unknown {
		return nil
	}
	var rows []slack.Block
	for i, p := range r.Candidates {
		told := p
		told.Ref = "Commit " + oneLine(p.SHA[:min(8, len(p.SHA))]) // they are all of one ref
		button := slack.NewButtonBlockElement(numbered(actionThisOne, i), doubtValue(r, p.ID), plain("This one"))
		if r.Approval != nil && r.Approval.SHA != p.SHA {
			button = button.WithConfirm(slack.NewConfirmationBlockObject(plain("Is it this one?"),
				plain(fmt.Sprintf("Pipeline #%d is not of the commit that was approved, so I cancel it then.", p.ID)),
				plain("This one"), plain("Not yet"),
			).WithStyle(slack.StyleDanger))
		}
		rows = append(rows, pipelineRow(told, p.User.Username).section(button))
	}
	return rows
}

func doubtButtons(r run.Run) []slack.BlockElement {
	warned := "If one of the pipelines was it after all, a second one runs then."
	if len(r.Candidates) == 0 {
		warned = "If GitLab has started it after all, a second pipeline runs then."
	}
	again := slack.NewButtonBlockElement(actionNoneOfThem, doubtValue(r, 0), plain("None, start again")).WithConfirm(
		slack.NewConfirmationBlockObject(plain("Start it again?"), plain(warned), plain("Start again"), plain("Not yet")).WithStyle(slack.StyleDanger))
	return []slack.BlockElement{again, slack.NewButtonBlockElement(actionLookAgain, doubtValue(r, 0), plain("Look again"))}
}

// saidBy is who decided about an unclear start, and how.
func saidBy(v run.Verdict) phrase {
	if v.Pipeline != 0 {
		return say(mention(v.By), words(" said that this is it"))
	}
	return say(mention(v.By), words(" had it started again"))
}

// thisOne goes on with the pipeline that somebody points to.
func (b *Bot) thisOne(ctx context.Context, a *arrival) {
	b.settleDoubt(ctx, a, "pointed out", func(ctx context.Context, id string, doubt, pipeline int64) error {
		if pipeline == 0 {
			return errStale
		}
		return b.settleAs(ctx, a, id, doubt, pipeline)
	})
}

// noneOfThem starts what somebody says was not started.
func (b *Bot) noneOfThem(ctx context.Context, a *arrival) {
	b.settleDoubt(ctx, a, "to be started again", func(ctx context.Context, id string, doubt, _ int64) error {
		return b.settleAs(ctx, a, id, doubt, 0)
	})
}

// lookAgain has GitLab asked once more.
func (b *Bot) lookAgain(ctx context.Context, a *arrival) {
	b.settleDoubt(ctx, a, "looked for again", func(ctx context.Context, id string, doubt, _ int64) error {
		return b.Runs.LookAgain(ctx, id, doubt)
	})
}

func (b *Bot) settleAs(ctx context.Context, a *arrival, id string, doubt, pipeline int64) error {
	at := time.Now().UTC().Truncate(time.Millisecond) // as the record keeps it
	_, err := b.Runs.Settle(ctx, id, run.Verdict{By: a.who.User, Team: a.who.Team, At: at, Doubt: doubt, Pipeline: pipeline})
	return err
}

// settleDoubt does what a button of an unclear start asks for, for those who may run the
// pipeline. The card shows what came of it; only a failure needs words.
func (b *Bot) settleDoubt(ctx context.Context, a *arrival, outcome string, do func(ctx context.Context, id string, doubt, pipeline int64) error) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	id, doubt, pipeline, ok := parseDoubtValue(a.action.Value)
	if !ok {
		b.tell(ctx, a, notSettled(errStale))
		return
	}
	r, err := b.onCard(ctx, id, cardOf(a.Interaction))
	if err != nil {
		b.tell(ctx, a, notSettled(err))
		return
	}
	q := questionOf(a.does, r, a.who)
	d, _ := b.ask(ctx, a, q, r)
	if !maySettle(d, q, r) {
		b.tell(ctx, a, b.refusedBy(d))
		return
	}
	err = do(ctx, id, doubt, pipeline)
	b.Log.Info("somebody said what came of an unclear start", zap.String("run", id), zap.String("user", a.who.User),
		zap.String("outcome", outcome), zap.Int64("pipeline", pipeline), zap.NamedError("reason", err))
	b.Gate.done(ctx, d, a.who, q, r, outcome, err)
	if err != nil {
		b.tell(ctx, a, notSettled(err))
	}
}

// maySettle reports whether a decision about running it is enough. Where running takes
// an approval, it is for the asker, since their request waits for one before it is
// posted again, and for all once it was given.
func maySettle(d policy.Decision, q policy.Question, r run.Run) bool {
	return d.Outcome == policy.Allow || d.Outcome == policy.NeedsApproval && (q.Own || r.Approval != nil)
}

// notSettled says why nothing has become of what somebody said.
func notSettled(err error) message {
	switch {
	case errors.Is(err, run.ErrSettled):
		return warning(words("This has been decided already: the card shows how."))
	case errors.Is(err, run.ErrAnothers):
		return warning(words("That pipeline belongs to another request by now. Press Look again, and it goes from the list."))
	case errors.Is(err, run.ErrNoCandidate):
		err = errStale
	}
	return warning(actionFault(err)...)
}
