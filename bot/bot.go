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
	Approve(ctx context.Context, id string, a run.Approval) (run.Run, error)
	TurnDown(ctx context.Context, id string, by, reason string) (run.Run, error)
}

// History is what is known of people's habits; [run.History] knows it.
type History interface {
	RecentRefs(team, asker, project string) []gitlab.Ref
	LastProject(channel string) string
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
	API      *slack.Client
	Tell     *Teller
	Runs     Runs
	History  History
	Projects Projects
	Refs     Refs
	GitLab   RefChecker
	Gate     *Gate
	Linking  *Linking
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
}

// New returns a bot.
func New(cfg Config) *Bot { return &Bot{Config: cfg} }

// How long the parts of an answer may take. Slack waits 3 s for the whole.
const (
	openWithin    = 2500 * time.Millisecond // views.open, while the trigger id is good
	suggestWithin = 2500 * time.Millisecond
	checkWithin   = 700 * time.Millisecond // GitLab, asked about what was submitted
	storeWithin   = time.Second            // the durable write
	actWithin     = 12 * time.Second       // a button's work, after the acknowledgement
)
