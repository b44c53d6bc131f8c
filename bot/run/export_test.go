package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pipebot/gitlab"
)

// What the tests, which are outside of the package, see of its inside.

// The decisions.
var (
	NextStep   = nextStep
	NewRun     = newRun
	Posting    = Run.posting
	Posted     = Run.posted
	Doubted    = Run.doubted
	Looked     = Run.looked
	GaveUp     = Run.gaveUp
	Decided    = Run.decided
	LookAnew   = Run.lookedForAnew
	Observed   = Run.observed
	Gone       = Run.gone
	Deleted    = Run.deleted
	Acted      = Run.acted
	Taken      = Run.taken
	Intends    = Run.intends
	Settled    = Run.settled
	Outlived   = Run.outlived
	FellSilent = Run.fellSilent
	SilenceOf  = silenceOf
	Rewound    = Run.rewound
	UntilWhen  = Run.startedUntil
	NewFollow  = newFollow
	FollowedBy = Run.followedBy
	Approved   = Run.approved
	AsksAnew   = Run.asksAnew
	AtRest     = Run.atRest
	ShownTwice = shownTwice
	Backoff    = backoff
	ProjectKey = projectKey
	Decode     = decode

	IsWrongRevision = isWrongRevision
)

// Step is what has to be done next to start a run.
type Step = step

// The steps.
const (
	StepNone   = stepNone
	StepWait   = stepWait
	StepPost   = stepPost
	StepDoubt  = stepDoubt
	StepLook   = stepLook
	StepGiveUp = stepGiveUp
	StepReview = stepReview
	StepCancel = stepCancel
	StepSettle = stepSettle
	StepRewind = stepRewind
)

// Limits that tests speak of.
const (
	RequestExpires = requestExpires
	MostLooks      = mostLooks
	QuietAfter     = quietAfter
	ListOverlap    = listOverlap
	RecentRefs     = recentRefs
	RecentRuns     = recentRuns
	ActsKept       = actsKept
	ActTimeout     = actTimeout
	LookBack       = lookBack
	SilentPolls    = silentPolls
	SlowestPolls   = slowestPolls
	MostFollowers  = mostFollowers
	LatestAnswer   = latestAnswer
)

// IsDue decides whether one run is read in this round.
func IsDue(p gitlab.Pipeline, readAt time.Time, listed []gitlab.Pipeline, now time.Time, progress, quiet time.Duration) bool {
	runs := []watched{{run: Run{Pipeline: p}, readAt: readAt}}
	return len(due(runs, listed, now, cadence{progress: progress, quiet: quiet})) > 0
}

// Put lets a history know of a record.
func (h *History) Put(r Run) { h.put(r) }

// Remove lets a history know that a record is gone.
func (h *History) Remove(id string) { h.remove(id) }

// Began lets a history know that all records are told of anew.
func (h *History) Began() { h.began() }

// Complete lets a history know that all records have been told of.
func (h *History) Complete() { h.complete() }

// Size is how many records a history knows, and in how many lists it has them.
func (h *History) Size() (records, lists int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.records), len(h.channels) + len(h.pipelines) + len(h.people)
}

// Errors of the store.
var (
	ErrExists = errExists
	ErrMoved  = errMoved
)

// Store keeps the records.
type Store = store

// OpenStore opens the store of a connection.
var OpenStore = openStore

func (s *store) Create(ctx context.Context, r Run) (Run, error)     { return s.create(ctx, r) }
func (s *store) Get(ctx context.Context, id string) (Run, error)    { return s.get(ctx, id) }
func (s *store) Replace(ctx context.Context, a, b Run) (Run, error) { return s.replace(ctx, a, b) }
func (s *store) Revision(ctx context.Context, id string) (n uint64, err error) {
	_, n, err = s.read(ctx, id)
	return n, err
}

func (s *store) Update(ctx context.Context, id string, change func(Run) Run) (Run, error) {
	return s.update(ctx, id, change)
}

func (s *store) Claim(ctx context.Context, r Run, pipeline int64) error {
	return s.claim(ctx, r, pipeline)
}

// Written is how often records were written since the store is.
func (s *store) Written(ctx context.Context) (uint64, error) {
	status, err := s.kv.Status(ctx)
	if err != nil {
		return 0, err
	}
	return status.(*jetstream.KeyValueBucketStatus).StreamInfo().State.LastSeq, nil
}

// PutRaw writes what no version of pipebot may have written.
func (s *store) PutRaw(ctx context.Context, id, data string) error {
	_, err := s.kv.Put(ctx, runPrefix+id, []byte(data))
	return err
}

// Expires reports whether a record has a time to live.
func (s *store) Expires(ctx context.Context, id string) (bool, error) {
	stream, err := s.conn.js.Stream(ctx, "KV_"+bucketName)
	if err != nil {
		return false, err
	}
	newest, err := stream.GetLastMsgForSubject(ctx, "$KV."+bucketName+"."+runPrefix+id)
	if err != nil {
		return false, err
	}
	return newest.Header.Get(jetstream.MsgTTLHeader) != "", nil
}

// Expired gives the ids of the records that the store lets go, until ctx ends.
func (s *store) Expired(ctx context.Context) (<-chan string, error) {
	watcher, err := s.kv.Watch(ctx, runPrefix+"*")
	if err != nil {
		return nil, err
	}
	ids := make(chan string, 16)
	go func() {
		defer close(ids)
		defer stopWatching(watcher)
		for {
			select {
			case <-ctx.Done():
				return
			case entry := <-watcher.Updates():
				if entry != nil && entry.Operation() != 0 {
					ids <- entry.Key()[len(runPrefix):]
				}
			}
		}
	}()
	return ids, nil
}

// Rests waits until every record is at rest.
func (s *store) Rests(ctx context.Context) error {
	watcher, err := s.kv.Watch(ctx, runPrefix+"*")
	if err != nil {
		return err
	}
	defer stopWatching(watcher)
	busy, all := make(map[string]bool), false
	for !all || len(busy) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%v: %w", slices.Collect(maps.Keys(busy)), ctx.Err())
		case entry := <-watcher.Updates():
			if entry == nil {
				all = true
				continue
			}
			if r, err := decode(entry.Value()); err == nil && !r.atRest() {
				busy[entry.Key()] = true
			} else {
				delete(busy, entry.Key())
			}
		}
	}
	return nil
}

// Kind is a sort of work.
type Kind = kind

// The sorts of work.
const (
	KindRun  = kindRun
	KindPoll = kindPoll
	KindCard = kindCard
)

// Queue hands out tokens of work.
type Queue = queue

// OpenQueue opens the queue of a connection. Its tokens come back from the dead
// after ackWait.
func OpenQueue(ctx context.Context, conn *Conn, log *zap.Logger, ackWait time.Duration) (*Queue, error) {
	q, err := openQueue(ctx, conn, log)
	if err == nil {
		q.ackWait = ackWait
	}
	return q, err
}

func (q *queue) Publish(ctx context.Context, k Kind, key string) { q.publish(ctx, k, key) }

func (q *queue) Work(ctx context.Context, k Kind, workers int, handle func(context.Context, string) time.Duration, after func(context.Context, string)) error {
	return q.work(ctx, k, workers, handle, after)
}

// HandleToken handles one token.
func HandleToken(ctx context.Context, token jetstream.Msg, k Kind, ackWait time.Duration, handle func(context.Context, string) time.Duration, after func(context.Context, string)) {
	q := &queue{log: zap.NewNop(), ackWait: ackWait}
	q.handle(ctx, token, k, handle, after)
}

// Tokens is how many tokens there are, in hand or not.
func (q *queue) Tokens(ctx context.Context) (uint64, error) {
	info, err := q.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.Msgs, nil
}

// FailConsumers has the next calls that open a consumer fail, each with the next error.
func (q *queue) FailConsumers(errs ...error) { q.stream = &failing{q.stream, errs} }

type failing struct {
	jetstream.Stream
	errs []error
}

func (f *failing) CreateOrUpdateConsumer(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.Stream.CreateOrUpdateConsumer(ctx, cfg)
}

// Made is how many tokens were made since the queue is.
func (q *queue) Made(ctx context.Context) (uint64, error) {
	info, err := q.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// Lose takes all tokens away.
func (q *queue) Lose(ctx context.Context) error { return q.stream.Purge(ctx) }

// SetPace makes the engine quicker than people would want it.
func (e *Engine) SetPace(ackWait, drain, sweep time.Duration) {
	e.queue.ackWait, e.queue.drain, e.sweeps = ackWait, drain, sweep
}

// Store is the engine's store.
func (e *Engine) Store() *Store { return e.store }

// Tokens is the engine's queue.
func (e *Engine) Tokens() *Queue { return e.queue }

// Mirrored is the run as the engine's mirror has it.
func (e *Engine) Mirrored(id string) (Run, bool) {
	e.live.mu.Lock()
	defer e.live.mu.Unlock()
	r, ok := e.live.runs[id]
	return r, ok
}

// Mirror brings the mirror of an engine that does not work up to date.
func (e *Engine) Mirror(ctx context.Context) error {
	watcher, err := e.store.kv.Watch(ctx, runPrefix+"*")
	if err != nil {
		return err
	}
	defer stopWatching(watcher)
	e.live.began()
	for entry := range watcher.Updates() {
		if entry == nil {
			e.live.history.complete()
			e.live.watch.becomes(true)
			return nil
		}
		e.live.changed(ctx, entry)
	}
	return errWatchEnded
}

// Poll does one round for a project.
func (e *Engine) Poll(ctx context.Context, project int64) time.Duration {
	return e.poll(ctx, projectKey(project))
}

// PollBackoff is how long a project is left alone after so many failures in a row.
func (e *Engine) PollBackoff(failures int) time.Duration { return e.pollBackoff(failures) }

// Posts are the POSTs of a process that were not answered.
type Posts = posts

// Begin notes one that ends at a time.
func (p *posts) Begin(id string, deadline time.Time) { p.begin(id, deadline) }

// Wait is how much longer a step has to wait for it.
func (p *posts) Wait(id string, next Step, settle time.Duration) time.Duration {
	return p.wait(id, next, settle)
}

// Number is how many are kept.
func (p *posts) Number() (n int) {
	p.ends.Range(func(any, any) bool { n++; return true })
	return n
}

// SettleActs looks once what came of a run's acts, and returns when to look again.
func (e *Engine) SettleActs(ctx context.Context, r Run) time.Duration { return e.settle(ctx, r) }

// Falters has the next look-ups and watches of buckets fail, each with the next error, and
// the store be an outside one.
func (c *Conn) Falters(log *zap.Logger, errs ...error) *Conn {
	return &Conn{nc: c.nc, js: &falteringStreams{c.js, &errs}, log: log, replicas: 1, retention: c.retention}
}

// Readable fails where a record cannot be read.
func (c *Conn) Readable(ctx context.Context) error { return c.readable(ctx) }

type falteringStreams struct {
	jetstream.JetStream
	errs *[]error
}

func (f *falteringStreams) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	if err := next(f.errs); err != nil {
		return nil, err
	}
	kv, err := f.JetStream.KeyValue(ctx, bucket)
	if err != nil {
		return nil, err
	}
	return &faltering{kv, f.errs}, nil
}

type faltering struct {
	jetstream.KeyValue
	errs *[]error
}

func (f *faltering) Watch(ctx context.Context, keys string, opts ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	if err := next(f.errs); err != nil {
		return nil, err
	}
	return f.KeyValue.Watch(ctx, keys, opts...)
}

// next takes the first error, if there is one.
func next(errs *[]error) (err error) {
	if len(*errs) > 0 {
		err, *errs = (*errs)[0], (*errs)[1:]
	}
	return err
}

// FallsSilent has no write of a new record be answered.
func (s *store) FallsSilent() { s.kv = silent{s.kv} }

type silent struct{ jetstream.KeyValue }

func (silent) Create(ctx context.Context, _ string, _ []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// SweepBadly sweeps a run, and each sweep panics.
func SweepBadly(ctx context.Context, conn *Conn, log *zap.Logger, r Run) {
	s := &store{conn: conn}
	e := &Engine{Config: Config{Log: log}, store: s, live: newLive(s, log, nil), sweeps: time.Millisecond}
	e.live.runs[r.Request.ID] = r
	e.sweep(ctx)
}

// Statuses gives the connection's changes to a status.
func (c *Conn) Statuses(status nats.Status) <-chan nats.Status { return c.nc.StatusChanged(status) }

// Streams is how each stream is set, and what was written to it last.
func (c *Conn) Streams(ctx context.Context) (map[string]StreamIs, error) {
	all, list := make(map[string]StreamIs), c.js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = StreamIs{info.Config, info.State.Msgs, info.State.LastSeq}
	}
	return all, list.Err()
}

// StreamIs is how a stream is.
type StreamIs struct {
	Config     jetstream.StreamConfig
	Msgs, Last uint64
}

// CleanText is a text as it may be kept.
var CleanText = clean

// LongestText is how many characters of it are kept.
const LongestText = longestText

// SetReach makes Find read smaller parts, and fewer.
func (a *Audit) SetReach(window, reach uint64) { a.window, a.reach = window, reach }

// Stream is where the log is.
func (a *Audit) Stream() jetstream.Stream { return a.stream }

// PublishRaw writes what no version of pipebot may have written.
func (a *Audit) PublishRaw(ctx context.Context, m *nats.Msg) error {
	m.Subject = auditSubject + EntryRequest
	_, err := a.js.PublishMsg(ctx, m)
	return err
}

// FallsSilent has no entry be answered, as while the log's stream has no leader.
func (a *Audit) FallsSilent() { a.js = silentStream{a.js} }

type silentStream struct{ jetstream.JetStream }

func (silentStream) PublishMsg(ctx context.Context, _ *nats.Msg, _ ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// SetConfig changes how the log is kept.
func (a *Audit) SetConfig(ctx context.Context, change func(*jetstream.StreamConfig)) error {
	cfg := a.stream.CachedInfo().Config
	change(&cfg)
	_, err := a.js.UpdateStream(ctx, cfg)
	return err
}

// PutRaw writes what no version of pipebot may have written.
func (s *Freezes) PutRaw(ctx context.Context, id, data string) error {
	_, err := s.kv.Put(ctx, freezePrefix+id, []byte(data))
	return err
}

// Knows reports whether the mirror has a freeze, be it over or not.
func (s *Freezes) Knows(id string) bool {
	s.mirror.mu.Lock()
	defer s.mirror.mu.Unlock()
	_, ok := s.mirror.known[id]
	return ok
}

// OnTold has told called whenever the watch has told the mirror of something.
func (s *Freezes) OnTold(told func()) { s.watch.onTold(told) }

// Knows waits until the mirror has every record.
func (e *Engine) Knows(ctx context.Context) error { return e.live.knowsAll(ctx) }

// OnTold has told called whenever the watch has told the mirror of a run.
func (e *Engine) OnTold(told func()) { e.live.watch.onTold(told) }

func (w *watch) onTold(told func()) {
	changed := w.changed
	w.changed = func(ctx context.Context, entry jetstream.KeyValueEntry) {
		changed(ctx, entry)
		told()
	}
}

// Claim claims an account for a person, and dies before the link is written.
func (l *Links) Claim(ctx context.Context, link Link) error {
	_, err := l.claim(ctx, link)
	return err
}

// hookedKV calls functions before it writes.
type hookedKV struct {
	jetstream.KeyValue
	put, update func()
}

func (kv hookedKV) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	kv.put()
	return kv.KeyValue.Put(ctx, key, value)
}

func (kv hookedKV) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	kv.update()
	return kv.KeyValue.Update(ctx, key, value, revision)
}

// Hooked is the same store, and calls put before it writes a link, and update before it
// takes an account over or confirms that it has it.
func (l *Links) Hooked(put, update func()) *Links { return &Links{hookedKV{l.kv, put, update}} }

// WriteLink writes a person's link and nothing else.
func (l *Links) WriteLink(ctx context.Context, link Link) error {
	data, err := json.Marshal(link)
	if err == nil {
		_, err = l.kv.Put(ctx, personKey(link.Team, link.User), data)
	}
	return err
}

// Keys are all that the store has.
func (l *Links) Keys(ctx context.Context) ([]string, error) {
	keys, err := l.kv.Keys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, nil
	}
	return keys, err
}

// ErrTorn: the end of a file is the beginning of a record.
var ErrTorn = errTorn

// ReadBlock reads the records of a block of a stream.
func ReadBlock(data []byte, stream string, block int) (last uint64, err error) {
	h, err := blockHash(stream, block)
	if err != nil {
		return 0, err
	}
	return readBlock(data, h)
}

// Unwritable and Unreadable say what is wrong with a data folder.
var (
	Unwritable = unwritable
	Unreadable = unreadable
)

// Decoders are all that read what is stored, each with what tells that it took data for
// something that it is not.
var Decoders = map[string]func(data []byte) (bad string){
	"run": func(data []byte) string {
		if r, err := decode(data); err == nil && r.Format != formatVersion {
			return fmt.Sprintf("the format %d", r.Format)
		}
		return ""
	},
	"link": func(data []byte) string {
		if l, err := decodeLink(data); err != nil && l != (Link{}) {
			return fmt.Sprintf("an error and %+v", l)
		}
		return ""
	},
	"freeze": func(data []byte) string {
		if f := decodeFreeze("freeze.abc", data); f.err == nil && f.ID != "abc" {
			return "the freeze " + f.ID
		}
		return ""
	},
	"entry": func(data []byte) string {
		at := time.Unix(1, 0)
		e := readEntry(data, &jetstream.MsgMetadata{Timestamp: at})
		if json.Unmarshal(data, new(Entry)) != nil && (e.Kind != EntryUnreadable || e.Reason == "") {
			return fmt.Sprintf("the entry %+v", e)
		}
		return ""
	},
	"note": func(data []byte) string {
		if m, err := decodeMark("data", data); err == nil && m.Format != folderFormat {
			return fmt.Sprintf("the format %d", m.Format)
		}
		return ""
	},
	"block": func(data []byte) string {
		last, err := ReadBlock(data, "S", 1)
		if err == nil && len(data) > 0 && len(data) < recordHeader+recordSum {
			return fmt.Sprintf("record %d", last)
		}
		return ""
	},
}

// PutRaw writes what no version of pipebot may have written.
func (l *Links) PutRaw(ctx context.Context, team, user, data string) error {
	_, err := l.kv.Put(ctx, personKey(team, user), []byte(data))
	return err
}
