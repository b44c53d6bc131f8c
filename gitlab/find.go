package gitlab

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Started describes a pipeline that may have been started: how, for what, since
// when, and the variable that tells it from others.
type Started struct {
	Project    int64
	Ref        Ref
	Trigger    bool
	Since      time.Time
	Key, Value string
	// At is when GitLab was last asked for it: it was most likely made then.
	At time.Time
	// Others tells the pipelines that are known to be others'; nil knows none.
	Others func(pipeline int64) bool
}

// Search is what came of looking for a pipeline that may have been started.
type Search struct {
	// Found is the pipeline. Where its ID is 0, none of those that were read is it.
	Found Pipeline
	// Unread are those that may be it all the same, since the access token may not read
	// their variables: the likeliest first. More counts those that are left out.
	Unread []Pipeline
	More   int
}

const (
	// clockSkew is how far GitLab's clock may go apart from ours between its last answer
	// and a start before a pipeline of ours would be missed.
	clockSkew = 5 * time.Minute
	// mostRead is of how many pipelines the variables are read, a request for each: as
	// many as there is time for. Nothing is known of those beyond.
	mostRead = 200
	// mostUnread is how many a person is asked about.
	mostUnread = 5
)

// FindStarted looks for a pipeline that was started for ref at or after since, by a
// variable that only this start carried. Where nothing was found and nothing is left
// unread there is none.
func (c *Client) FindStarted(ctx context.Context, s Started) (Search, error) {
	candidates, err := c.ListPipelines(ctx, s.Project, ListFilter{
		Source: Source(s.Trigger), Ref: s.Ref.Name, CreatedAfter: c.byTheirClock(s.Since),
	})
	if err != nil {
		return Search{}, err
	}
	candidates = slices.DeleteFunc(candidates, func(p Pipeline) bool { return s.Others != nil && s.Others(p.ID) })
	slices.SortStableFunc(candidates, func(a, b Pipeline) int {
		return cmp.Compare(a.CreatedAt.Sub(s.At).Abs(), b.CreatedAt.Sub(s.At).Abs())
	})
	var unread []Pipeline
	for i, candidate := range candidates {
		if i == mostRead {
			unread = append(unread, candidates[i:]...)
			break
		}
		variables, err := c.Variables(ctx, s.Project, candidate.ID)
		if KindOf(err) == Forbidden {
			unread = append(unread, candidate) // somebody else's perhaps; ours may come yet
			continue
		}
		if err != nil {
			return Search{}, err
		}
		if slices.Contains(variables, Variable{Key: s.Key, Value: s.Value}) {
			found, err := c.Pipeline(ctx, s.Project, candidate.ID)
			return Search{Found: found}, err
		}
	}
	shown := unread[:min(len(unread), mostUnread)]
	for i, p := range shown {
		// Lists do not say who started it. Without that it is still a candidate.
		if whole, err := c.Pipeline(ctx, s.Project, p.ID); err == nil {
			shown[i] = whole
		}
	}
	return Search{Unread: shown, More: len(unread) - len(shown)}, nil
}
