package app

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"

	"pipebot/bot/run"
)

const auditUsage = `pipebot audit export [--since 24h | --since 2026-11-01]
writes the audit log to stdout, a line of JSON for each entry, the oldest first.
It takes the settings NATS_URL and DATA_DIR and no tokens, and works while the
bot runs and while it does not. A day is that of UTC.`

// auditCommand does what follows `pipebot audit`.
func auditCommand(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	since, err := exportSince(args, time.Now())
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "usage:", auditUsage)
		return codeStopped
	}
	if err != nil {
		fmt.Fprintf(stderr, "pipebot audit: %v\n%s\n", err, auditUsage)
		return codeUsage
	}
	natsURL, dataDir, err := loadStore(environ)
	if err != nil {
		fmt.Fprintf(stderr, "pipebot audit: wrong settings\n%v\n", err)
		return codeUsage
	}
	e := export{
		store: run.StoreConfig{
			URL: natsURL, Dir: dataDir,
			Log: newLog(Settings{LogLevel: zapcore.WarnLevel, LogConsole: true}, stderr),
		},
		since: since, out: bufio.NewWriter(stdout),
	}
	err = e.run(ctx)
	if flushErr := e.out.Flush(); err == nil {
		err = flushErr // what was read before a failure is written, too
	}
	if err != nil {
		fmt.Fprintf(stderr, "pipebot audit: %v\n", err)
		if errors.Is(err, errWrongStore) {
			return codeUsage
		}
		return codeFailed
	}
	return codeStopped
}

// exportSince reads what follows `pipebot audit`: from when on entries are wanted, zero
// for all.
func exportSince(args []string, now time.Time) (time.Time, error) {
	if len(args) == 0 || args[0] != "export" {
		return time.Time{}, errors.New("there is audit export and nothing else")
	}
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // its complaint is the error
	value := flags.String("since", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return time.Time{}, err
	}
	if flags.NArg() > 0 {
		return time.Time{}, fmt.Errorf("%q is one argument too many", flags.Arg(0))
	}
	if *value == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(*value); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, *value); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a duration like 24h nor a day like 2026-11-01", *value)
}

// errWrongStore: the settings name a place that holds no store of ours.
var errWrongStore = errors.New("DATA_DIR is wrong, or another user's")

// export is one export of the audit log.
type export struct {
	store run.StoreConfig
	since time.Time
	out   *bufio.Writer
}

// run reads the log where it is: in an outside NATS, from the bot that has the folder
// open, or in the folder itself, which only one process may open.
func (e export) run(ctx context.Context) error {
	if e.store.URL != "" {
		e.store.Log = nil // where it cannot be reached, the error says so
		return e.fromStore(ctx)
	}
	err := e.fromBot(ctx)
	if !errors.Is(err, errNoBot) {
		return err
	}
	if err := ownFolder(e.store.Dir, os.Geteuid()); err != nil {
		return err
	}
	err = e.fromStore(ctx)
	if errors.Is(err, run.ErrDirInUse) {
		return fmt.Errorf("a pipebot has %s open and does not answer: it is starting or stopping, or its log says why", e.store.Dir)
	}
	return err
}

// errNoBot: nobody answers on the socket.
var errNoBot = errors.New("no pipebot has this data folder open")

// fromBot reads the log from the bot that has the folder open.
func (e export) fromBot(ctx context.Context) error {
	path, release, err := socketIn(e.store.Dir)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoBot, err)
	}
	defer release()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoBot, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := fmt.Fprintf(conn, "%s%s\n", exportAsk, e.since.Format(time.RFC3339Nano)); err != nil {
		return fmt.Errorf("asking the bot: %w", err)
	}
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("the bot's answer was cut: %w", err)
		}
		if line[0] == '{' {
			if _, err := e.out.Write(line); err != nil {
				return fmt.Errorf("writing the export: %w", err)
			}
			continue
		}
		if last := strings.TrimSuffix(string(line), "\n"); last != exportDone {
			return fmt.Errorf("the bot says: %s", last)
		}
		return nil
	}
}

// openWithin is how long an export waits for an outside NATS: somebody is looking.
const openWithin = 3 * time.Second

func (e export) fromStore(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	conn, err := run.Connect(opening, e.store) // whose records this version need not be able to read
	if err != nil {
		return err
	}
	defer conn.Close()
	audit, err := run.ReadAudit(ctx, conn)
	if err != nil {
		return err
	}
	_, err = audit.Export(ctx, e.out, e.since)
	return err
}

// ownFolder refuses a folder in which no bot has ever run, since to open it would make a
// store there, and one of another user, since what is written when it is opened would be
// files that the bot could not change any more. The lock is the bot's own file; the
// folder may be the orchestrator's.
func ownFolder(dir string, me int) error {
	info, err := os.Stat(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no bot has run in %s", errWrongStore, dir)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errWrongStore, err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(owner.Uid) != me {
		return fmt.Errorf("%w: the bot of %s runs as user %d, and this is user %d", errWrongStore, dir, owner.Uid, me)
	}
	return nil
}
