package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pipebot/gitlab"
)

// What people say about a start of which the engine could not find out what came of it.

// Verdict is what somebody said about an unknown run.
type Verdict struct {
	// By is who said it; Team is the workspace that the id belongs to.
	By   string    `json:"by"`
	Team string    `json:"team,omitempty"`
	At   time.Time `json:"at"`
	// Doubt is what it is about, as [Run.Doubt] was when they looked.
	Doubt int64 `json:"doubt"`
	// Pipeline is the candidate that it is. 0: it is none of them, so that it is to be
	// started again.
	Pipeline int64 `json:"pipeline,omitempty"`
}

// Errors of what people say about unclear starts.
var (
	// ErrSettled: the run is not unknown (any more), or it is about another start.
	ErrSettled = errors.New("nobody is asked about this start")
	// ErrNoCandidate: the run has no such candidate.
	ErrNoCandidate = errors.New("the pipeline is no candidate")
	// ErrAnothers: the pipeline is that of another request.
	ErrAnothers = errors.New("the pipeline is of another request")
)

// Doubt tells the unclear starts of a run apart: what somebody said about one, and what
// Slack delivers again of it, says nothing about the next.
func (r Run) Doubt() int64 { return r.Deadline.UnixMilli() }

// asks reports whether people are asked about that doubt.
func (r Run) asks(doubt int64) bool { return r.State == Unknown && r.Doubt() == doubt }

func (r Run) candidate(pipeline int64) (gitlab.Pipeline, bool) {
	i := slices.IndexFunc(r.Candidates, func(p gitlab.Pipeline) bool { return p.ID == pipeline })
	if i < 0 {
		return gitlab.Pipeline{}, false
	}
	return r.Candidates[i], true
}

// decided is an unknown run of which somebody knows what came of it.
func (r Run) decided(v Verdict) Run {
	p, known := r.candidate(v.Pipeline)
	if !r.asks(v.Doubt) || v.Pipeline != 0 && !known {
		return r
	}
	r = r.unasked()
	if known {
		r = r.started(p)
	} else {
		r.State, r.Unclear = Requested, false
	}
	r.Verdict = &v
	return r
}

// lookedForAnew is an unknown run that is looked for once more.
func (r Run) lookedForAnew(doubt int64) Run {
	if r.asks(doubt) {
		r = r.unasked()
		r.State, r.Unclear = Starting, true
	}
	return r
}

// unasked is a run without what people were asked.
func (r Run) unasked() Run {
	r.Candidates, r.MoreCandidates, r.Refusal, r.Waiting = nil, 0, nil, nil
	r.Tries, r.NotBefore = 0, time.Time{}
	return r
}

// startedOverAt is when somebody had the run started again, zero where nobody did. Its
// hour begins anew then.
func (r Run) startedOverAt() time.Time {
	if r.Verdict == nil || r.Verdict.Pipeline != 0 {
		return time.Time{}
	}
	return r.Verdict.At
}

// says reports whether the run has this verdict, by whichever of the clicks.
func (r Run) says(v Verdict) bool {
	if r.Verdict == nil {
		return false
	}
	v.At = r.Verdict.At
	return *r.Verdict == v
}

// Settle goes on with an unknown run as somebody says: with one of its candidates, or
// with another POST. Of several who say something at once the first counts, and the
// others get ErrSettled. ErrNoCandidate and ErrAnothers say that the pipeline cannot be
// the run's.
func (e *Engine) Settle(ctx context.Context, id string, v Verdict) (Run, error) {
	r, err := e.store.get(ctx, id)
	if err != nil {
		return Run{}, err
	}
	if r.asks(v.Doubt) && v.Pipeline != 0 {
		if err := e.claim(ctx, r, v.Pipeline); err != nil {
			return r, err
		}
	}
	before := r
	r, err = e.keep(ctx, id, func(r Run) Run { return r.decided(v) })
	if err != nil {
		return before, err
	}
	if !r.says(v) {
		return r, ErrSettled
	}
	e.queue.announce(ctx, r)
	return r, nil
}

// LookAgain has an unknown run looked for once more: GitLab may answer by now, or the
// access token may read more.
func (e *Engine) LookAgain(ctx context.Context, id string, doubt int64) error {
	r, err := e.keep(ctx, id, func(r Run) Run { return r.lookedForAnew(doubt) })
	switch {
	case err != nil:
		return err
	case r.State != Starting || r.Doubt() != doubt:
		return ErrSettled
	}
	e.queue.announce(ctx, r)
	return nil
}

// isAnothers reports whether a pipeline is known to be that of another request, and not by
// somebody's word alone. Who follows a pipeline did not ask for it.
func (e *Engine) isAnothers(r Run, pipeline int64) bool {
	return e.isOfAnother(r, pipeline, func(s Sighting) bool { return !s.Said })
}

// isSaidAnothers reports whether somebody says that a pipeline is that of another request.
func (e *Engine) isSaidAnothers(r Run, pipeline int64) bool {
	return e.isOfAnother(r, pipeline, func(s Sighting) bool { return s.Said })
}

func (e *Engine) isOfAnother(r Run, pipeline int64, is func(Sighting) bool) bool {
	return slices.ContainsFunc(e.History().Shown(r.Project.ID, pipeline), func(s Sighting) bool {
		return !s.Follow && s.ID != r.Request.ID && is(s)
	})
}

// claim makes a candidate the run's own, before that is written into the run: it may be
// a candidate of others too, of which somebody says the same at this moment.
func (e *Engine) claim(ctx context.Context, r Run, pipeline int64) error {
	if _, known := r.candidate(pipeline); !known {
		return ErrNoCandidate
	}
	if err := e.live.knowsAll(ctx); err != nil {
		return err
	}
	if e.isAnothers(r, pipeline) || e.isSaidAnothers(r, pipeline) {
		return ErrAnothers
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return e.store.claim(ctx, r, pipeline)
}

const claimPrefix = "claim."

// claim writes down whose a candidate is, for as long as records are kept.
func (s *store) claim(ctx context.Context, r Run, pipeline int64) error {
	key := fmt.Sprintf("%s%d.%d", claimPrefix, r.Project.ID, pipeline)
	_, err := s.kv.Create(ctx, key, []byte(r.Request.ID), jetstream.KeyTTL(s.conn.retention))
	if isWrongRevision(err) {
		return s.reclaim(ctx, r, pipeline, key)
	}
	if err != nil {
		return fmt.Errorf("claiming a pipeline: %w", err)
	}
	return nil
}

// reclaim is claim where somebody has claimed before: this very run, or another one,
// which has a right to it only if that was written down as well.
func (s *store) reclaim(ctx context.Context, r Run, pipeline int64, key string) error {
	entry, err := s.kv.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("claiming a pipeline: %w", err)
	}
	holder := string(entry.Value())
	if holder == r.Request.ID {
		return nil
	}
	other, err := s.get(ctx, holder)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case other.State == Unknown || other.Pipeline.ID == pipeline:
		return ErrAnothers
	}
	_, err = s.kv.Update(ctx, key, []byte(r.Request.ID), entry.Revision())
	if isWrongRevision(err) {
		return ErrAnothers
	}
	if err != nil {
		return fmt.Errorf("claiming a pipeline: %w", err)
	}
	return nil
}
