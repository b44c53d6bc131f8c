package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"pipebot/bot/run"
)

// While the bot runs its data folder is locked, so it answers `pipebot audit export`
// itself, on a unix socket in that folder:
//
//	> export 2026-11-01T00:00:00Z
//	< {"seq":1,...}
//	< {"seq":2,...}
//	< done
//
// The last line is done, or says why there is no more; without it the answer was cut.
const (
	socketName   = "audit.sock"
	exportAsk    = "export "
	exportDone   = "done"
	longestAsk   = 100 // bytes
	askedWithin  = 5 * time.Second
	takenWithin  = time.Minute // each part of an answer
	mostExports  = 4           // at once
	bytesAPart   = 64 << 10
	longestPath  = 103 // of a socket: 104 bytes with the NUL on BSD, 108 on Linux
	openedFolder = "/proc/self/fd"
)

// serveExports answers exports until ctx ends. The bot goes on without where the folder's
// file system has no sockets, and says so.
func serveExports(ctx context.Context, dir string, audit *run.Audit, log *zap.Logger) {
	path, release, err := socketIn(dir)
	if err != nil {
		log.Warn("the audit log can be exported only while the bot is stopped", zap.Error(err))
		return
	}
	defer release()
	listener, err := listenPrivately(ctx, path)
	if err != nil {
		log.Warn("the audit log can be exported only while the bot is stopped", zap.Error(err))
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // which removes it
	defer stop()
	log.Debug("answering exports of the audit log", zap.String("socket", filepath.Join(dir, socketName)))
	var answering errgroup.Group
	answering.SetLimit(mostExports)
	defer func() { _ = answering.Wait() }()
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Warn("taking a request for the audit log failed", zap.Error(err))
			wait(ctx, time.Second) // such as for a file descriptor
			continue
		}
		answering.Go(func() error {
			defer func() {
				if bad := recover(); bad != nil { // it costs one export, not the process
					log.Error("answering an export of the audit log panicked", zap.Any("panic", bad), zap.ByteString("stack", debug.Stack()))
				}
			}()
			answerExport(ctx, conn, audit)
			return nil
		})
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// listenPrivately makes a socket that is its owner's alone. One that is there was left by
// a bot that was killed: whoever is here holds the folder's lock.
func listenPrivately(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		// On Linux the file gets the mode of the socket that it is made from, so that it
		// is private from its first moment. Elsewhere the folder has to see to that.
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
	}}
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// socketIn is a path to the socket in dir which fits into a socket's address. Where the
// true one is too long, the folder is opened, and the path leads through that: a link in a
// shared folder for temporary files would have to be guarded, and might be another one
// for each process. release closes the folder.
func socketIn(dir string) (path string, release func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= longestPath {
		return path, func() {}, nil
	}
	if _, err := os.Stat(openedFolder); err != nil {
		return "", nil, fmt.Errorf("the path of DATA_DIR is too long for a socket; it has %d bytes, and %d are left",
			len(dir), longestPath-len(socketName)-1)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	path = fmt.Sprintf("%s/%d/%s", openedFolder, folder.Fd(), socketName)
	return path, func() { _ = folder.Close() }, nil
}

// answerExport answers one request for an export, and nothing else.
func answerExport(ctx context.Context, conn net.Conn, audit *run.Audit) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	out := bufio.NewWriterSize(patientWriter{conn}, bytesAPart)
	last := exportDone
	since, err := readAsk(conn)
	if err == nil {
		_, err = audit.Export(ctx, out, since)
	}
	if err != nil {
		last = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	fmt.Fprintln(out, last)
	_ = out.Flush() // whoever asked has gone, or misses the last line
}

func readAsk(conn net.Conn) (since time.Time, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(askedWithin)); err != nil {
		return time.Time{}, err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, longestAsk)).ReadString('\n')
	if err != nil {
		return time.Time{}, fmt.Errorf("no request: %w", err)
	}
	value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), exportAsk)
	if ok {
		since, err = time.Parse(time.RFC3339Nano, value)
	}
	if !ok || err != nil {
		return time.Time{}, errors.New("this socket answers exports of the audit log and nothing else")
	}
	return since, nil
}

// patientWriter gives the reader a while for each part, but not for ever.
type patientWriter struct{ net.Conn }

// Write writes a part.
func (w patientWriter) Write(part []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(takenWithin)); err != nil {
		return 0, err
	}
	return w.Conn.Write(part)
}
