package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Pipelines reads pipelines; [gitlab.Client] does it.
type Pipelines interface {
	Pipeline(ctx context.Context, project, id int64) (gitlab.Pipeline, error)
	PipelineByIID(ctx context.Context, project gitlab.Project, iid int64) (gitlab.Pipeline, error)
	LatestPipeline(ctx context.Context, project int64, ref string) (gitlab.Pipeline, bool, error)
	ObserveOne(ctx context.Context, project, id int64) (gitlab.Observation, error)
	TestReportSummary(ctx context.Context, project, id int64) (gitlab.TestReport, error)
	RenamePipeline(ctx context.Context, project, id int64, name string) (gitlab.Pipeline, error)
	// Jobs are all jobs of a pipeline, retried ones too.
	Jobs(ctx context.Context, project, pipeline int64) ([]gitlab.Job, error)
	// Variables are those that a pipeline was started with.
	Variables(ctx context.Context, project, id int64) ([]gitlab.Variable, error)
}

var (
	// errNothingShown: no pipeline was named, and none was shown where it was asked.
	errNothingShown = errors.New("no pipeline was shown here yet")
	// errNoPipeline: GitLab has no such pipeline in the projects of the settings.
	errNoPipeline = errors.New("there is no such pipeline")
)

// find finds the pipeline that somebody means. It comes as the run by which the bot has
// it, and else as a run of what GitLab says, whose request has no ID and only what can
// be known of it. Nobody has been asked yet whether the person may know.
func (b *Bot) find(ctx context.Context, a *arrival, t target) (run.Run, error) {
	name, project, p, err := b.lookUp(ctx, a, t)
	if err != nil {
		return run.Run{}, err
	}
	return b.known(ctx, name, project, p)
}

// lookUp finds what a target means in GitLab.
func (b *Bot) lookUp(ctx context.Context, a *arrival, t target) (name string, project gitlab.Project, p gitlab.Pipeline, err error) {
	if t == (target{}) {
		id, pipeline, ok := b.History.LastPipeline(placeOf(a.who))
		if !ok {
			return "", project, p, errNothingShown
		}
		name, project, err = b.projectByID(id)
		switch {
		case errors.Is(err, errStale):
			return "", project, p, errNothingShown
		case err != nil:
			return "", project, p, err
		}
		p, err = b.Pipelines.Pipeline(ctx, project.ID, pipeline)
		return name, project, p, gone(err)
	}
	if t.project != "" {
		project, p, err = b.lookIn(ctx, t.project, t)
		return t.project, project, p, gone(err)
	}
	return b.lookInAll(ctx, a.who, t)
}

// gone is errNoPipeline for what GitLab does not find.
func gone(err error) error {
	if gitlab.IsNotFound(err) {
		return errNoPipeline
	}
	return err
}

// lookIn finds a pipeline in one project.
func (b *Bot) lookIn(ctx context.Context, name string, t target) (project gitlab.Project, p gitlab.Pipeline, err error) {
	if project, err = b.Projects.Resolve(ctx, name); err != nil {
		return project, p, err
	}
	switch {
	case t.id != 0:
		p, err = b.Pipelines.Pipeline(ctx, project.ID, t.id)
	case t.iid != 0:
		p, err = b.numbered(ctx, project, t.iid)
	default:
		var found bool
		if p, found, err = b.Pipelines.LatestPipeline(ctx, project.ID, ""); err == nil && found {
			p, err = b.Pipelines.Pipeline(ctx, project.ID, p.ID) // with all its fields
		} else if err == nil {
			err = errNoPipeline
		}
	}
	return project, p, err
}

// twoError: a number is that of one pipeline and the id of another.
type twoError struct{ number, id int64 }

func (e *twoError) Error() string {
	return fmt.Sprintf("pipeline %d and the %dth one, which is %d, can be meant", e.number, e.number, e.id)
}

// numbered is the pipeline that #number means: the so-many-th of the project. GitLab and
// our cards write # before ids too, so one that has it for its id may be meant instead.
func (b *Bot) numbered(ctx context.Context, project gitlab.Project, number int64) (gitlab.Pipeline, error) {
	byID, err := b.Pipelines.Pipeline(ctx, project.ID, number)
	if err != nil && !gitlab.IsNotFound(err) {
		return byID, err
	}
	isID := err == nil
	counted, err := b.Pipelines.PipelineByIID(ctx, project, number)
	switch {
	case err == nil && isID && counted.ID != byID.ID:
		return counted, &twoError{number: number, id: counted.ID}
	case isID && gitlab.IsNotFound(err):
		return byID, nil
	default:
		return counted, err
	}
}

// lookAtOnce is how many projects are looked in at the same time.
const lookAtOnce = 4

// lookInAll finds a pipeline whose project was not named. Ids are the same in all
// projects; a number is that in the project that was used last where it is asked.
func (b *Bot) lookInAll(ctx context.Context, who Asker, t target) (name string, project gitlab.Project, p gitlab.Pipeline, err error) {
	names := []string{b.projectFor(placeOf(who))}
	if t.iid == 0 {
		names = b.Projects.Names()
	}
	type found struct {
		project gitlab.Project
		p       gitlab.Pipeline
		err     error
	}
	all := make([]found, len(names))
	together(names, lookAtOnce, func(i int, name string) {
		f := &all[i]
		f.project, f.p, f.err = b.lookIn(ctx, name, t)
	})
	err = errNoPipeline
	for i, f := range all {
		if f.err == nil {
			return names[i], f.project, f.p, nil
		}
		if !gitlab.IsNotFound(f.err) && !errors.Is(f.err, errNoPipeline) {
			err = f.err // it may be there
		}
	}
	return "", project, p, err
}

// projectByID is the project of the settings that has the id in GitLab, and errStale
// where none has. While some were not read yet it may be one of those, which the error
// says then.
func (b *Bot) projectByID(id int64) (name string, project gitlab.Project, err error) {
	err = errStale
	for _, name := range b.Projects.Names() {
		known, ok := b.Projects.Known(name)
		switch {
		case !ok:
			err = errUnread
		case known.ID == id:
			return name, known, nil
		}
	}
	return "", gitlab.Project{}, err
}

// errUnread: the settings have projects that GitLab has not told of since the start.
var errUnread = &gitlab.Error{Op: "reading the project", Kind: gitlab.NotSent}

// pipelineAt finds a pipeline by the ids that a button or menu carries, which come from
// outside.
func (b *Bot) pipelineAt(ctx context.Context, value string) (run.Run, error) {
	projectID, id, ok := parsePipelineValue(value)
	if !ok {
		return run.Run{}, errStale
	}
	name, project, err := b.projectByID(projectID)
	if err != nil {
		return run.Run{}, err
	}
	p, err := b.Pipelines.Pipeline(ctx, project.ID, id)
	if err != nil {
		return run.Run{}, gone(err)
	}
	return b.known(ctx, name, project, p)
}

// known is a pipeline as the run by which the bot has it: the one that it was started
// for, or one that follows it, or one made of what GitLab says.
func (b *Bot) known(ctx context.Context, name string, project gitlab.Project, p gitlab.Pipeline) (run.Run, error) {
	shown := b.History.Shown(project.ID, p.ID)
	// What it was started for knows more of it than who follows it.
	started, follows := shown[:0:0], shown[:0:0]
	for _, s := range shown {
		if s.Follow {
			follows = append(follows, s)
		} else {
			started = append(started, s)
		}
	}
	for _, s := range append(started, follows...) {
		r, err := b.Runs.Find(ctx, s.ID)
		if errors.Is(err, run.ErrNotFound) {
			continue // it has expired just now
		}
		if err != nil {
			return run.Run{}, err
		}
		r.Pipeline = p
		return r, nil
	}
	request := run.Request{Project: name, Ref: refOf(p), Follow: true, At: p.CreatedAt}
	r := run.Run{Request: request, State: run.Started, Project: project, Pipeline: p}
	if p.Status.Ended() {
		r.State = run.Ended
	}
	return r, nil
}

// refOf is the ref of a pipeline; of neither kind where it is that of a merge request.
func refOf(p gitlab.Pipeline) gitlab.Ref {
	switch {
	case p.Tag:
		return gitlab.Ref{Kind: gitlab.Tag, Name: p.Ref}
	case strings.HasPrefix(p.Ref, "refs/"):
		return gitlab.Ref{Name: p.Ref}
	default:
		return gitlab.Ref{Kind: gitlab.Branch, Name: p.Ref}
	}
}

// pipelineValue is what buttons and menus carry that are about a pipeline and on no
// card: the project's id and the pipeline's.
func pipelineValue(project, pipeline int64) string { return fmt.Sprintf("%d/%d", project, pipeline) }

func parsePipelineValue(value string) (project, pipeline int64, ok bool) {
	first, second, _ := strings.Cut(value, "/")
	project, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	pipeline, err = strconv.ParseInt(second, 10, 64)
	return project, pipeline, err == nil && project > 0 && pipeline > 0 && pipelineValue(project, pipeline) == value
}

// placeOf is where somebody is shown what they ask for: the channel that they are in, or
// their direct messages.
func placeOf(who Asker) string { return cmp.Or(who.Channel, who.User) }
