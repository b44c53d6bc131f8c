package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// PollInterval is how often a policy file is looked at. It is small and read whole:
// a time stamp can stay the same when the content does not.
const PollInterval = 2 * time.Second

// sizeLimit is more than anybody writes by hand.
const sizeLimit = 1 << 20

// File is a policy file that is kept current.
type File struct {
	path    string
	mode    Mode
	current atomic.Pointer[Policy]

	// What follows is Keep's.
	held    []byte // what is in force
	pending []byte // what was there at the last look, if that is something else
	judged  bool   // pending was read, and is not in force for its faults
	trouble string // what was said last, empty when all is well
}

// OpenFile reads a policy file. The error names the file and joins all of its faults,
// one a line. Without a path there are no rules.
func OpenFile(path string, mode Mode) (*File, error) {
	f := &File{path: path, mode: mode}
	if !slices.Contains(Modes(), mode) {
		return nil, fmt.Errorf("%q is none of %s", string(mode), list(Modes()))
	}
	if path == "" {
		f.current.Store(&Policy{Mode: mode})
		return f, nil
	}
	data, err := f.read()
	if err != nil {
		return nil, err
	}
	if err := f.use(data); err != nil {
		return nil, err
	}
	return f, nil
}

// Current is the policy in force. Safe for concurrent use.
func (f *File) Current() *Policy { return f.current.Load() }

// Keep looks at the file with every tick until ctx ends. changed is told nil when the
// policy in force is a new one, or the file is again what is in force; otherwise, once
// for each, why what is there now is not taken: the old policy then holds on.
//
// A new content is taken when two looks in a row have found it, so that a file which
// is just being written does not count: its beginning can be a policy too, with fewer
// rules.
func (f *File) Keep(ctx context.Context, ticks <-chan time.Time, changed func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			if f.path != "" {
				f.look(changed)
			}
		}
	}
}

func (f *File) look(changed func(error)) {
	data, err := f.read()
	switch {
	case err != nil:
		f.pending = nil
		f.say(err, changed)
	case bytes.Equal(data, f.held):
		f.pending = nil
		f.say(nil, changed)
	case f.pending == nil || !bytes.Equal(data, f.pending):
		f.pending, f.judged = data, false
	case !f.judged:
		f.judged = true
		f.trouble = "" // a new content is always worth a word
		err := f.use(data)
		if err == nil {
			changed(nil)
			return
		}
		f.say(err, changed)
	}
}

// say tells what is wrong when it was not told yet, and that nothing is any more.
func (f *File) say(err error, changed func(error)) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != f.trouble {
		f.trouble = text
		changed(err)
	}
}

// use puts a content in force, or says why not.
func (f *File) use(data []byte) error {
	p, err := Parse(data)
	if err != nil {
		return fmt.Errorf("%s:\n%w", f.path, err)
	}
	p.Mode = f.mode
	f.current.Store(p)
	f.held, f.pending = data, nil
	return nil
}

func (f *File) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err // it names the file
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, sizeLimit+1))
	if err == nil && len(data) > sizeLimit {
		err = errors.New("it is larger than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path, err)
	}
	return data, nil
}
