package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pipebot/bot/slacktest"
)

const (
	// actionTime is more than Slack gives an app to answer, and than the bot takes to stop and start.
	actionTime = 10 * time.Second
	// maxBody is more than a view with everything entered takes.
	maxBody = 1 << 20
)

// request is what the page posts: each action reads the fields that it has. Values are as a person entered them; see
// slacktest's User.Act.
type request struct {
	As         string                                `json:"as"`
	Channel    string                                `json:"channel"`
	TS         string                                `json:"ts"`
	ThreadTS   string                                `json:"thread_ts"`
	View       string                                `json:"view"`
	BlockID    string                                `json:"block_id"`
	ActionID   string                                `json:"action_id"`
	CallbackID string                                `json:"callback_id"`
	Command    string                                `json:"command"`
	Text       string                                `json:"text"`
	Query      string                                `json:"query"`
	Value      json.RawMessage                       `json:"value"`
	Values     map[string]map[string]json.RawMessage `json:"values"`
	Do         string                                `json:"do"`
	ID         json.RawMessage                       `json:"id"` // of a lever, or of a pipeline
	Job        int                                   `json:"job"`
	On         bool                                  `json:"on"`
	Account    string                                `json:"account"` // in GitLab
}

// answer is what the page gets besides ok.
type answer map[string]any

// action is one thing that a person can do. Its error becomes a sentence for that person.
type action func(ctx context.Context, u *slacktest.User, r request) (answer, error)

// actions are all of them, by the name in their address.
func (w *world) actions() map[string]action {
	return map[string]action{
		"command":          w.doCommand,
		"post":             w.doPost,
		"act":              w.doAct,
		"suggest":          w.doSuggest,
		"submit":           w.doSubmit,
		"close":            w.doClose,
		"shortcut":         w.doShortcut,
		"message_shortcut": w.doMessageShortcut,
		"home":             w.doHome,
		"lever":            w.doLever,
		"pipeline":         w.doPipeline,
		"confirm":          w.doConfirm,
	}
}

// serveAction does what the page asks for. What goes wrong in the simulated world is an answer like any other; only a
// request that makes no sense has a status of its own.
func (w *world) serveAction(rw http.ResponseWriter, r *http.Request) {
	do, known := w.actions()[r.PathValue("action")]
	if !known {
		http.Error(rw, "There is no such action.", http.StatusNotFound)
		return
	}
	var asked request
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxBody)).Decode(&asked); err != nil {
		http.Error(rw, fmt.Sprintf("The body cannot be read: %v.", err), http.StatusBadRequest)
		return
	}
	u, known := w.person(asked.As)
	if !known {
		http.Error(rw, "Nobody has this id.", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTime)
	defer cancel()
	said, err := do(ctx, u, asked)
	if said == nil {
		said = answer{}
	}
	said["ok"] = err == nil
	if err != nil {
		said["error"] = w.sentence(err)
	}
	text, err := json.Marshal(said)
	if err != nil {
		http.Error(rw, fmt.Sprintf("The answer cannot be written: %v.", err), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(text)
}

// sorry is an error that is a sentence for a person already.
type sorry string

func (s sorry) Error() string { return string(s) }

// sentence is an error as a person reads it.
func (w *world) sentence(err error) string {
	app := w.app.Display.Name
	if said, ok := errors.AsType[sorry](err); ok {
		return said.Error()
	}
	switch {
	case errors.Is(err, slacktest.ErrTimeout):
		return app + " did not answer within 3 seconds."
	case errors.Is(err, slacktest.ErrNotDispatched):
		return app + " is not connected to Slack."
	case errors.Is(err, slacktest.ErrBadAnswer):
		return app + " answered with something that Slack does not accept."
	case errors.Is(err, slacktest.ErrClosed), errors.Is(err, context.Canceled):
		return "The sandbox has stopped."
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("That took longer than %v.", actionTime)
	default:
		return fmt.Sprintf("That did not work: %v.", err)
	}
}
