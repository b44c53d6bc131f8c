package gitlab

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
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
	// Until is when GitLab has finished it at the latest; zero bounds nothing.
	Until time.Time
	// Others tells the pipelines that are known to be others', which are passed over. Said
	// tells those of which only people say so: their variables are read all the same, and
	// where those may not be, they are asked about only if there is nothing else to ask
	// about. nil knows none.
	Others, Said func(pipeline int64) bool
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
	// laterSkew is the same for the end of the search. It is wide, since a clock that was set
	// forward meanwhile makes a start seem older than it is, and what is missed is started
	// a second time.
	laterSkew = time.Hour
	// clockNews is how much further apart than was thought the clocks have to be for another
	// list: the Date of an answer has whole seconds, and is a moment old.
	clockNews = time.Minute
	// readAtOnce is how many pipelines' variables are read at the same time.
	readAtOnce = 4
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
	candidates, err := c.listSince(ctx, s)
	if err != nil {
		return Search{}, err
	}
	candidates = without(candidates, s.Others)
	slices.SortStableFunc(candidates, func(a, b Pipeline) int {
		return cmp.Compare(a.CreatedAt.Sub(s.At).Abs(), b.CreatedAt.Sub(s.At).Abs())
	})
	reading := candidates[:min(len(candidates), mostRead)]
	var unread []Pipeline
	for some := range slices.Chunk(reading, readAtOnce) {
		found, unreadable, err := c.amongSome(ctx, s, some)
		if err != nil || found.ID != 0 {
			return Search{Found: found}, err
		}
		unread = append(unread, unreadable...)
	}
	unread = append(unread, candidates[len(reading):]...)
	if asked := without(slices.Clone(unread), s.Said); len(asked) > 0 {
		unread = asked
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

// listSince lists the pipelines of the time in which it may have been made. How far apart the
// clocks are may be learned from the list itself, the first answer that a process gets: what
// was left out without knowing it is listed then.
func (c *Client) listSince(ctx context.Context, s Started) ([]Pipeline, error) {
	filter := c.madeWhile(s)
	for {
		list, err := c.ListPipelines(ctx, s.Project, filter)
		if err != nil {
			return nil, err
		}
		news := c.madeWhile(s)
		earlier := filter.CreatedAfter.Sub(news.CreatedAfter) >= clockNews
		later := news.CreatedBefore.Sub(filter.CreatedBefore) >= clockNews
		if !earlier && !later {
			return list, nil
		}
		// It only grows: GitLab's machines may have different clocks, and this has to end.
		if earlier {
			filter.CreatedAfter = news.CreatedAfter
		}
		if later {
			filter.CreatedBefore = news.CreatedBefore
		}
	}
}

func (c *Client) madeWhile(s Started) ListFilter {
	filter := ListFilter{Source: Source(s.Trigger), Ref: s.Ref.Name, CreatedAfter: c.earliest(s.Since)}
	if !s.Until.IsZero() {
		filter.CreatedBefore = c.latest(s.Until)
	}
	return filter
}

// amongSome reads the variables of some candidates at once. It finds the one that is looked
// for, or returns those that may not be read, in their order.
func (c *Client) amongSome(ctx context.Context, s Started, some []Pipeline) (found Pipeline, unread []Pipeline, err error) {
	variables, errs := make([][]Variable, len(some)), make([]error, len(some))
	reading := group{new(errgroup.Group)}
	for i, p := range some {
		reading.Go(func() error {
			variables[i], errs[i] = c.Variables(ctx, s.Project, p.ID)
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return Pipeline{}, nil, err
	}
	for i, p := range some {
		if slices.Contains(variables[i], Variable{Key: s.Key, Value: s.Value}) {
			whole, err := c.Pipeline(ctx, s.Project, p.ID)
			if IsNotFound(err) {
				return p, nil, nil // deleted just now: it was started all the same
			}
			return whole, nil, err
		}
	}
	for i, p := range some {
		switch KindOf(errs[i]) {
		case Forbidden:
			unread = append(unread, p) // somebody else's perhaps; ours may come yet
		case NotFound: // deleted since it was listed; nothing was of it that goes on
		default:
			err = cmp.Or(err, errs[i])
		}
	}
	return Pipeline{}, unread, err
}

// without is the list without the pipelines that are others'.
func without(list []Pipeline, others func(pipeline int64) bool) []Pipeline {
	return slices.DeleteFunc(list, func(p Pipeline) bool { return others != nil && others(p.ID) })
}
