package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folderFormat is the version of how the data folder is laid out. One that a version
// cannot read must have another number, so that it is refused and not taken for damaged.
const folderFormat = 1

// markName is pipebot's own note in the data folder, beside the embedded server's files.
const markName = "pipebot.json"

// mark is what the data folder holds as far as is known, so that what is missing is missed.
type mark struct {
	Format int `json:"format"`
	// Streams are those that were made, with the number of a record that was written last,
	// or some seconds before the last.
	Streams map[string]uint64 `json:"streams"`
	// Files are those that a stop left; nil while pipebot runs, and after it was killed.
	Files map[string]fileMark `json:"files,omitempty"`
}

// readMark reads the note. Folders that are older than it have none.
func readMark(dir string) (mark, error) {
	path := filepath.Join(dir, markName)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mark{Format: folderFormat}, nil
	case err == nil && !info.Mode().IsRegular():
		return mark{}, damaged(dir, path+" is no file")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return mark{}, unreadable(dir, err)
	}
	return decodeMark(dir, data)
}

// ErrOtherFormat: another version of pipebot has written the data folder.
var ErrOtherFormat = errors.New("this version of pipebot cannot read the data folder")

func decodeMark(dir string, data []byte) (mark, error) {
	var is struct{ Format int }
	if err := json.Unmarshal(data, &is); err != nil || is.Format <= 0 {
		return mark{}, damaged(dir, markName+" cannot be read")
	}
	if is.Format != folderFormat { // the rest may be anything
		return mark{}, fmt.Errorf("%w: the data folder %s has the format %d and this version of pipebot reads %d: "+
			"start the version that wrote it, or restore a backup that this version made; nothing was changed",
			ErrOtherFormat, dir, is.Format, folderFormat)
	}
	var m mark
	if err := json.Unmarshal(data, &m); err != nil {
		return mark{}, damaged(dir, markName+" cannot be read")
	}
	return m, nil
}

// writeMark replaces the note. Whatever dies meanwhile, there is the old one or the new one.
func writeMark(dir string, m mark) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", markName, err)
	}
	if err := replaceFile(dir, markName, data); err != nil {
		return fmt.Errorf("writing to the data folder: %w", err)
	}
	return nil
}

func replaceFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := writeFile(path+".tmp", data); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// writeFile returns when all of it is on disk.
func writeFile(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
