package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Tokens are the trigger tokens of projects; [gitlab.Client] has them.
type Tokens interface {
	TriggerTokens(ctx context.Context, project int64) ([]gitlab.TriggerToken, error)
	TriggerToken(ctx context.Context, project, id int64) (gitlab.TriggerToken, error)
	CreateTriggerToken(ctx context.Context, project int64, description string, expires time.Time) (gitlab.TriggerToken, error)
	RenameTriggerToken(ctx context.Context, project, id int64, description string) (gitlab.TriggerToken, error)
	RevokeTriggerToken(ctx context.Context, project, id int64) error
}

func tokensCommand() command {
	return command{
		name: "tokens", usage: "[project]", summary: "see, make, rename and revoke trigger tokens", example: "tokens group/app",
		action: policy.ActionTokens, handle: (*Bot).tokens,
	}
}

// The ids of what is done to trigger tokens. All of it is done in modals, so that neither
// a token nor what it is for stands in a channel.
const (
	actionTokensShow  = "tokens_show" // the newer ones, or the same once more
	actionTokensOlder = "tokens_older"
	actionTokenNew    = "token_new"
	actionTokenMenu   = "token_menu"

	callbackTokenNew    = "token_new"
	callbackTokenRename = "token_rename"
	callbackTokenRevoke = "token_revoke"
)

// tokensAt is what the modals about trigger tokens know. It travels in their private
// metadata, so that any process can answer for them. It never holds a token's value.
type tokensAt struct {
	Project string `json:"project"`
	// Channel is where the command was typed: rules can be about channels, and what
	// finds no place in the modal is said there, to the person alone.
	Channel string `json:"channel"`
	Page    int    `json:"page,omitempty"`
	// Token is the one that is to be changed, Called what it was called then.
	Token  int64  `json:"token,omitempty"`
	Called string `json:"called,omitempty"`
}

func (at tokensAt) metadata() string {
	at.Called = shortenEnd(at.Called, calledSize) // metadata has its limit
	data, err := json.Marshal(at)
	if err != nil {
		return "" // strings and numbers always encode
	}
	return string(data)
}

// parseTokensAt reads private metadata, which comes from outside, and holds it against
// the settings. That a token is one of the project is for GitLab to say.
func parseTokensAt(metadata string, projects []string) (tokensAt, error) {
	if !isMetadata(metadata) {
		return tokensAt{}, errors.New("the modal's metadata is longer than Slack keeps any")
	}
	var at tokensAt
	switch err := json.Unmarshal([]byte(metadata), &at); {
	case err != nil:
		return tokensAt{}, fmt.Errorf("reading the modal's metadata: %w", err)
	case !slices.Contains(projects, at.Project):
		return tokensAt{}, errors.New("the modal's project is not among the settings")
	case !channelForm.MatchString(at.Channel):
		return tokensAt{}, errors.New("the modal's channel is not a channel id")
	case at.Token < 0:
		return tokensAt{}, errors.New("the modal's trigger token is none")
	}
	at.Page = max(0, at.Page)
	return at, nil
}

// tokensProject is whose trigger tokens are meant: without a word, those of the project
// that was used last in the channel.
func (b *Bot) tokensProject(typed []string, channel string) (name string, fault phrase) {
	switch len(typed) {
	case 0:
		return b.projectFor(channel), nil
	case 1:
	default:
		return "", say(words("I take one project at a time. Write it like "), code("/pipeline "+tokensCommand().example), words("."))
	}
	name, ok := b.projectTyped(typed[0])
	if ok {
		return name, nil
	}
	fault = say(words("I do not know the project "), code(shortenMiddle(typed[0], projectSize)), words("."))
	if meant := policy.Nearest(typed[0], b.typed()); meant != "" {
		fault = append(fault, words(" Did you mean "), code("/pipeline tokens "+shortenMiddle(meant, projectSize)), words("?"))
	}
	return "", fault
}

// tokens opens the list of a project's trigger tokens. GitLab is asked for them once it is
// open: the trigger id is good for three seconds.
func (b *Bot) tokens(ctx context.Context, a *arrival) {
	line, ok := b.parse(ctx, a, tokensCommand())
	if !ok {
		return
	}
	name, fault := b.tokensProject(line.Words, a.who.Channel)
	if fault != nil {
		b.misread(ctx, a, fault)
		return
	}
	opening, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	d, _ := b.mayTokens(opening, a, name)
	if d.Outcome != policy.Allow {
		b.answer(opening, a, b.refusedBy(d))
		return
	}
	at := tokensAt{Project: name, Channel: a.who.Channel}
	opened, err := b.API.OpenViewContext(opening, a.Command.TriggerID, tokensWorking(at, d.Project, readingThem))
	if err != nil {
		b.notOpened(ctx, a, err)
		return
	}
	a.Ack(nil)
	_ = b.drawTokens(ctx, opened.ID, at, nil) // it logs; who closed the list wants none
}

// mayTokens asks whether somebody may manage the trigger tokens of a project.
func (b *Bot) mayTokens(ctx context.Context, a *arrival, project string) (policy.Decision, policy.Question) {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	q := policy.Question{Action: a.does, Project: project}
	d, _ := b.ask(ctx, a, q, run.Run{})
	return d, q
}

// showTokens draws the list anew: another page of it, or the same after GitLab failed.
func (b *Bot) showTokens(ctx context.Context, a *arrival) {
	at, d, ok := b.onTokens(ctx, a)
	if !ok {
		return
	}
	page, err := strconv.Atoi(a.action.Value)
	if err != nil {
		page = 0
	}
	at.Page = max(0, page)
	view := a.Interaction.View.ID
	_ = b.redraw(ctx, view, tokensWorking(at, d.Project, readingThem))
	_ = b.drawTokens(ctx, view, at, nil) // both log
}

// onTokens reads what the list knows that somebody clicked on, and asks whether they may.
// They are told where they may not.
func (b *Bot) onTokens(ctx context.Context, a *arrival) (at tokensAt, d policy.Decision, ok bool) {
	at, err := parseTokensAt(a.Interaction.View.PrivateMetadata, b.Projects.Names())
	if err != nil {
		b.Log.Warn("a modal came back with unusable metadata", zap.Error(err))
		b.unusable(ctx, a)
		return at, d, false
	}
	a.who.Channel = at.Channel // a modal is in no channel
	if d, _ = b.mayTokens(ctx, a, at.Project); d.Outcome == policy.Allow {
		return at, d, true
	}
	refused := b.refusedBy(d)
	if _, shown := b.push(ctx, a, tokensSaying(refused.Blocks)); !shown {
		b.tell(ctx, a, refused)
	}
	return at, d, false
}

// push lays a modal on the one that somebody clicked in and returns its id.
func (b *Bot) push(ctx context.Context, a *arrival, view slack.ModalViewRequest) (id string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	pushed, err := b.API.PushViewContext(ctx, a.Interaction.TriggerID, view)
	if err != nil {
		b.unopened(err)
		return "", false
	}
	return pushed.ID, true
}

// drawTokens reads a project's trigger tokens and draws the list of them, or says why it
// cannot. note is what came of something that was done before.
func (b *Bot) drawTokens(ctx context.Context, view string, at tokensAt, note phrase) error {
	at.Token, at.Called = 0, ""
	path, list, err := b.readTokens(ctx, at.Project)
	if err != nil {
		b.Log.Warn("reading trigger tokens failed", zap.String("project", at.Project), zap.NamedError("reason", err))
		return b.redraw(ctx, view, tokensUnread(at, path, err, note))
	}
	return b.redraw(ctx, view, tokensModal(at, path, list, note, time.Now()))
}

// readTokens reads the trigger tokens of a project, and the path that GitLab has for it,
// which is the name where GitLab does not say.
func (b *Bot) readTokens(ctx context.Context, name string) (path string, list []gitlab.TriggerToken, err error) {
	path = name
	err = b.inProject(ctx, name, func(ctx context.Context, project gitlab.Project) error {
		path = project.Path
		list, err = b.Tokens.TriggerTokens(ctx, project.ID)
		return err
	})
	return path, list, err
}

// inProject does something in the project that a name of the settings stands for.
func (b *Bot) inProject(ctx context.Context, name string, do func(ctx context.Context, project gitlab.Project) error) error {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	project, err := b.Projects.Resolve(ctx, name)
	if err != nil {
		return err
	}
	return do(ctx, project)
}
