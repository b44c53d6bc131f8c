package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/caarlos0/env/v10"
	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"pipebot/bot"
	"pipebot/bot/budget"
	"pipebot/bot/policy"
	"pipebot/bot/run"
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

// homeRounds is how many polls pass between two readings of a project for the Homes that
// people have open: 10 s by default.
const homeRounds = 2

// Main runs pipebot until ctx ends and returns its exit code.
func Main(ctx context.Context, version string, args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		return command(ctx, version, args, environ, stdout, stderr)
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
func command(ctx context.Context, version string, args, environ []string, stdout, stderr io.Writer) int {
	switch {
	case args[0] == "policy":
		return policyCommand(args[1:], env.ToMap(environ), stdout, stderr)
	case args[0] == "audit":
		return auditCommand(ctx, args[1:], environ, stdout, stderr)
	case len(args) == 1 && (args[0] == "version" || args[0] == "--version"):
		fmt.Fprintln(stdout, "pipebot", version)
		return codeStopped
	case len(args) == 1 && (args[0] == "help" || args[0] == "--help" || args[0] == "-h"):
		fmt.Fprintln(stdout, usage)
		return codeStopped
	default:
		fmt.Fprintf(stderr, "pipebot: it takes no arguments but version, help, policy and audit\n%s\n", usage)
		return codeUsage
	}
}

const usage = `usage: pipebot [version | help | policy check | policy test | audit export]
Without an argument it runs until it gets SIGINT or SIGTERM. Its settings are
environment variables; README.md lists them. pipebot policy help tells how to try
a policy file.

` + auditUsage

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

// serve runs the program until ctx ends or a part of it fails. It answers health checks
// from the first moment on: it may have to wait for an outside NATS.
func serve(ctx context.Context, s Settings, version string, log *zap.Logger) error {
	m, ready := newMetrics(version), &readyPage{}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return listen(ctx, s.HTTPAddr, handlerFor(ready, m), log) })
	group.Go(func() error { return work(ctx, s, version, m, ready, log) })
	return group.Wait()
}

// work connects the parts and runs them until ctx ends or one of them fails.
func work(ctx context.Context, s Settings, version string, m *metrics, ready *readyPage, log *zap.Logger) error {
	client, err := gitlab.New(gitlab.Config{URL: s.GitLabURL, Token: s.GitLabToken, Observe: m.gitlab})
	if err != nil {
		return err
	}
	calls := budget.New(budget.Config{Rate: s.SlackRate, Log: log.Named("slack")})
	web := bot.SlackHTTP(calls.Transport(m.slack(http.DefaultTransport)))
	api := slack.New(s.SlackBotToken, slack.OptionAPIURL(s.SlackAPIURL), slack.OptionHTTPClient(web))
	log.Info("pipebot starts", zap.String("version", version), zap.String("gitlab", s.GitLabURL), zap.Strings("projects", s.Projects),
		zap.Int("with_trigger_token", len(s.TriggerTokens)), zap.String("records_in", recordsIn(s)))
	conn, err := run.Open(ctx, run.StoreConfig{URL: s.NATSURL, Dir: s.DataDir, Retention: s.Retention, Log: log.Named("nats")})
	if err != nil && s.NATSURL != "" {
		return fmt.Errorf("NATS_URL: %w", err)
	}
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	defer conn.Close()
	audit, err := run.OpenAudit(ctx, conn, s.AuditRetention)
	if err != nil {
		return err
	}

	p, err := connect(ctx, s, m, client, web, api, calls, conn, audit, log)
	if err != nil {
		return err
	}
	defer p.close()
	m.watch(p.socket.State, p.engine.Live, p.engine.Behind)
	ready.health.Store(&health{
		connections: p.socket.State, token: p.me.fault, store: p.engine.Ready, projects: p.projects, refs: p.refs,
		authz: s.Authz, policy: p.policyFault,
	})
	if s.Authz == policy.ModeOpen {
		log.Warn(openToAll)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		p.learnFreezes(ctx)
		return p.socket.Run(ctx)
	})
	group.Go(func() error { return p.engine.Work(ctx) })
	group.Go(func() error { return p.linking.Work(ctx) })
	group.Go(func() error { return p.homes.Work(ctx) })
	group.Go(func() error { p.freezes.Keep(ctx); return nil })
	for what, work := range map[string]func(){
		"identity": func() { p.me.keep(ctx) },
		"policy":   func() { p.keepPolicy(ctx, log) },
		"projects": func() { keepProjects(ctx, p.projects, log) },
	} {
		group.Go(func() error { keepGoing(ctx, log.With(zap.String("keeping", what)), work); return nil })
	}
	if s.NATSURL == "" {
		group.Go(func() error { serveExports(ctx, s.DataDir, audit, log); return nil })
	}
	return group.Wait()
}

// recordsIn is where this process finds its records, for whoever reads the log because they
// are not there: a folder by its whole name. NATS addresses may hold a password.
func recordsIn(s Settings) string {
	if s.NATSURL != "" {
		return "an outside NATS"
	}
	if whole, err := filepath.Abs(s.DataDir); err == nil {
		return whole
	}
	return s.DataDir
}

// keepGoing works until ctx ends. A panic costs a line in the log and a second, not the
// process with all that others are doing in it.
func keepGoing(ctx context.Context, log *zap.Logger, work func()) {
	guarded := func() {
		defer func() {
			if bad := recover(); bad != nil {
				log.Error("work in the background panicked, beginning anew", zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
			}
		}()
		work()
	}
	for guarded(); ctx.Err() == nil; guarded() {
		wait(ctx, time.Second)
	}
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
