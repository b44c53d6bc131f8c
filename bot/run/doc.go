// Package run is the durable part of pipebot: it writes down what people asked
// for, starts one pipeline for each request, follows it to its end, and sees that
// people are shown how it stands.
//
// A [Run] is one record in a JetStream key-value bucket. Everything that happens
// is a change of a record by compare-and-set, decided by a pure function of the
// record, what was observed and the time; the process may die between any two of
// them. Work is handed out as tokens of a work-queue stream which carry keys and
// never content, so a token may be lost or doubled: the sweep makes one for every
// record that is not at rest, and whoever holds a token reads the record anew.
//
//	Submit ─► record ─► live ─► token ─► starter, poller or shower ─► record ─► ...
//
// A pipeline that is there already can be followed: its record begins where it is started
// and goes the same way from there. What people do to a pipeline is done once on GitLab,
// and then written into every record that shows it ([Engine.Act]); the [History] knows
// which those are. Before GitLab is asked the records have the [Intent], so that what a
// process that died had asked for is found out by the next one, and what GitLab does later
// by any (intent.go).
//
// A start is asked for once. Where its answer was lost the pipeline is looked for by the
// variable that only it carries, and only a readable "not there" lets it be asked for again
// (starting.go). Where the engine cannot find out, the run is unknown and goes on as people
// say ([Engine.Settle], unclear.go). clock.go says what holds when a clock jumps.
//
// Records are kept in an outside NATS, which is waited for (persist.go), or in a server in
// this process. The folder of that is held against a note of how it was left before it is
// opened (folder.go, mark.go), and opened anew after it could not be written,
// such as on a full disk (keepopen.go). Records that another version wrote end the start
// before anything is made or set beside them (readable.go).
//
// Beside the runs it keeps what decisions about them need and leave behind: who people
// are in GitLab ([Links]), what is frozen ([Freezes]), and who did what ([Audit]). It
// decides none of it.
//
// The package knows GitLab and no Slack. What it needs of the two it declares as
// [GitLab] and [Display].
package run
