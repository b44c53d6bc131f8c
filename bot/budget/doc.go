// Package budget keeps a process within Slack's rate limits, and lets it wait in peace
// while Slack is away.
//
// Who is about to show something to many asks first: [Budget.Take] grants a call, or says
// when to come again. It holds nobody up and queues nothing: the work waits where it is
// kept anyway, and is read anew when its turn comes, so that of many changes only the
// newest is sent. What matters more gets by what matters less, because each [Purpose] has
// to leave some of what is left to those above it, and lets those of them go first that
// were told to come again.
//
// Answers to people are not asked about. But [Budget.Transport] sees the answers to all
// calls: what Slack refuses with 429 is not called again before the time it names, and
// what Slack fails at is tried by one at a time, ever more rarely.
//
// The package keeps no state but in memory: a process that begins anew learns from Slack
// what it may do.
package budget
