package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	log.Info("pipebot starts", zap.String("version", version), zap.String("gitlab", s.GitLabURL), zap.Strings("projects", s.Projects),
		zap.Int("with_trigger_token", len(s.TriggerTokens)), zap.Bool("outside_nats", s.NATSURL != ""))
	conn, err := run.Open(ctx, run.StoreConfig{URL: s.NATSURL, Dir: s.DataDir, Retention: s.Retention, Log: log.Named("nats")})
	if err != nil && s.NATSURL != "" {
		return fmt.Errorf("NATS_URL: %w", err)
	}
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	defer conn.Close()

	projects := gitlab.NewProjects(client.Project, s.Projects, s.TriggerTokens)
	refs := gitlab.NewRefs(client, gitlab.RefsConfig{Failed: func(p gitlab.Project, err error) {
		log.Warn("reading refs failed", zap.String("project", p.Path), zap.NamedError("reason", err))
	}})
	defer refs.Close()
	me := newIdentity(api, log)
	tell := bot.NewTeller(api, s.SlackAPIURL, log.Named("bot"))
	display := &bot.Display{
		API: api, Tell: tell, BotName: me.name,
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
	health := &health{connected: slackSocket.Connected, token: me.fault, store: engine.Ready, projects: projects, refs: refs}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return slackSocket.Run(ctx) })
	group.Go(func() error { return engine.Work(ctx) })
	group.Go(func() error { me.keep(ctx); return nil })
	group.Go(func() error { keepProjects(ctx, projects, log); return nil })
	group.Go(func() error { return listen(ctx, s.HTTPAddr, handlerFor(health, m), log) })
	return group.Wait()
}

// keepProjects keeps the projects known and says what is wrong with them, once for
// as long as it stays the same.
func keepProjects(ctx context.Context, projects *gitlab.Projects, log *zap.Logger) {
	said := make(map[string]string)
	once := func(name, text string, say func(string, ...zap.Field), fields ...zap.Field) {
		if said[name] != text {
			said[name] = text
			say(text, fields...)
		}
	}
	projects.Keep(ctx, func(name string, _ gitlab.Project) {
		if slices.Contains(projects.Unreadable(), name) {
			once(name, unreadable(name), log.Warn)
			return
		}
		delete(said, name)
	}, func(name string, err error) {
		once(name, "reading a project failed: "+err.Error(), log.Warn, zap.String("project", name))
	})
}

func unreadable(project string) string {
	return project + ": the access token may be unable to read pipeline variables, so a start whose answer is lost will stay uncertain; " +
		"it takes the role Maintainer, or a token of the user who owns the trigger token"
}
