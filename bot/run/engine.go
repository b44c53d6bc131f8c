package run

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"pipebot/gitlab"
)

// GitLab is what the engine asks of GitLab; [gitlab.Client] does it.
type GitLab interface {
	StartPipeline(ctx context.Context, s gitlab.Start) (gitlab.Pipeline, error)
	FindStarted(ctx context.Context, s gitlab.Started) (gitlab.Search, error)
	ListPipelines(ctx context.Context, project int64, filter gitlab.ListFilter) ([]gitlab.Pipeline, error)
	Observe(ctx context.Context, project gitlab.Project, pipelines []int64) (map[int64]gitlab.Observation, error)
	ObserveOne(ctx context.Context, project, pipeline int64) (gitlab.Observation, error)
	// RefSHA is the commit at which a branch or tag is now.
	RefSHA(ctx context.Context, project int64, ref gitlab.Ref) (string, error)
	Cancel(ctx context.Context, project, pipeline int64) (gitlab.Pipeline, error)
	Retry(ctx context.Context, project, pipeline int64) (gitlab.Pipeline, error)
	DeletePipeline(ctx context.Context, project, pipeline int64) error
	// PlayJob starts a manual job.
	PlayJob(ctx context.Context, project, job int64) (gitlab.Job, error)
}

// Projects knows the projects of the settings.
type Projects interface {
	// Resolve gives what GitLab calls the project, from memory where it can.
	Resolve(ctx context.Context, name string) (gitlab.Project, error)
	// TriggerToken is the trigger token of the project, "" where it has none; known
	// says whether the settings still name the project.
	TriggerToken(name string) (token string, known bool)
}

// Display shows runs to people.
type Display interface {
	// Show brings what people see in line with the run. It calls save whenever
	// something was shown, and before what must not be done twice. again is when
	// to be called once more (0: all is shown); on an error it is called again
	// after a while.
	Show(ctx context.Context, r Run, save func(Shown) error) (again time.Duration, err error)
}

// Config says how the engine works.
type Config struct {
	GitLab   GitLab
	Projects Projects
	Display  Display
	Gate     Gate
	// Audit keeps what GitLab was asked for and what came of it; nil keeps nothing.
	Audit *Audit
	Log   *zap.Logger
	// BuildTypeVariable is the CI variable that carries the build type.
	BuildTypeVariable string
	// PollInterval is the time between two polls of a project.
	PollInterval time.Duration
	// StartTimeout is how long GitLab may take to answer a start; StartSettle is
	// how much longer it may take to finish one that it did not answer.
	StartTimeout time.Duration
	StartSettle  time.Duration
}

// Engine works on the runs of one process. Several engines may share a store.
type Engine struct {
	Config
	store   *store
	queue   *queue
	live    *live
	sweeps  time.Duration // between two
	pollers pollers
	enough  enough
	posts   posts
}

// NewEngine prepares the streams and buckets on a connection. Nothing is worked on
// before Work.
func NewEngine(ctx context.Context, conn *Conn, cfg Config) (*Engine, error) {
	s, err := openStore(ctx, conn)
	if err != nil {
		return nil, err
	}
	q, err := openQueue(ctx, conn, cfg.Log)
	if err != nil {
		return nil, err
	}
	e := &Engine{Config: cfg, store: s, queue: q, live: newLive(s, cfg.Log, q.announce), sweeps: sweepEvery}
	s.note = e.note
	return e, nil
}

// How many tokens of a kind one process works on at once: enough that a slow
// GitLab or Slack holds up only itself, few enough to stay within their limits.
const (
	startWorkers = 8
	pollWorkers  = 4
	showWorkers  = 8
)

// Work works on runs until ctx ends, then finishes what is in hand or leaves it
// for the next process. It returns nil after that.
func (e *Engine) Work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { e.live.watch.keep(ctx); return nil })
	group.Go(func() error { e.sweep(ctx); return nil })
	group.Go(func() error { e.store.keepChecking(ctx); return nil })
	group.Go(func() error { return e.queue.work(ctx, kindRun, startWorkers, e.start, e.recheck) })
	group.Go(func() error { return e.queue.work(ctx, kindPoll, pollWorkers, e.poll, e.recheckProject) })
	group.Go(func() error { return e.queue.work(ctx, kindCard, showWorkers, e.show, e.recheck) })
	return group.Wait()
}

// Ready reports why the engine can take no requests just now, or nil.
func (e *Engine) Ready() error { return e.store.conn.Ready() }

// History is what earlier runs tell about people's habits.
func (e *Engine) History() *History { return &e.live.history }

// Live is the number of runs that are not at rest.
func (e *Engine) Live() int { return e.live.count() }

// Behind is the number of runs whose newest state people have not been shown.
func (e *Engine) Behind() int { return e.live.behind() }

// Running are the runs for the same project (as the settings name it), ref and build type
// that are asked for and have not ended, newest first. Held ones are not: nobody has said
// yet that they may run.
func (e *Engine) Running(project string, ref gitlab.Ref, buildType string) []Run {
	return e.live.running(project, ref, buildType)
}

// Submit writes a request down: from here on it is not lost. With a hold it does not
// start before that is gone. If there is already a run with the request's ID, that
// run is returned and created is false.
func (e *Engine) Submit(ctx context.Context, request Request, hold *Hold) (r Run, created bool, err error) {
	if request.Follow {
		return Run{}, false, errors.New("a request that only follows a pipeline starts none")
	}
	r, created, err = e.create(ctx, newRun(request, hold))
	if created {
		e.queue.publish(ctx, kindRun, request.ID) // the watch does it too, when it comes to it
	}
	return r, created, err
}

// create writes a new record, or finds the one that is there already.
func (e *Engine) create(ctx context.Context, fresh Run) (r Run, created bool, err error) {
	// A store that gives no answer must not hold up whoever asks for longer.
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	r, err = e.store.create(ctx, fresh)
	if errors.Is(err, errExists) {
		r, err = e.store.existing(ctx, fresh.Request.ID)
		return r, false, err
	}
	return r, err == nil, err
}

// ErrNotFound: there is no run of that ID.
var ErrNotFound = errors.New("no such run")

// Find returns the run of that ID, or ErrNotFound.
func (e *Engine) Find(ctx context.Context, id string) (Run, error) { return e.store.get(ctx, id) }

// keep changes a record by what was learned or done in the world. The time that
// the work had may be over by then, and what it brought must not be lost with it.
func (e *Engine) keep(ctx context.Context, id string, change func(Run) Run) (Run, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return e.store.update(ctx, id, change)
}

// recheck makes a new token where a record moved while its token was being
// finished: publishing was refused as long as the old one stood.
func (e *Engine) recheck(ctx context.Context, id string) {
	r, err := e.store.get(ctx, id)
	if err != nil {
		return // the sweep comes by
	}
	if r.State == Held {
		// It was reviewed just now, or is new to this. The sweep has it reviewed again, and
		// whoever lets it go makes a token.
		e.queue.announceCard(ctx, r)
		return
	}
	e.queue.announce(ctx, r)
}

func (e *Engine) recheckProject(ctx context.Context, project string) {
	if len(e.live.followed(project)) > 0 {
		e.queue.publish(ctx, kindPoll, project)
	}
}

// asError finds the GitLab error in err, nil where there is none.
func asError(err error) *gitlab.Error {
	e, _ := errors.AsType[*gitlab.Error](err)
	return e
}

func retryAfter(err error) time.Duration {
	if e := asError(err); e != nil {
		return e.RetryAfter
	}
	return 0
}

// failed logs a failure that will be tried again and says when.
func (e *Engine) failed(doing, key string, err error, after time.Duration) time.Duration {
	e.Log.Warn(doing+" failed, trying again", zap.String("key", key), zap.NamedError("reason", err), zap.Duration("in", after))
	return after
}
