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
// which those are.
//
// Where the engine cannot find out whether GitLab started a pipeline, the run is unknown
// and goes on as people say ([Engine.Settle]).
//
// Beside the runs it keeps what decisions about them need and leave behind: who people
// are in GitLab ([Links]), what is frozen ([Freezes]), and who did what ([Audit]). It
// decides none of it.
//
// The package knows GitLab and no Slack. What it needs of the two it declares as
// [GitLab] and [Display].
package run
