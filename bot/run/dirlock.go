package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrDirInUse: another process works in the data folder.
var ErrDirInUse = errors.New("another pipebot is using this data folder; stop it, or give this one a DATA_DIR of its own")

// dirLock keeps a second process out of the data folder: two JetStream servers
// open one without complaint, and both write. The kernel drops the lock when the
// process dies, however it dies.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		closeErr := file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", dir, errors.Join(ErrDirInUse, closeErr))
		}
		return nil, fmt.Errorf("locking the data folder %s, which has to be on a file system with locks: %w", dir, errors.Join(err, closeErr))
	}
	return &dirLock{file}, nil
}

func (l *dirLock) release() { _ = l.file.Close() }
