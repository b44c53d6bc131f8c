package run

import (
	"slices"
	"time"

	"pipebot/gitlab"
)

// latestAnswer is longer than an answer of GitLab's can be behind: a read takes readTimeout
// at the most, and GitLab reads from no replica of its database that is known to lag for
// more than a minute (max_replication_lag_time).
const latestAnswer = 5 * time.Minute

// observed is a followed run after GitLab, when it was asked, has shown its pipeline.
// complete says that the observation has every field (source, ref, artifacts), as one
// pipeline read by itself has; only such a one may end the run.
//
// An older state than the known one is an answer that came late. Where the known one has
// stood for longer than answers come late, it is no such answer: GitLab's clock was set
// back since, or two of its machines disagree about the time.
func (r Run) observed(o gitlab.Observation, complete bool, asked time.Time) Run {
	if r.State != Started {
		return r
	}
	known := r.Pipeline.UpdatedAt
	if !complete {
		known = known.Truncate(time.Second) // GraphQL's times have whole seconds
	}
	if o.Pipeline.UpdatedAt.Before(known) && asked.Sub(known) < latestAnswer {
		return r
	}
	before := r.Pipeline
	r.Pipeline, r.Progress, r.Silence = o.Pipeline, o.Progress, nil
	if !complete {
		// Batches leave out what does not change.
		r.Pipeline.IID, r.Pipeline.ProjectID = before.IID, before.ProjectID
		r.Pipeline.Source, r.Pipeline.Ref, r.Pipeline.SHA = before.Source, before.Ref, before.SHA
		r.Pipeline.WebURL, r.Pipeline.CreatedAt = before.WebURL, before.CreatedAt
		r.Pipeline.YAMLErrors = before.YAMLErrors
	}
	if complete && o.Pipeline.Status.Ended() {
		r.State = Ended
	}
	return r
}

// hasPipeline reports whether the run's pipeline is followed, or was until its end.
func (r Run) hasPipeline() bool { return r.State == Started || r.State == Ended }

// gone is a run whose pipeline is no longer on GitLab.
func (r Run) gone() Run {
	if r.hasPipeline() {
		r.State, r.Deleted, r.Silence = Ended, true, nil
	}
	return r
}

// endedAnew reports whether the pipeline, as GitLab shows it, has ended once more since
// the run did: each end has its own time.
func (r Run) endedAnew(p gitlab.Pipeline) bool {
	known := r.Pipeline.FinishedAt
	return r.State == Ended && p.Status.Ended() && !known.IsZero() && p.FinishedAt.After(known)
}

// watched is a followed run and when the poller last read its pipeline, by itself
// or in a batch.
type watched struct {
	run    Run
	readAt time.Time
}

// cadence says how often what is read.
type cadence struct {
	progress time.Duration // of a pipeline that moves
	quiet    time.Duration // of one whose status has not changed
}

// due picks the runs whose pipelines have to be read now: those that the list
// shows at another status, running ones for their progress, and quiet ones, since
// a deleted pipeline never shows up in a list.
func due(runs []watched, listed []gitlab.Pipeline, now time.Time, every cadence) []watched {
	statuses := make(map[int64]gitlab.Status, len(listed))
	for _, p := range listed {
		statuses[p.ID] = p.Status
	}
	return slices.DeleteFunc(slices.Clone(runs), func(w watched) bool {
		known := w.run.Pipeline
		status, isListed := statuses[known.ID]
		age := now.Sub(w.readAt)
		switch {
		case isListed && status != known.Status:
			return false
		case known.Status.Ended():
			return false // its end is not complete yet
		case !known.Status.Waits():
			return age < every.progress
		default:
			return age < every.quiet
		}
	})
}
