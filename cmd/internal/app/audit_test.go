package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"pipebot/bot/run"
	"pipebot/cmd/internal/app"
)

// auditDay is when the entries of these tests were made.
var auditDay = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// logEntries appends to the audit log of a store that nobody has open.
func logEntries(t *testing.T, cfg run.StoreConfig, entries ...run.Entry) {
	t.Helper()
	cfg.Retention = time.Hour
	conn, err := run.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	audit, err := run.OpenAudit(t.Context(), conn, 8760*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		e.At, e.Kind = auditDay, run.EntryRequest
		if err := audit.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// newLog is a data folder whose audit log has two entries, and the lines of these.
func newLog(t *testing.T) (dir, lines string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	logEntries(t, run.StoreConfig{Dir: dir}, run.Entry{ID: "V1", User: "U1"}, run.Entry{ID: "V2", Reason: "<late>"})
	return dir, `{"seq":1,"id":"V1","at":"2026-11-01T12:00:00Z","kind":"request","user":"U1"}
{"seq":2,"id":"V2","at":"2026-11-01T12:00:00Z","kind":"request","reason":"<late>"}
`
}

// exportFrom runs `pipebot audit export` with nothing set but where the store is.
func exportFrom(t *testing.T, settings map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var out, errs bytes.Buffer
	code = app.Main(ctx, "v1.2.3", append([]string{"audit", "export"}, args...), environ(settings), &out, &errs)
	return code, out.String(), errs.String()
}

// exports checks that it writes these lines and nothing else.
func exports(t *testing.T, settings map[string]string, want string, args ...string) {
	t.Helper()
	if code, stdout, stderr := exportFrom(t, settings, args...); code != 0 || stdout != want || stderr != "" {
		t.Errorf("code %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s", code, stdout, want, stderr)
	}
}

// fails checks that it says this, writes these lines, and has this exit code.
func fails(t *testing.T, settings map[string]string, want int, says, lines string) {
	t.Helper()
	code, stdout, stderr := exportFrom(t, settings)
	if code != want || stdout != lines || !strings.Contains(stderr, says) || !strings.HasPrefix(stderr, "pipebot audit: ") {
		t.Errorf("code %d, want %d\nstdout:\n%s\nstderr, want %q:\n%s", code, want, stdout, says, stderr)
	}
}

// The log comes out while no bot runs, while one runs, and after it has stopped. What
// a killed one left of its socket is in nobody's way.
func TestAuditExport(t *testing.T) {
	dir, lines := newLog(t)
	settings := map[string]string{"DATA_DIR": dir}
	exports(t, settings, lines)
	socket := filepath.Join(dir, app.SocketName)
	leftBehind(t, socket)
	exports(t, settings, lines)

	w := newWorld(t)
	w.env["DATA_DIR"] = dir
	p := w.start()
	p.says("answering exports")
	exports(t, settings, lines)
	exports(t, settings, lines, "--since", "1h")
	exports(t, settings, "", "--since", "2126-11-01")
	info, err := os.Lstat(socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	exports(t, settings, lines)
	exports(t, settings, "", "--since", "2126-11-01")
}

// leftBehind makes a socket on which nobody listens.
func leftBehind(t *testing.T, path string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
}

// The address of a socket has room for about a hundred bytes, and a folder's path for
// more.
func TestAuditExportFromADeepFolder(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120), strings.Repeat("e", 120))
	w.env["DATA_DIR"] = dir
	logEntries(t, run.StoreConfig{Dir: dir}, run.Entry{ID: "V1"})
	p := w.start()
	p.says("answering exports")
	exports(t, w.env, `{"seq":1,"id":"V1","at":"2026-11-01T12:00:00Z","kind":"request"}`+"\n")
	if info, err := os.Lstat(filepath.Join(dir, app.SocketName)); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Lstat(filepath.Join(dir, app.SocketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestAuditExportFromNATS(t *testing.T) {
	settings := map[string]string{"NATS_URL": "nats://" + startNATS(t, "127.0.0.1:0"), "DATA_DIR": "/nowhere"}
	fails(t, settings, 1, "there is no audit log in this store", "")
	logEntries(t, run.StoreConfig{URL: settings["NATS_URL"]}, run.Entry{ID: "V1"})
	lines := `{"seq":1,"id":"V1","at":"2026-11-01T12:00:00Z","kind":"request"}` + "\n"
	exports(t, settings, lines)

	w := newWorld(t)
	dir := w.env["DATA_DIR"]
	w.env["NATS_URL"] = settings["NATS_URL"]
	p := w.start()
	p.becomes(200, "ready")
	exports(t, settings, lines)
	if said := p.stderr.String(); strings.Contains(said, "audit") {
		t.Errorf("it says\n%s", said)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with an outside NATS there is a data folder: %v", err)
	}
}

// startNATS starts an outside NATS and returns its address.
func startNATS(t *testing.T, address string) string {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	port := int(at.Port())
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		Host: at.Addr().String(), Port: port, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(soon) {
		t.Fatal("NATS is not ready")
	}
	return s.Addr().String()
}

// The socket answers exports and nothing else.
func TestAuditSocketAnswersNothingElse(t *testing.T) {
	dir, _ := newLog(t)
	w := newWorld(t)
	w.env["DATA_DIR"] = dir
	w.start().says("answering exports")
	for _, request := range []string{
		"GET / HTTP/1.1\r\n", "\n", "export\n", "export \n", "export soon\n", "export 2026-11-01\n",
		" export 2026-11-01T00:00:00Z\n", "EXPORT 2026-11-01T00:00:00Z\n", "delete 2026-11-01T00:00:00Z\n", strings.Repeat("e", 200),
	} {
		conn, err := new(net.Dialer).DialContext(w.ctx, "unix", filepath.Join(dir, app.SocketName))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, request) // a long one may be cut
		answer, err := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		if err == nil && strings.HasPrefix(answer, "{") || answer == "done\n" {
			t.Errorf("%q is answered %q", request, answer)
		}
	}
}

// FuzzReadAsk has anything come to the socket: it is an export since a time, or nothing.
func FuzzReadAsk(f *testing.F) {
	for _, seed := range []string{"export 2026-11-01T00:00:00Z\n", "export 0001-01-01T00:00:00.000000001+14:00\n", "export \n", "\n", "", "export 2026-11-01T00:00:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, request string) {
		asking, answering := net.Pipe()
		go func() {
			_, _ = asking.Write([]byte(request)) // who answers may have read enough
			_ = asking.Close()
		}()
		since, err := app.ReadAsk(answering)
		_ = answering.Close()
		if err != nil {
			return
		}
		asked, ok := strings.CutPrefix(request, "export ")
		line, _, ended := strings.Cut(asked, "\n")
		if want, err := time.Parse(time.RFC3339Nano, line); !ok || !ended || err != nil || !want.Equal(since) {
			t.Errorf("%q is read as %s", request, since)
		}
	})
}

// Whoever asks for an export and does not take it holds up neither others nor the stop.
func TestAuditExportToWhoDoesNotRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var entries []run.Entry
	for range 2000 { // more than fits between the two
		entries = append(entries, run.Entry{Reason: strings.Repeat("r", 500)})
	}
	logEntries(t, run.StoreConfig{Dir: dir}, entries...)
	w := newWorld(t)
	w.env["DATA_DIR"] = dir
	p := w.start()
	p.says("answering exports")
	conn, err := new(net.Dialer).DialContext(w.ctx, "unix", filepath.Join(dir, app.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "export 2020-01-01T00:00:00Z")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := exportFrom(t, w.env); code != 0 || strings.Count(stdout, "\n") != len(entries) {
		t.Errorf("another one: code %d, %d lines, %s", code, strings.Count(stdout, "\n"), stderr)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if rest, err := io.ReadAll(conn); strings.HasSuffix(string(rest), "done\n") {
		t.Errorf("what was cut reads as if it were complete: %v", err)
	}
}

// fakeBot has a data folder open, and answers whoever asks.
func fakeBot(t *testing.T, answer string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, app.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if asked, err := bufio.NewReader(conn).ReadString('\n'); err != nil || asked != "export 0001-01-01T00:00:00Z\n" {
			t.Errorf("it asks %q, %v", asked, err)
		}
		fmt.Fprint(conn, answer)
	}()
	t.Cleanup(func() { listener.Close(); <-served })
	return map[string]string{"DATA_DIR": dir}
}

// An answer that is not complete is a failure, however it ends.
func TestAuditExportThatIsCut(t *testing.T) {
	const entry = `{"seq":1}` + "\n"
	exports(t, fakeBot(t, entry+"done\n"), entry)
	fails(t, fakeBot(t, entry), 1, "the bot's answer was cut", entry)
	fails(t, fakeBot(t, entry+"don"), 1, "the bot's answer was cut", entry)
	fails(t, fakeBot(t, entry+`{"seq":2`), 1, "the bot's answer was cut", entry)
	fails(t, fakeBot(t, ""), 1, "the bot's answer was cut", "")
	fails(t, fakeBot(t, entry+"reading the audit log: gone\n"), 1, "the bot says: reading the audit log: gone", entry)
}

// What cannot be exported is told, and nothing is made where there was nothing.
func TestAuditExportFailures(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	fails(t, map[string]string{"DATA_DIR": none}, 2, "no bot has run in "+none, "")
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	fails(t, map[string]string{"DATA_DIR": " "}, 2, "DATA_DIR: it is empty", "")
	fails(t, map[string]string{"NATS_URL": "me:canary@nats"}, 2, "NATS_URL: it is no list", "")
	fails(t, map[string]string{"NATS_URL": "nats://" + freeAddress(t)}, 1, "connecting to NATS", "")

	older := t.TempDir() // of a bot that had no audit log yet
	conn, err := run.Open(t.Context(), run.StoreConfig{Dir: older, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	fails(t, map[string]string{"DATA_DIR": older}, 1, "a pipebot has "+older+" open and does not answer", "")
	conn.Close()
	fails(t, map[string]string{"DATA_DIR": older}, 1, "there is no audit log in this store", "")
}

// Files that another user's export left in the folder would stop the bot.
func TestAuditExportOfAnotherUser(t *testing.T) {
	dir, _ := newLog(t)
	if err := app.OwnFolder(dir, os.Geteuid()); err != nil {
		t.Error(err)
	}
	if err := app.OwnFolder(dir, os.Geteuid()+1); err == nil || !strings.Contains(err.Error(), "runs as user") {
		t.Errorf("another user is told: %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAuditExportToAFullDisk(t *testing.T) {
	dir, _ := newLog(t)
	var stderr bytes.Buffer
	code := app.Main(t.Context(), "v1.2.3", []string{"audit", "export"}, environ(map[string]string{"DATA_DIR": dir}), fullDisk{}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("code %d, %s", code, &stderr)
	}
}

// A bot whose folder cannot have a socket goes on without, and touches nothing.
func TestNoRoomForTheAuditSocket(t *testing.T) {
	dir, _ := newLog(t)
	socket := filepath.Join(dir, app.SocketName)
	if err := os.WriteFile(socket, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.env["DATA_DIR"] = dir
	p := w.start()
	p.says("the audit log can be exported only while the bot is stopped")
	p.becomes(200, "ready")
	fails(t, w.env, 1, "open and does not answer", "")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if data, err := os.ReadFile(socket); err != nil || string(data) != "somebody's" {
		t.Errorf("the file is %q, %v", data, err)
	}
}

func TestAuditArguments(t *testing.T) {
	dir, lines := newLog(t)
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"audit":                                  {2, "audit export and nothing else"},
		"audit delete":                           {2, "audit export and nothing else"},
		"audit export all":                       {2, `"all" is one argument too many`},
		"audit export --until 24h":               {2, "not defined: -until"},
		"audit export --since":                   {2, "needs an argument: -since"},
		"audit export --since yesterday":         {2, `"yesterday" is neither a duration like 24h nor a day like 2026-11-01`},
		"audit export --since -24h":              {2, `"-24h" is neither`},
		"audit export --since 2026-13-01":        {2, `"2026-13-01" is neither`},
		"audit export --help":                    {0, ""},
		"audit export --since 0s":                {0, ""},
		"audit export --since=24h":               {0, lines},
		"audit export -since 2026-01-02":         {0, lines},
		"audit export --since 2026-01-02T10:00Z": {2, "is neither"},
		"audit export --since " + time.Now().Add(-time.Hour).Format(time.RFC3339): {0, lines},
	} {
		var stdout, stderr bytes.Buffer
		code := app.Main(t.Context(), "v1.2.3", strings.Fields(args), environ(map[string]string{"DATA_DIR": dir}), &stdout, &stderr)
		says := &stdout
		if want.code != 0 {
			says = &stderr
		}
		if code != want.code || !strings.Contains(says.String(), want.says) || want.code == 2 && !strings.Contains(stderr.String(), "--since 2026-11-01") {
			t.Errorf("%s: code %d\nstdout: %s\nstderr: %s", args, code, &stdout, &stderr)
		}
	}
}

// An export needs no token, and would not say one.
func TestAuditExportNeedsNoTokens(t *testing.T) {
	dir, lines := newLog(t)
	exports(t, map[string]string{"DATA_DIR": dir, "SLACK_BOT_TOKEN": "wrong", "AUDIT_RETENTION": "never"}, lines)
	var first struct{ Seq int }
	if err := json.Unmarshal([]byte(strings.SplitAfter(lines, "\n")[0]), &first); err != nil || first.Seq != 1 {
		t.Errorf("%+v, %v", first, err)
	}
}
