// Package slacktest is a simulated Slack workspace, as net/http/httptest is a simulated web server.
//
// It speaks the two protocols that an app in Socket Mode speaks: the Web API over HTTP and Socket Mode over
// WebSocket. It keeps state (people, channels, messages, modals) and has rules: what Slack refuses, it
// refuses with Slack's own error codes. Code that uses it is the app under test, in this process or another:
//
//	s := slacktest.NewServer(slacktest.Config{})
//	defer s.Close()
//	// start the app with s.APIURL(), slacktest.DefaultAppToken and slacktest.DefaultBotToken
//
// There are three sides to it:
//
//   - The server side (server.go, webapi*.go, socket.go, envelopes.go, kit*.go): Slack's methods, Block Kit's
//     rules, envelopes, acknowledgements and their redelivery.
//   - The people side (users.go, people*.go, modal*.go, read*.go): a test acts as a person (User.Command,
//     Modal.Choose, Modal.Submit, User.Click) and looks at what that person sees (Modal.Text, Message.Read).
//     What a person cannot do in Slack fails here: no clicking a button that is not there, no choosing an
//     option that was not offered. A graphical client acts through the same code by ids instead of words
//     (client*.go: User.Act, User.Enter, User.Suggest, User.SubmitView).
//   - The levers (levers.go): dropped connections, second deliveries, rate limits, lost answers.
//
// Everything that an app did and Slack would dislike (late acknowledgements, payloads that break a limit,
// used-up triggers) is kept in Server.Violations, so that a test can assert that there is none.
//
// What it is not: it has no Enterprise Grid, no files, no search and no OAuth; legacy attachments are kept
// and drawn, not checked; rate limits are a lever and not a bucket; plain_text is drawn exactly as it came; what
// somebody chose in a menu of a message stands there for everybody.
package slacktest
