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
// # Why not slack-go's client
//
// slack-go makes the call that opens a connection, and its types are those of the frames
// and of what is in them. WebSocket itself is gorilla/websocket's. The client of its package
// socketmode (v0.35) is not used, because of what it does not do:
//
//   - It keeps the reason of a disconnect to itself. Here Socket Mode that is switched off, or
//     an app without room for one more, is told, and not tried again at once.
//   - It opens the next connection only when the last one has ended. Two clients would not
//     help where Slack ends both at a time.
//   - Its acknowledgement is done when it is queued. Here it has been written, or goes out on
//     the other connection, and the end of the process waits for it.
//   - Ten frames in a row that it cannot read end the connection, and what among them is an
//     envelope has no acknowledgement, so that it may come again on the next one.
//   - It waits up to five minutes between two tries, and ends at a 404.
//
// That costs this package: pings, deadlines, the goodbye and each change of the protocol are
// its own to follow. An envelope of a type that is not known yet is acknowledged and logged.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
package socket
