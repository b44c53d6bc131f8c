package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	bucketName = "pipebot_runs"
	runPrefix  = "run."
	// writeTimeout bounds one write; the store is in this process or near it.
	writeTimeout = 2 * time.Second
)

var (
	errExists = errors.New("the run exists already")
	errMoved  = errors.New("the run was changed by another")
)

// store keeps the records. Every change is a compare-and-set.
type store struct {
	conn *Conn
	kv   jetstream.KeyValue
	// note, when set, is told of each change before it is written, and leaves time for that.
	note func(ctx context.Context, before, after Run)
}

func openStore(ctx context.Context, conn *Conn) (*store, error) {
	kv, err := openBucket(ctx, conn, bucketName, "runs")
	if err != nil {
		return nil, err
	}
	return &store{conn: conn, kv: kv}, nil
}

// idForm is what an ID may look like: Slack's view ids do, and nothing that could
// leave its place in a key or a subject.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (s *store) create(ctx context.Context, r Run) (Run, error) {
	if !idForm.MatchString(r.Request.ID) {
		return Run{}, fmt.Errorf("the id %q of a run is not of the form %s", r.Request.ID, idForm)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return Run{}, fmt.Errorf("encoding a run: %w", err)
	}
	if s.note != nil {
		s.note(ctx, Run{}, r)
	}
	_, err = s.kv.Create(ctx, runPrefix+r.Request.ID, data)
	if isWrongRevision(err) {
		return Run{}, errExists
	}
	if err != nil {
		return Run{}, fmt.Errorf("writing a run: %w", err)
	}
	return r, nil
}

func (s *store) get(ctx context.Context, id string) (Run, error) {
	r, _, err := s.read(ctx, id)
	return r, err
}

// existing is get for a record that is there for certain. The server of a cluster that
// answers may not have it yet: another bot wrote it a moment ago.
func (s *store) existing(ctx context.Context, id string) (Run, error) {
	for {
		r, err := s.get(ctx, id)
		if !errors.Is(err, ErrNotFound) || ctx.Err() != nil {
			return r, err
		}
		pauseFor(ctx, replicaLag)
	}
}

// replicaLag is about how long a write takes to reach all servers of a cluster.
const replicaLag = 20 * time.Millisecond

func (s *store) read(ctx context.Context, id string) (Run, uint64, error) {
	if !idForm.MatchString(id) {
		return Run{}, 0, ErrNotFound
	}
	entry, err := s.kv.Get(ctx, runPrefix+id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Run{}, 0, ErrNotFound
	}
	if err != nil {
		return Run{}, 0, fmt.Errorf("reading a run: %w", err)
	}
	r, err := decode(entry.Value())
	return r, entry.Revision(), err
}

func decode(data []byte) (Run, error) {
	var is struct{ Format int }
	if err := json.Unmarshal(data, &is); err != nil {
		return Run{}, fmt.Errorf("decoding a run: %w", err)
	}
	if is.Format != formatVersion { // the rest may be anything
		return Run{}, fmt.Errorf("a run has the format %d and this version of pipebot reads %d", is.Format, formatVersion)
	}
	var r Run
	if err := json.Unmarshal(data, &r); err != nil {
		return Run{}, fmt.Errorf("decoding a run: %w", err)
	}
	return r, nil
}

// update changes a run with a pure function, again on a fresh copy whenever
// another changed it meanwhile. A change that changes nothing writes nothing.
func (s *store) update(ctx context.Context, id string, change func(Run) Run) (Run, error) {
	for {
		before, revision, err := s.read(ctx, id)
		if err != nil {
			return Run{}, err
		}
		after, err := s.write(ctx, before, change(before), revision)
		if !errors.Is(err, errMoved) {
			return after, err
		}
	}
}

// replace changes a run only if it is still as it was read.
func (s *store) replace(ctx context.Context, before, after Run) (Run, error) {
	current, revision, err := s.read(ctx, before.Request.ID)
	if err != nil {
		return Run{}, err
	}
	if !reflect.DeepEqual(current, before) {
		return Run{}, errMoved
	}
	return s.write(ctx, before, after, revision)
}

// write returns the record as it reads from now on.
func (s *store) write(ctx context.Context, before, after Run, revision uint64) (Run, error) {
	if !reflect.DeepEqual(before.visible(), after.visible()) {
		after.Version++
	}
	if reflect.DeepEqual(before, after) {
		return after, nil
	}
	data, err := json.Marshal(after)
	if err != nil {
		return Run{}, fmt.Errorf("encoding a run: %w", err)
	}
	if s.note != nil {
		s.note(ctx, before, after)
	}
	key := runPrefix + after.Request.ID
	if after.atRest() {
		err = s.lastWrite(ctx, key, data, revision)
	} else {
		_, err = s.kv.Update(ctx, key, data, revision)
	}
	if isWrongRevision(err) {
		return Run{}, errMoved
	}
	if err != nil {
		return Run{}, fmt.Errorf("writing a run: %w", err)
	}
	return decode(data)
}

// lastWrite is kv.Update with a time to live, which the key-value API has for
// Create only. A retry of the pipeline writes without one, and the record stays.
func (s *store) lastWrite(ctx context.Context, key string, data []byte, revision uint64) error {
	_, err := s.conn.js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + bucketName + "." + key, Data: data},
		jetstream.WithExpectLastSequencePerSubject(revision), jetstream.WithMsgTTL(s.conn.retention))
	return err
}

// isWrongRevision: somebody else wrote first. A stream with replicas has a code of its own
// for two writes that meet on their way into it.
func isWrongRevision(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) ||
		ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
			api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
