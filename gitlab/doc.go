// Package gitlab is everything pipebot asks of a GitLab instance: which refs a
// project has, starting a pipeline exactly as often as it was asked to,
// following it, retrying and canceling it, and who somebody is and may do what.
//
// [Client] makes the calls, each with the caller's deadline and without any
// retry of its own: who asks decides when to ask again, and a POST is never
// repeated blindly. Every failure is an [*Error] whose [Kind] says what can be
// done about it. [Index] is the ranked search over a project's branches and
// tags, and [Refs] keeps one such index for each project fresh. [Linker] lets a
// person prove which user they are; [Memberships] knows for a minute at a time
// which [Role] a user has and which [Rights] there are to a ref. What cannot be
// found out about them is an error and never a permission.
//
// The package knows nothing of Slack and keeps nothing on disk.
package gitlab
