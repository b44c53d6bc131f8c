package run

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrDamaged: the data folder holds less than was written to it, or something else.
var ErrDamaged = errors.New("the data folder is damaged")

// damaged says what it is, that nothing is lost yet, and the way out.
func damaged(dir, what string) error {
	return fmt.Errorf("%w: %s: nothing in %s was changed or deleted; restore the folder from a backup, "+
		"or move it away (mv %s %s.damaged) and start again: what was running is not followed any more then, "+
		"requests that wait are not started, people link their GitLab accounts anew, "+
		"and freezes, history and the audit log stay behind", ErrDamaged, what, dir, dir, dir)
}

// checkFolder looks, without changing anything, whether all that was written to a data
// folder is there. The embedded server would go on without what it cannot read, and cut
// it off. Afterwards the mark has what was found.
//
// After a stop the files are as the stop left them, to the byte. After kill -9 every
// record is whole but for the last one of a stream, and there are not fewer than when the
// last note was taken; what the server can make anew out of the records may be anything.
func checkFolder(dir string) (mark, error) {
	before, err := readMark(dir)
	if err != nil {
		return mark{}, err
	}
	files, err := listFiles(dir)
	if err != nil {
		return mark{}, unreadable(dir, err)
	}
	now := mark{Format: folderFormat, Streams: make(map[string]uint64)}
	streams, err := fs.Glob(os.DirFS(dir), serverFolder+"/*/streams/*")
	if err != nil {
		return mark{}, err
	}
	for _, path := range streams {
		name := filepath.Base(path)
		if now.Streams[name], err = readStream(filepath.Join(dir, path), name); err != nil {
			return mark{}, unreadable(dir, fmt.Errorf("%s: %w", called(name), err))
		}
	}
	if what := missing(before, now, files); what != "" {
		return mark{}, damaged(dir, what)
	}
	return now, nil
}

// missing says what was there before and is not now, "" where nothing is missing.
func missing(before, now mark, files map[string]fileMark) string {
	movedOn := false // a version of pipebot that takes no notes has worked here since
	for name, last := range before.Streams {
		is, there := now.Streams[name]
		switch {
		case !there:
			return called(name) + " are not there"
		case is < last:
			return fmt.Sprintf("%s: record %d was written, and the last one there is %d", called(name), last, is)
		}
		movedOn = movedOn || is > last
	}
	if before.Files == nil || movedOn {
		return ""
	}
	for path, left := range before.Files {
		is, there := files[path]
		switch {
		case !there:
			return path + " is not there"
		case is != left:
			return path + " is not as pipebot left it when it stopped"
		}
	}
	for path := range files {
		if _, left := before.Files[path]; !left {
			return path + " was not there when pipebot stopped"
		}
	}
	return ""
}

// called is what people call what a stream keeps.
func called(stream string) string {
	switch stream {
	case "KV_" + bucketName:
		return "the runs"
	case "KV_" + linksBucket:
		return "the links"
	case "KV_" + freezesBucket:
		return "the freezes"
	case auditStream:
		return "the entries of the audit log"
	case streamName:
		return "the tokens of work"
	}
	return "the records of " + stream
}

// serverFolder is the embedded server's part of the data folder.
const serverFolder = "jetstream"

// fileMark is what is in a file.
type fileMark struct {
	Size int64  `json:"size"`
	Sum  uint32 `json:"sum"` // CRC-32 of IEEE
}

// listFiles lists the embedded server's files, and fails where one cannot be read.
func listFiles(dir string) (map[string]fileMark, error) {
	files := make(map[string]fileMark)
	root := filepath.Join(dir, serverFolder)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path == root && errors.Is(err, fs.ErrNotExist):
			return nil // a new folder
		case err != nil:
			return err
		case entry.IsDir() && filepath.Ext(path[len(dir):]) == "":
			return nil
		case path == root:
			return fmt.Errorf("%s is no folder", path)
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is no file", path)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // the folder is ours and locked
		files[name] = fileMark{Size: int64(len(data)), Sum: crc32.ChecksumIEEE(data)}
		return err
	})
	return files, err
}

// unreadable tells a folder that is another user's from a damaged one.
func unreadable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: everything in the data folder has to belong to the user that pipebot runs as, who is %d here", err, os.Geteuid())
	}
	return damaged(dir, err.Error())
}
