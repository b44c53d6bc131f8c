package run

import (
	"context"
	"errors"
	"slices"

	"pipebot/gitlab"
)

// Follow shows a pipeline that is there already, as the request says where and for whom,
// and follows it like one that was started here. o is how GitLab showed it with all its
// fields, as ObserveOne does. Nobody is told of an end that it has reached before. If
// there is already a run with the request's ID, that run is returned and created is
// false.
func (e *Engine) Follow(ctx context.Context, request Request, project gitlab.Project, o gitlab.Observation) (r Run, created bool, err error) {
	if o.Pipeline.ID == 0 {
		return Run{}, false, errNoPipeline
	}
	r, created, err = e.create(ctx, newFollow(request, project, o))
	if created {
		e.queue.announce(ctx, r)
	}
	return r, created, err
}

var errNoPipeline = errors.New("there is no pipeline yet")

// newFollow is the record of a request to follow a pipeline.
func newFollow(request Request, project gitlab.Project, o gitlab.Observation) Run {
	request.Follow = true
	r := newRun(request, nil)
	r.State, r.Project, r.Pipeline, r.Progress = Started, project, o.Pipeline, o.Progress
	if o.Pipeline.Status.Ended() {
		r.State, r.EndedBefore = Ended, true
	}
	return r
}

// Seen tells how GitLab shows a pipeline now. The records of one that has ended are at
// rest and nobody polls for it; where it was retried in GitLab since, they come to life.
func (e *Engine) Seen(ctx context.Context, project gitlab.Project, o gitlab.Observation) error {
	return e.keepShown(ctx, project.ID, o.Pipeline.ID, func(r Run) Run { return r.acted(o, Act{}) })
}

// Person is somebody by Slack's ids.
type Person struct {
	Team string `json:"team,omitempty"`
	User string `json:"user"`
}

// mostFollowers is how many a run has: as many as one message can sensibly mention.
const mostFollowers = 20

// ErrManyFollowers: a run has as many followers as it can have.
var ErrManyFollowers = errors.New("the run has too many followers already")

// AddFollower has a person told of the run's end too. The asker of one that is not quiet
// is told in any case, so that adds nobody. ErrManyFollowers says that the run has no
// room for another one.
func (e *Engine) AddFollower(ctx context.Context, id, team, user string) (Run, error) {
	p := Person{Team: team, User: user}
	r, err := e.keep(ctx, id, func(r Run) Run { return r.followedBy(p) })
	if err == nil && !r.tells(p) {
		err = ErrManyFollowers
	}
	return r, err
}

// followedBy is the run with one follower more, if there is room.
func (r Run) followedBy(p Person) Run {
	if !r.tells(p) && len(r.Followers) < mostFollowers {
		// Nobody was told of that end, and now it is no news.
		r.EndedBefore = r.EndedBefore || r.State == Ended && r.Quiet()
		r.Followers = append(slices.Clone(r.Followers), p)
	}
	return r
}

// tells reports whether a person is told of the run's end.
func (r Run) tells(p Person) bool {
	asker := Person{Team: r.Request.Team, User: r.Request.Asker}
	return p == asker && !r.Request.Quiet || slices.Contains(r.Followers, p)
}
