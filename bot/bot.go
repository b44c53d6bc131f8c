package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Runs is what the bot asks of the durable part; [run.Engine] does it.
type Runs interface {
	Submit(ctx context.Context, request run.Request, hold *run.Hold) (r run.Run, created bool, err error)
	Find(ctx context.Context, id string) (run.Run, error)
	Act(ctx context.Context, project gitlab.Project, pipeline int64, act run.Act, job int64) error
	Follow(ctx context.Context, request run.Request, project gitlab.Project, o gitlab.Observation) (r run.Run, created bool, err error)
	Seen(ctx context.Context, project gitlab.Project, o gitlab.Observation) error
	// Running are the runs for the same that were asked for and have not ended.
	Running(project string, ref gitlab.Ref, buildType string) []run.Run
	AddFollower(ctx context.Context, id, team, user string) (run.Run, error)
	Approve(ctx context.Context, id string, a run.Approval) (run.Run, error)
	TurnDown(ctx context.Context, id string, by, reason string) (run.Run, error)
	// Settle goes on with a run whose start is unclear as somebody says.
	Settle(ctx context.Context, id string, v run.Verdict) (run.Run, error)
	// LookAgain has one looked for once more.
	LookAgain(ctx context.Context, id string, doubt int64) error
}

// History is what is known of people's habits; [run.History] knows it.
type History interface {
	RecentRefs(team, asker, project string) []gitlab.Ref
	LastProject(channel string) string
	// LastPipeline is the pipeline that was shown last in a channel.
	LastPipeline(channel string) (project, pipeline int64, ok bool)
	// Shown are the runs that show a pipeline.
	Shown(project, pipeline int64) []run.Sighting
	// RecentRuns are the last runs that a person asked for, newest first, n at most.
	RecentRuns(team, asker string, n int) []run.Run
	// PipelinesOf are the ids of the pipelines that a person asked for in a project.
	PipelinesOf(team, asker string, project int64) []int64
	// AskerOf is who asked for the pipeline, by Slack's ids; ok is false where nobody did.
	AskerOf(project, pipeline int64) (team, user string, ok bool)
}

// Projects are the projects of the settings; [gitlab.Projects] knows them.
type Projects interface {
	Names() []string
	// Triggers tells whether the project's pipelines are started by a trigger token.
	Triggers(name string) bool
	// Known is what GitLab calls the project, from memory alone.
	Known(name string) (gitlab.Project, bool)
	// Resolve is Known, and asks GitLab for what is not known yet.
	Resolve(ctx context.Context, name string) (gitlab.Project, error)
}

// Refs finds a project's branches and tags; [gitlab.Refs] does it.
type Refs interface {
	// Opened tells that somebody is about to choose; it never waits.
	Opened(project gitlab.Project)
	DefaultBranch(project gitlab.Project) (string, bool)
	Options(ctx context.Context, project gitlab.Project, query string, limit int) (gitlab.Found, error)
	// Resolve finds the ref that Ref.Key made the key of.
	Resolve(ctx context.Context, project gitlab.Project, key string) (gitlab.Ref, error)
	Forget(project gitlab.Project, ref gitlab.Ref)
}

// RefChecker looks in GitLab whether a ref is there; [gitlab.Client] does it.
type RefChecker interface {
	RefExists(ctx context.Context, project gitlab.Project, ref gitlab.Ref) (bool, error)
}

// Config is what the bot works with.
type Config struct {
	API       *slack.Client
	Tell      *Teller
	Runs      Runs
	History   History
	Projects  Projects
	Refs      Refs
	GitLab    RefChecker
	Pipelines Pipelines
	Lists     Lists
	Tokens    Tokens
	Homes     *Homes
	Gate      *Gate
	Linking   *Linking
	// GitLabURL is where people see the instance.
	GitLabURL string
	// BuildTypes are the choices, the first is the default; BuildTypeVariable is
	// the CI variable that carries the choice.
	BuildTypes        []string
	BuildTypeVariable string
	Log               *zap.Logger
}

// Bot answers what people do in Slack.
type Bot struct {
	Config
	pace pace
	once once
}

// New returns a bot.
func New(cfg Config) *Bot { return &Bot{Config: cfg} }

// How long the parts of an answer may take. Slack waits 3 s for the whole.
const (
	openWithin    = 2500 * time.Millisecond // views.open, while the trigger id is good
	lookWithin    = 1500 * time.Millisecond // GitLab, asked before views.open
	suggestWithin = 2500 * time.Millisecond
	checkWithin   = 700 * time.Millisecond // GitLab, asked about what was submitted
	storeWithin   = time.Second            // the durable write
	actWithin     = 12 * time.Second       // a button's work, after the acknowledgement
)
