package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/bot/socket"
	"pipebot/gitlab"
)

// Exit codes of pipebot.
const (
	codeStopped = 0 // stopped as asked
	codeFailed  = 1
	codeUsage   = 2 // wrong settings or usage
)

// cardInterval is the least time between two edits of a card: Slack takes about 50
// edits a minute in all.
const cardInterval = 3 * time.Second

// Main runs pipebot until ctx ends and returns its exit code.
func Main(ctx context.Context, version string, args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		return command(version, args, stdout, stderr)
	}
	settings, err := Load(environ)
	if err != nil {
		fmt.Fprintf(stderr, "pipebot: wrong settings\n%v\nREADME.md lists all settings.\n", err)
		return codeUsage
	}
	log := newLog(settings, stderr)
	err = serve(ctx, settings, version, log)
	if stopped := ctx.Err() != nil && errors.Is(err, context.Canceled); err != nil && !stopped {
		log.Error("pipebot failed", zap.Error(err))
		if errors.Is(err, run.ErrDirInUse) {
			return codeUsage
		}
		return codeFailed
	}
	log.Info("pipebot has stopped")
	return codeStopped
}

// command does what the arguments ask for instead of running.
func command(version string, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && (args[0] == "version" || args[0] == "--version"):
		fmt.Fprintln(stdout, "pipebot", version)
		return codeStopped
	case len(args) == 1 && (args[0] == "help" || args[0] == "--help" || args[0] == "-h"):
		fmt.Fprintln(stdout, usage)
		return codeStopped
	default:
		fmt.Fprintf(stderr, "pipebot: it takes no arguments but version and help\n%s\n", usage)
		return codeUsage
	}
}

const usage = `usage: pipebot [version | help]
Without an argument it runs until it gets SIGINT or SIGTERM. Its settings are
environment variables; README.md lists them.`

func newLog(s Settings, w io.Writer) *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewJSONEncoder(config)
	if s.LogConsole {
		config.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(config)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), s.LogLevel))
}

// serve connects the parts and runs them until ctx ends or one of them fails.
func serve(ctx context.Context, s Settings, version string, log *zap.Logger) error {
	m := newMetrics(version)
	client, err := gitlab.New(gitlab.Config{URL: s.GitLabURL, Token: s.GitLabToken, Observe: m.gitlab})
	if err != nil {
		return err
	}
	api := slack.New(s.SlackBotToken, slack.OptionAPIURL(s.SlackAPIURL),
		slack.OptionHTTPClient(&http.Client{Timeout: 10 * time.Second, Transport: m.slack(http.DefaultTransport)}))
	conn, err := run.Open(ctx, run.StoreConfig{URL: s.NATSURL, Dir: s.DataDir, Retention: s.Retention})
	if err != nil {
		return err
	}
	defer conn.Close()

	projects := gitlab.NewProjects(client.Project, s.Projects, s.TriggerTokens)
	refs := gitlab.NewRefs(client, gitlab.RefsConfig{Failed: func(p gitlab.Project, err error) {
		log.Warn("reading refs failed", zap.String("project", p.Path), zap.Stringer("error", plainError{err}))
	}})
	defer refs.Close()
	tell := bot.NewTeller(api, s.SlackAPIURL, log.Named("bot"))
	display := &bot.Display{
		API: api, Tell: tell, BotName: botName(ctx, api, log),
		CardInterval: min(cardInterval, s.PollInterval), Log: log.Named("bot"),
	}
	engine, err := run.NewEngine(ctx, conn, run.Config{
		GitLab: client, Projects: projects, Display: display, Log: log.Named("run"),
		BuildTypeVariable: s.BuildTypeVariable, PollInterval: s.PollInterval,
		StartTimeout: s.StartTimeout, StartSettle: s.StartSettle,
	})
	if err != nil {
		return err
	}
	handler := bot.New(bot.Config{
		API: api, Tell: tell, Runs: engine, History: engine.History(), Projects: projects, Refs: refs, GitLab: client,
		BuildTypes: s.BuildTypes, BuildTypeVariable: s.BuildTypeVariable, Log: log.Named("bot"),
	})
	slackSocket := socket.New(socket.Config{AppToken: s.SlackAppToken, APIURL: s.SlackAPIURL, Handle: handler.Handle, Log: log.Named("socket")})

	m.watch(slackSocket.Connected, engine.Live)
	health := &health{connected: slackSocket.Connected, store: engine.Ready, projects: projects}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return slackSocket.Run(ctx) })
	group.Go(func() error { return engine.Work(ctx) })
	group.Go(func() error { keepProjects(ctx, projects, log); return nil })
	group.Go(func() error { return listen(ctx, s.HTTPAddr, handlerFor(health, m), log) })
	return group.Wait()
}

// keepProjects keeps the projects known and says what is wrong with them.
func keepProjects(ctx context.Context, projects *gitlab.Projects, log *zap.Logger) {
	warned := make(map[string]bool)
	projects.Keep(ctx, func(p gitlab.Project) {
		for _, name := range projects.Unreadable() {
			if !warned[name] {
				warned[name] = true
				log.Warn(unreadable(name))
			}
		}
	}, func(name string, err error) {
		log.Warn("reading a project failed", zap.String("project", name), zap.Stringer("reason", plainError{err}))
	})
}

func unreadable(project string) string {
	return project + ": the access token may be unable to read pipeline variables, so a start whose answer is lost will stay uncertain; " +
		"it takes the role Maintainer, or a token of the user who owns the trigger token"
}

// botName asks Slack how people call the bot. It is a nicety, so it may fail.
func botName(ctx context.Context, api *slack.Client, log *zap.Logger) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	me, err := api.AuthTestContext(ctx)
	if err != nil {
		log.Warn("Slack did not say who I am; is SLACK_BOT_TOKEN right?")
		return "pipebot"
	}
	return me.User
}

// plainError is an error's text without its causes, which can hold URLs.
type plainError struct{ err error }

func (p plainError) String() string {
	if e, ok := errors.AsType[*gitlab.Error](p.err); ok {
		return e.Error()
	}
	return p.err.Error()
}
