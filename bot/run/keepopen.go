package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// noteEvery is how much of what was written a note may lag behind.
	noteEvery = 10 * time.Second
	// reopenEvery is the time between two tries to write again.
	reopenEvery = time.Second
	// roomNeeded is how much room there has to be before the store is opened again, so
	// that it does not fail at the next write.
	roomNeeded = 1 << 20
)

// keep takes notes, and opens the store anew where it has stopped to write: once a write
// has failed, the server refuses all others to that stream, though there be room again.
func (e *embedded) keep(ctx context.Context, js jetstream.JetStream) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if e.failed() == nil {
				e.noteStreams(context.WithoutCancel(ctx), js)
			}
			return
		case <-e.faulted:
			e.recover(ctx)
		case <-tick.C:
			e.noteStreams(ctx, js)
		}
	}
}

// fail remembers why nothing can be written.
func (e *embedded) fail(err error) {
	e.fault.Store(&err)
	select {
	case e.faulted <- struct{}{}:
	default: // keep is told already
	}
}

// unwritable says what is in the way of writing.
func unwritable(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk is full: there is no room in the data folder %s: %w", dir, err)
	}
	return fmt.Errorf("the data folder %s cannot be written: %w", dir, err)
}

// failed reports why nothing can be written, or nil.
func (e *embedded) failed() error {
	if err := e.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// recover closes the store and opens it anew once something can be written. Until then
// whoever asks it is told at once that it is away: a write that failed is not answered at
// all, and people would wait. The connection finds the new server, and watches and workers
// begin anew as after any loss of it.
func (e *embedded) recover(ctx context.Context) {
	if e.failed() == nil {
		return // what there was has been mended with another
	}
	e.log.Error("nothing can be written down, so no requests are taken until it can", zap.Error(e.failed()))
	e.shutdown()
	var told string
	tick := time.NewTicker(reopenEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if e.tryRoom() != nil {
			continue
		}
		e.fault.Store(nil)
		err := e.open()
		if err == nil {
			e.log.Info("the data folder can be written again")
			return
		}
		e.fail(err)
		if told != err.Error() { // not every second
			told = err.Error()
			e.log.Error("opening the store anew failed, trying again and again", zap.Error(err))
		}
	}
}

// tryRoom tries whether something can be written.
func (e *embedded) tryRoom() error {
	path := filepath.Join(e.dir, "room.tmp")
	return errors.Join(writeFile(path, make([]byte, roomNeeded)), os.Remove(path))
}

// noteStreams notes how far the streams are.
func (e *embedded) noteStreams(ctx context.Context, js jetstream.JetStream) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	now := make(map[string]uint64)
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		now[info.Config.Name] = info.State.LastSeq
	}
	if streams.Err() != nil || maps.Equal(now, e.noted.Streams) {
		return // the next time
	}
	if err := e.note(mark{Format: folderFormat, Streams: now}); err != nil {
		e.fail(unwritable(e.dir, err))
	}
}

// note writes a note, unless it is there already.
func (e *embedded) note(m mark) error {
	if err := writeMark(e.dir, m); err != nil {
		return err
	}
	e.noted = m
	return nil
}
