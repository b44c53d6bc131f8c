package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/run"
	"pipebot/bot/socket"
	"pipebot/gitlab"
)

// Runs is what the bot asks of the durable part; [run.Engine] does it.
type Runs interface {
	Submit(ctx context.Context, request run.Request) (r run.Run, created bool, err error)
	Find(ctx context.Context, id string) (run.Run, error)
	Cancel(ctx context.Context, id string) error
	Retry(ctx context.Context, id string) error
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
	// BuildTypes are the choices, the first is the default; BuildTypeVariable is
	// the CI variable that carries the choice.
	BuildTypes        []string
	BuildTypeVariable string
	Log               *zap.Logger
}

// Bot answers what people do in Slack.
type Bot struct{ Config }

// New returns a bot.
func New(cfg Config) *Bot { return &Bot{cfg} }

// How long the parts of an answer may take. Slack waits 3 s for the whole.
const (
	openWithin    = 2500 * time.Millisecond // views.open, while the trigger id is good
	suggestWithin = 2500 * time.Millisecond
	checkWithin   = time.Second             // GitLab, asked about what was submitted
	storeWithin   = 1500 * time.Millisecond // the durable write
	actWithin     = 12 * time.Second        // a button's work, after the acknowledgement
)

// Handle answers one envelope.
func (b *Bot) Handle(ctx context.Context, e *socket.Envelope) {
	switch {
	case e.Command != nil:
		b.command(ctx, e)
	case e.Interaction == nil:
		return
	case e.Interaction.Type == slack.InteractionTypeBlockSuggestion:
		b.suggest(ctx, e)
	case e.Interaction.Type == slack.InteractionTypeViewSubmission:
		b.submit(ctx, e)
	case e.Interaction.Type == slack.InteractionTypeBlockActions:
		b.blockActions(ctx, e)
	}
}

// blockActions sends each action to the one who knows it. Link buttons act too,
// and need nothing but the acknowledgement.
func (b *Bot) blockActions(ctx context.Context, e *socket.Envelope) {
	e.Ack(nil)
	for _, action := range e.Interaction.ActionCallback.BlockActions {
		switch action.ActionID {
		case actionProject:
			b.choose(ctx, e.Interaction, action)
		case actionCancel:
			b.press(ctx, e.Interaction, action, "cancel", b.Runs.Cancel)
		case actionRetry:
			b.press(ctx, e.Interaction, action, "retry", b.Runs.Retry)
		}
	}
}
