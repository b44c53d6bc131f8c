package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/budget"
	"pipebot/bot/run"
)

const (
	// cardName is the card's name among the messages of a run.
	cardName = "card"
	// metadataEvent marks our messages: run and name tell which it is.
	metadataEvent = "pipebot_run"
	// postSettle is how long Slack may take to show a message whose sender died.
	postSettle = 3 * time.Second
)

// post posts a message of the run under its name: the card, or a reply in its
// thread. That it is about to be posted is saved before; whoever finds such a mark
// looks in the channel for the message before posting it again.
func (s *showing) post(ctx context.Context, name string, m message) (again time.Duration, err error) {
	if s.shown.Posting == name {
		if wait := s.unsettled(time.Now()); wait > 0 {
			return wait, nil
		}
		if again := s.Budget.Take(lookBy(name), "", budget.Start); again > 0 {
			return again, nil
		}
		channel, ts, err := s.find(ctx, name)
		if err != nil {
			return 0, err
		}
		if ts != "" {
			return 0, s.posted(name, "", channel, ts) // it may say less than m
		}
		if err := s.unmark(); err != nil { // looking again would bring nothing
			return 0, err
		}
	}
	if again := s.postable(name); again > 0 {
		return again, nil
	}
	s.shown.Posting, s.shown.PostingAt, s.shown.PostingLost = name, time.Now(), false
	if err := s.save(s.shown); err != nil {
		return 0, err
	}
	channel, ts, sent, err := s.send(ctx, name, m)
	if err != nil && notDone(err) {
		return 0, errors.Join(err, s.unmark())
	}
	if err != nil {
		s.shown.PostingLost = true
		return 0, errors.Join(err, s.save(s.shown))
	}
	return 0, s.posted(name, hashOf(sent), channel, ts)
}

// unsettled is how much longer the message may come that is being posted: its sender died,
// or was given no answer.
func (s *showing) unsettled(now time.Time) time.Duration {
	if s.shown.PostingLost {
		return left(s.shown.PostingAt, unsureFor, now)
	}
	return left(s.shown.PostingAt, postSettle, now)
}

// unmark takes the mark away of a message that was not posted.
func (s *showing) unmark() error {
	s.shown.Posting, s.shown.PostingAt, s.shown.PostingLost = "", time.Time{}, false
	return s.save(s.shown)
}

// postable is when a message may be posted, 0 for now.
func (s *showing) postable(name string) (again time.Duration) {
	if name == cardName {
		return s.Budget.Take(budget.PostMessage, s.run.Request.Channel, budget.Start)
	}
	return s.Budget.Take(budget.PostMessage, s.shown.Channel, budget.End)
}

// send posts where the run belongs, or in the asker's direct messages where Slack
// does not let us; there a card says why it is.
func (s *showing) send(ctx context.Context, name string, m message) (channel, ts string, sent message, err error) {
	marked := slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType:    metadataEvent,
		EventPayload: map[string]any{"run": s.run.Request.ID, "message": name},
	})
	options := append(m.options(), marked)
	channel = s.run.Request.Channel
	if name != cardName {
		channel = s.shown.Channel
		options = append(options, slack.MsgOptionTS(s.shown.Card))
	}
	// A person's id is answered with the channel of their direct messages, by which alone
	// the message is found again.
	at, ts, err := s.API.PostMessageContext(ctx, channel, options...)
	if err == nil && ts == "" {
		err = errNoAnswer // it is looked for before it is posted again
	}
	answer, refused := asSlackError(err)
	if !refused {
		return at, ts, m, err
	}
	s.Log.Info("posting in the person's direct messages instead", zap.String("run", s.run.Request.ID), zap.String("reason", answer.Err))
	if name == cardName {
		m.Blocks = append(m.Blocks, inviteHint(s.run.Request.Channel, s.BotName()))
	}
	channel, ts, err = s.Tell.direct(ctx, s.run.Request.Asker, append(m.options(), marked)...)
	if err == nil && ts == "" {
		err = errNoAnswer
	}
	if answer, refused := asSlackError(err); refused {
		// Nobody is there to be told. The run goes on all the same.
		s.Log.Error("a message found no place", zap.String("run", s.run.Request.ID), zap.String("reason", answer.Err))
		return "", "", m, nil
	}
	return channel, ts, m, err
}

func (s *showing) posted(name, hash, channel, ts string) error {
	s.shown.Posting, s.shown.PostingAt, s.shown.PostingLost = "", time.Time{}, false
	switch {
	case name != cardName:
		s.shown.Told = append(s.shown.Told, name)
		s.stands(name, hash, ts)
	case ts == "":
		s.shown.Told = append(s.shown.Told, toldLost)
	default:
		s.shown.Channel, s.shown.Card, s.shown.Hash, s.shown.At = channel, ts, hash, time.Now()
	}
	return s.save(s.shown)
}

// find looks for a message of the run by its metadata, where the scopes allow it.
// Where they do not, it is posted again: at least once. That is so for a card that
// may have gone to the person's direct messages, too: their channel is not known
// before something was posted there.
// https://docs.slack.dev/messaging/message-metadata
func (s *showing) find(ctx context.Context, name string) (channel, ts string, err error) {
	channel = s.run.Request.Channel
	if name != cardName {
		channel = s.shown.Channel
	}
	ts, err = s.findIn(ctx, channel, name)
	return channel, ts, err
}

// lookBy is the method by which a message is looked for.
func lookBy(name string) string {
	if name == cardName {
		return budget.History
	}
	return budget.Replies
}

const (
	// historyPage is how many messages Slack recommends to ask for at once, historyPages
	// how many times: with the times bounded, more than any channel has.
	// https://docs.slack.dev/reference/methods/conversations.history
	historyPage  = 200
	historyPages = 10
)

func (s *showing) findIn(ctx context.Context, channel, name string) (ts string, err error) {
	cursor := ""
	for range historyPages {
		messages, next, err := s.readPage(ctx, channel, name, cursor)
		if answer, refused := asSlackError(err); refused {
			s.Log.Info("cannot look for a message that may have been posted", zap.String("run", s.run.Request.ID), zap.String("reason", answer.Err))
			return "", nil
		}
		if err == nil && messages == nil {
			err = errNoAnswer // which is not "none"
		}
		if err != nil {
			return "", err
		}
		if i := slices.IndexFunc(messages, func(m slack.Message) bool { return isOurs(m, s.run, name) }); i >= 0 {
			return messages[i].Timestamp, nil
		}
		if next == "" {
			break
		}
		cursor = next
	}
	return "", nil
}

// readPage reads messages from about the time when one may have been posted: of the
// channel, or of the card's thread.
func (s *showing) readPage(ctx context.Context, channel, name, cursor string) (messages []slack.Message, next string, err error) {
	oldest, latest := postedBetween(s.shown.PostingAt, time.Now())
	if name != cardName {
		messages, _, next, err = s.API.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: s.shown.Card, Oldest: oldest, Latest: latest, Cursor: cursor, Limit: historyPage, IncludeAllMetadata: true,
		})
		return messages, next, err
	}
	history, err := s.API.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: channel, Oldest: oldest, Latest: latest, Cursor: cursor, Limit: historyPage, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", err
	}
	return history.Messages, history.ResponseMetaData.NextCursor, nil
}

func isOurs(m slack.Message, r run.Run, name string) bool {
	return m.Metadata.EventType == metadataEvent &&
		m.Metadata.EventPayload["run"] == r.Request.ID && m.Metadata.EventPayload["message"] == name
}

// asSlackError finds Slack's own refusal in an error: ok false in its answer. What
// passes by itself counts as no refusal.
func asSlackError(err error) (slack.SlackErrorResponse, bool) {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return answer, false
	}
	return answer, !budget.Passes(answer.Err)
}

func asRateLimited(err error) *slack.RateLimitedError {
	limited, _ := errors.AsType[*slack.RateLimitedError](err)
	return limited
}
