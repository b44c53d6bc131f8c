// Package socket holds the Socket Mode connection to Slack: it opens it at a pace
// that Slack bears, hands each envelope to a bounded worker, and sees that every
// one is acknowledged in time, whatever became of it.
//
// It stands on slack-go's socketmode client and adds what that leaves to its
// user: the bounds, the deadlines, recovery from a handler's panic,
// acknowledgements for what cannot be parsed, and a shutdown that loses none.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
package socket
