package run

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
	"go.uber.org/zap"
)

// A stream's folder has its settings in one file and their checksum in another. A process
// that dies between the two writes leaves what does not fit. The server then leaves the
// stream out; it is made anew over its records when it is opened, but that file stays, and
// is left out again at each later start.
const (
	descriptionName = "meta.inf"
	descriptionSum  = "meta.sum"
	asideSuffix     = ".unreadable"
)

// putAside renames the descriptions that do not fit, so that the server writes others: it
// is told all that is in them. The records were looked at before.
func (e *embedded) putAside() error {
	streams, err := fs.Glob(os.DirFS(e.dir), serverFolder+"/*/streams/*")
	if err != nil {
		return err
	}
	for _, path := range streams {
		description := filepath.Join(e.dir, path, descriptionName)
		fits, err := describes(filepath.Join(e.dir, path))
		if err != nil {
			return err
		}
		if fits {
			continue
		}
		e.log.Warn("the settings of a stream were not whole and are written anew; its records are all there",
			zap.String("stream", called(filepath.Base(path))), zap.String("kept", description+asideSuffix))
		if err := os.Rename(description, description+asideSuffix); err != nil {
			return unwritable(e.dir, err)
		}
	}
	return nil
}

// describes reports whether a stream's description fits its checksum, or there is none
// (nats-server v2.15, server/jetstream.go, enableJetStream).
func describes(stream string) (bool, error) {
	description, err := os.ReadFile(filepath.Join(stream, descriptionName))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	sum, err := os.ReadFile(filepath.Join(stream, descriptionSum))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	key := sha256.Sum256([]byte(filepath.Base(stream)))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		return false, fmt.Errorf("checking the settings of a stream: %w", err)
	}
	_, _ = h.Write(description) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil)) == string(sum), nil
}
