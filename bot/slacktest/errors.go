package slacktest

import "errors"

// What a person runs into. The texts are Slack's where Slack shows one.
var (
	// ErrTimeout: the app did not acknowledge in time. Slack shows operation_timeout after a slash command,
	// a warning sign beside a button and "We had some trouble connecting" in a modal.
	ErrTimeout = errors.New("operation_timeout")
	// ErrNotDispatched: the app had no connection open for as long as it may take to acknowledge.
	ErrNotDispatched = errors.New("dispatch_failed")
	// ErrBadAnswer: the app acknowledged with a payload that Slack does not accept; see Violations.
	ErrBadAnswer = errors.New("the app answered with something that Slack does not accept")
	// ErrQueryTooShort: the menu asks for more characters before it looks for options.
	ErrQueryTooShort = errors.New("the menu waits for more characters")
	// ErrNotThere: what a person looked for (a field, a button, an option) is not on the screen.
	ErrNotThere = errors.New("not on the screen")
	// ErrClosed: the server was closed.
	ErrClosed = errors.New("the simulated workspace is closed")
)
