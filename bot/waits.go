package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/budget"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// A reply that offers to start jobs stands for as long as its buttons may be used. It is
// drawn from the record like the card, so that a button goes whoever started its job, and
// wherever: from the thread, from the card, by a command or in GitLab.

// waitsPrefix begins the names of those replies.
const waitsPrefix = "waits:"

// stands takes note of a reply that was posted and has buttons.
func (s *showing) stands(name, hash, ts string) {
	if strings.HasPrefix(name, waitsPrefix) && ts != "" {
		s.shown.Standing = append(slices.Clone(s.shown.Standing), run.Standing{Name: name, TS: ts, Hash: hash})
	}
}

// redraw brings the replies that stand in line with the run.
func (s *showing) redraw(ctx context.Context) (again time.Duration, err error) {
	for _, reply := range s.shown.Standing {
		if again, err := s.redrawReply(ctx, reply); again > 0 || err != nil {
			return again, err
		}
	}
	return 0, nil
}

// redrawReply edits a reply that should read otherwise by now, once the budget has something
// left for it. It is let go once neither the run nor an edit under way can change it.
func (s *showing) redrawReply(ctx context.Context, reply run.Standing) (again time.Duration, err error) {
	drawn, last := drawStanding(s.run, reply)
	hash := hashOf(drawn)
	gone := false
	if hash != reply.Hash {
		if again := s.Budget.Take(budget.Update, "", budget.End); again > 0 {
			return again, nil
		}
		err := s.edit(ctx, reply.TS, drawn)
		switch {
		case errors.Is(err, errNotSaved):
			return 0, err
		case err != nil && !permanent(err):
			return 0, errors.Join(err, s.save(s.shown))
		case err != nil:
			s.Log.Warn("a reply keeps its buttons", zap.String("run", s.run.Request.ID), zap.String("reason", slackReason(err)))
			gone = true
		}
	}
	gone = gone || last && s.shown.Unsure.IsZero()
	if hash == reply.Hash && !gone {
		return 0, nil
	}
	rest := slices.Clone(s.shown.Standing)
	at := slices.Index(rest, reply)
	if rest[at].Hash = hash; gone {
		rest = slices.Delete(rest, at, at+1)
	}
	s.shown.Standing = rest
	return 0, s.save(s.shown)
}

// drawStanding draws a reply that stands as it should read now; last says that nothing in it
// can change any more.
func drawStanding(r run.Run, reply run.Standing) (m message, last bool) {
	current := r.State == run.Started && reply.Name == waitsName(r)
	if !current {
		r.Progress.Manual = nil
	}
	var started []run.Act
	for _, act := range r.Acts {
		if act.Verb == run.Play && act.At.After(sentAt(reply.TS)) {
			started = append(started, act)
		}
	}
	if current && waitsForSomebody(r) && len(started) == 0 {
		return waiting(r), false
	}
	// Who started the last job is written down after that is seen, at times.
	last = !current || len(r.Progress.Manual) == 0 && !waitsForSomebody(r) && len(r.Doing) == 0
	r.State, r.Pipeline.Status = run.Started, gitlab.StatusManual // what it tells of
	return waited(r, started), last
}

// sentAt is when a message was sent, by its id: seconds since 1970, and what tells those
// of one second apart.
func sentAt(ts string) time.Time {
	seconds, _, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// resume finds out what became of a reply that was being posted when its sender died, and
// that nobody would post any more: what it stands for has passed. Its buttons go, if it
// was posted.
func (s *showing) resume(ctx context.Context) (again time.Duration, err error) {
	name := s.shown.Posting
	if name == "" || name == cardName || slices.ContainsFunc(replies(s.run), func(r reply) bool { return r.name == name }) {
		return 0, nil
	}
	if wait := s.unsettled(time.Now()); wait > 0 {
		return wait, nil
	}
	if again := s.Budget.Take(lookBy(name), "", budget.End); again > 0 {
		return again, nil
	}
	channel, ts, err := s.find(ctx, name)
	if err != nil {
		return 0, err
	}
	if ts == "" {
		return 0, s.unmark()
	}
	return 0, s.posted(name, "", channel, ts)
}
