package run

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pipebot/gitlab"
)

// Silence is that GitLab does not tell how a pipeline goes on.
type Silence struct {
	// Since is when it was first asked in vain.
	Since time.Time `json:"since"`
	// Why is Unauthorized where it does not accept the access token, NotFound where it
	// does not show the project, and Unclear where it gives no answer that is one.
	Why gitlab.Kind `json:"why,omitempty"`
}

const (
	// silentPolls is how many poll intervals GitLab is silent for before people are told:
	// half a minute at the usual five seconds, which a GitLab that is started anew needs.
	// It is a number of intervals and no time, since whoever polls seldom knows late.
	silentPolls = 6
	// slowestPolls is how many intervals there are between two polls at the most while
	// GitLab is silent. A project is asked by one request then, which is nothing to a
	// GitLab that comes back, so nobody need wait for longer: all is right again within
	// this time, 15 seconds at the usual five.
	slowestPolls = 3
	// hush is for how long a bot that was contradicted says no more that GitLab is
	// silent: another one hears GitLab, and people are shown what that one hears.
	hush = 10 * time.Minute
)

// pollBackoff is how long to wait after so many failures in a row: doubling from the poll
// interval, with jitter so that many projects do not return at once.
func (e *Engine) pollBackoff(failures int) time.Duration {
	interval := min(e.PollInterval, 10*time.Minute) // no settings are so slow that this overflows
	return jittered(min(slowestPolls*interval, interval<<min(failures-1, slowestPolls)))
}

// silenceOf is what a failure to poll means to people.
func silenceOf(err error) gitlab.Kind {
	switch kind := gitlab.KindOf(err); kind {
	case gitlab.Unauthorized:
		return kind
	case gitlab.Forbidden, gitlab.NotFound:
		return gitlab.NotFound
	default:
		return gitlab.Unclear // what cannot be reached, fails and refuses more requests does so by turns
	}
}

// failed takes note of a poll that was begun at a time and failed.
func (p *poller) failed(err error, began, notUntil time.Time) {
	p.failures++
	p.notUntil = notUntil
	if why := silenceOf(err); p.failures == 1 || p.silence.Why != why {
		p.silence = Silence{Since: began, Why: why}
	}
}

// answered takes note of a poll that GitLab answered.
func (p *poller) answered() {
	p.failures, p.silence, p.told, p.hushed = 0, Silence{}, false, time.Time{}
}

// silent reports whether people should be told that GitLab is silent: before it is asked
// again, it will have been for long.
func (p *poller) silent(interval time.Duration) bool {
	return p.failures > 0 && !p.notUntil.Before(p.silence.Since.Add(silentPolls*interval))
}

// contradicted reports whether the runs do not say any more what this bot wrote into them
// or read in them: another one hears GitLab.
func (p *poller) contradicted(runs []Run) bool {
	if !p.told {
		return false
	}
	for _, r := range runs {
		if r.Silence != nil {
			return false
		}
	}
	return true
}

// fellSilent is a followed run of which GitLab does not tell any more.
func (r Run) fellSilent(s Silence) Run {
	if r.State != Started || r.Silence != nil && r.Silence.Why == s.Why {
		return r
	}
	r.Silence = &s
	return r
}

// heard is a run of which GitLab tells again.
func (r Run) heard() Run {
	r.Silence = nil
	return r
}

// tellSilence writes GitLab's silence into the runs of a project that do not have it yet,
// once for all of it.
func (e *Engine) tellSilence(ctx context.Context, p *poller, runs []Run, now time.Time) {
	if p.contradicted(runs) {
		p.told, p.hushed = false, now.Add(hush)
	}
	if !p.silent(e.PollInterval) || now.Before(p.hushed) {
		return
	}
	silence := p.silence
	silence.Since = silence.Since.UTC().Truncate(time.Second) // as it is shown
	p.told = e.keepAll(ctx, runs, func(r Run) Run { return r.fellSilent(silence) })
}

// tellHeard takes the silence back where the observations did not.
func (e *Engine) tellHeard(ctx context.Context, project string) {
	e.keepAll(ctx, e.live.followed(project), Run.heard)
}

// keepAll changes those of the runs that the change would change. Where the store takes
// one no more it stops: the next poll goes on.
func (e *Engine) keepAll(ctx context.Context, runs []Run, change func(Run) Run) (all bool) {
	for _, r := range runs {
		if change(r).Silence == r.Silence {
			continue
		}
		if _, err := e.keep(ctx, r.Request.ID, change); err != nil || ctx.Err() != nil {
			e.Log.Warn("telling whether GitLab answers failed, trying again", zap.String("run", r.Request.ID), zap.Error(err))
			return false
		}
	}
	return true
}
