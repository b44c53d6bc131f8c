package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Kinds of entries.
const (
	// EntryRequest: somebody asked for something.
	EntryRequest = "request"
	// EntryDecision: it was allowed or refused, by a rule or a person.
	EntryDecision = "decision"
	// EntryAction: GitLab was asked to do it.
	EntryAction = "action"
	// EntryResult: what came of it.
	EntryResult = "result"
	// EntryAdmin: what concerns the bot itself, such as a freeze or a link.
	EntryAdmin = "admin"
	// EntryUnreadable: something in the log that no version of this program wrote, or
	// only a newer one. It is read and never appended.
	EntryUnreadable = "unreadable"
)

// Entry is a line of the audit log: who did what, where and when, and what came of
// it. It holds no secrets: of variables only the names, and tokens are masked.
type Entry struct {
	// ID tells entries apart: one that is appended again within two hours is not
	// written again. Without it every call writes one.
	ID string `json:"id,omitempty"`
	// At is when it happened; zero stands for now.
	At time.Time `json:"at"`
	// Kind is one of the Entry constants.
	Kind   string `json:"kind"`
	Action string `json:"action,omitempty"`
	// User and Team are Slack's ids of a person, GitLabUser their name in GitLab.
	User       string `json:"user,omitempty"`
	Team       string `json:"team,omitempty"`
	GitLabUser string `json:"gitlab_user,omitempty"`
	Channel    string `json:"channel,omitempty"`
	Project    string `json:"project,omitempty"`
	Ref        string `json:"ref,omitempty"`
	RefKind    string `json:"ref_kind,omitempty"`
	SHA        string `json:"sha,omitempty"`
	BuildType  string `json:"build_type,omitempty"`
	// Run is the ID of the run's request, Pipeline GitLab's id.
	Run      string `json:"run,omitempty"`
	Pipeline int64  `json:"pipeline,omitempty"`
	// Outcome is what was decided or came of it, Rule what decided, Reason why.
	Outcome string `json:"outcome,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Variables are names, never values.
	Variables []string `json:"variables,omitempty"`
}

const (
	auditStream  = "PIPEBOT_AUDIT"
	auditSubject = "pipebot.audit." // and the kind
	// auditWindow is how long the store knows an entry's ID. It outlasts the hour that a
	// request waits, after which nothing is tried again.
	auditWindow = 2 * time.Hour
	// mostVariables is how many names of an entry are kept.
	mostVariables = 100
)

// Audit is the log of what was asked for, decided and done. It only ever grows, until
// entries are older than its retention. JetStream holds to that: it deletes no entry
// and purges none, for nobody. Who may change the server's streams as such, or its
// files, still can.
type Audit struct {
	js            jetstream.JetStream
	stream        jetstream.Stream
	window, reach uint64 // of Find
}

// OpenAudit makes the audit log where there is none, and sets how long entries are
// kept: those that are older go at once.
func OpenAudit(ctx context.Context, conn *Conn, retention time.Duration) (*Audit, error) {
	stream, err := withReplicas(ctx, conn, "the audit log", func(ctx context.Context, replicas int) (jetstream.Stream, error) {
		return conn.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: auditStream, Description: "pipebot: audit log", Replicas: replicas,
			Subjects: []string{auditSubject + "*"}, Storage: jetstream.FileStorage,
			DenyDelete: true, DenyPurge: true, MaxAge: retention,
			Duplicates: min(auditWindow, retention),
		})
	})
	if err != nil {
		return nil, err
	}
	return newAudit(conn, stream), nil
}

// ErrNoAudit: the store has no audit log.
var ErrNoAudit = errors.New("there is no audit log in this store")

// ReadAudit finds the audit log and leaves it as it is: who only reads does not know
// its retention, and a shorter one would delete. ErrNoAudit says that there is none.
func ReadAudit(ctx context.Context, conn *Conn) (*Audit, error) {
	stream, err := conn.js.Stream(ctx, auditStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, ErrNoAudit
	}
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return newAudit(conn, stream), nil
}

func newAudit(conn *Conn, stream jetstream.Stream) *Audit {
	return &Audit{js: conn.js, stream: stream, window: findWindow, reach: findReach}
}

// entryIDForm is what an ID may look like: it becomes a header.
var entryIDForm = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{0,200}$`)

// Append writes an entry down; it is on disk when the error is nil. Texts become single
// lines of at most 500 characters, and tokens in them become ***.
func (a *Audit) Append(ctx context.Context, e Entry) error {
	_, err := a.append(ctx, e)
	return err
}

// AppendOnce is Append of an entry that has an ID, and reports whether it is the first
// under that ID: of several that try, in whatever process, one is told so. After an error
// nobody knows, and whoever tries again may not be told either.
func (a *Audit) AppendOnce(ctx context.Context, e Entry) (first bool, err error) {
	if e.ID == "" {
		return false, errors.New("an entry without an id cannot be the first of that id")
	}
	return a.append(ctx, e)
}

func (a *Audit) append(ctx context.Context, e Entry) (first bool, err error) {
	if !slices.Contains([]string{EntryRequest, EntryDecision, EntryAction, EntryResult, EntryAdmin}, e.Kind) {
		return false, fmt.Errorf("the audit log has no entries of the kind %q", clean(e.Kind))
	}
	if !entryIDForm.MatchString(e.ID) || tokenLook.MatchString(e.ID) {
		// Cutting or masking it could make it another's, and swallow the entry.
		return false, fmt.Errorf("the id %q of an entry cannot be kept", clean(e.ID))
	}
	data, err := json.Marshal(e.cleaned(time.Now()))
	if err != nil {
		return false, fmt.Errorf("encoding an entry of the audit log: %w", err)
	}
	options := []jetstream.PublishOpt{jetstream.WithExpectStream(auditStream)}
	if e.ID != "" {
		options = append(options, jetstream.WithMsgID(e.ID))
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for {
		ack, err := a.js.PublishMsg(ctx, &nats.Msg{Subject: auditSubject + e.Kind, Data: data}, options...)
		switch {
		case err == nil:
			return !ack.Duplicate, nil
		case !isInProcess(err) || ctx.Err() != nil:
			return false, fmt.Errorf("writing to the audit log: %w", err)
		}
		pauseFor(ctx, replicaLag)
	}
}

// isInProcess: somebody else writes an entry with this ID just now, and the servers of a
// cluster have not agreed on it yet.
func isInProcess(err error) bool {
	const duplicateInProcess = 10158 // JSStreamDuplicateMessageConflict, for which nats.go has no name
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == duplicateInProcess
}

// cleaned is the entry as it may be kept.
func (e Entry) cleaned(now time.Time) Entry {
	for _, text := range []*string{
		&e.Action, &e.User, &e.Team, &e.GitLabUser, &e.Channel, &e.Project, &e.Ref, &e.RefKind, &e.SHA,
		&e.BuildType, &e.Run, &e.Outcome, &e.Rule, &e.Reason,
	} {
		*text = clean(*text)
	}
	names := e.Variables[:min(len(e.Variables), mostVariables)]
	more := len(e.Variables) - len(names)
	e.Variables = nil // the caller's own is left as it is
	for _, name := range names {
		e.Variables = append(e.Variables, clean(name))
	}
	if more > 0 {
		e.Variables = append(e.Variables, fmt.Sprintf("and %d more", more))
	}
	if e.At.IsZero() {
		e.At = now
	}
	e.At = e.At.UTC()
	return e
}
