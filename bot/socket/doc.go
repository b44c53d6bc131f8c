// Package socket holds the Socket Mode connections to Slack. There are two, so that
// one stands while the other is replaced or lost: Slack ends each after some hours, and
// a network ends them when it likes.
//
//	Socket ─ two lines ─► open at a pace ─► hello ─► envelopes ─► bounded workers
//	             ▲                                       │
//	             └── ended, warned of, or too close ◄────┘
//
// A line opens the successor of a connection that Slack warns of before it leaves the
// old one. Two connections that were opened close together would end together, so the
// younger of them is renewed at half its time ([renewal]).
//
// Each envelope is handed to a bounded worker and acknowledged in time, whatever became
// of it: the bounds, the deadlines, recovery from a handler's panic, and acknowledgements
// for what cannot be parsed are here. What a connection has not got out when it ends goes
// out on the other one.
//
// slack-go opens the connections and knows the payloads. Its socketmode client is not
// used: it hides why Slack ends a connection, cannot open the next one before, and does
// not say whether an acknowledgement was written.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
package socket
