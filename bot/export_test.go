package bot

import (
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// What the tests draw and read from outside. The values are the package's own
// functions; nothing here adds to them.

// Message is what is sent to Slack.
type Message = message

// Form is what the modal knows beside what is typed into it.
type Form = form

// Limits and words that tests hold the drawings to.
const (
	OptionSize    = optionSize
	ValueSize     = valueSize
	ShownOfKind   = shownOfKind
	MetadataEvent = metadataEvent
	ToldLost      = toldLost
)

var (
	Card         = card
	NoticeFor    = noticeFor
	InviteHint   = inviteHint
	ActionFailed = actionFailed
	ErrStale     = errStale

	Modal          = modal
	ParseForm      = parseForm
	ParseVariables = parseVariables
	ProjectKey     = projectKey
	ProjectByKey   = projectByKey
	RefOption      = refOption
	WithRecent     = withRecent
	Taken          = taken

	Around        = around
	Duration      = duration
	ShortenMiddle = shortenMiddle
	ShortenEnd    = shortenEnd
	Escape        = escape
)

// Mark is what a person should know of a ref before they choose it.
type Mark = mark

// The marks.
const (
	Unmarked      = unmarked
	NeedsApproval = needsApproval
	FrozenNow     = frozenNow
	Protected     = protected
	Forbidden     = forbidden
)

// MarkedGroups are the groups of the ref field.
var MarkedGroups = refGroups

// RefGroups are those of refs without marks.
func RefGroups(branches, tags []gitlab.Ref) slack.OptionGroupsResponse {
	return refGroups(branches, tags, func(gitlab.Ref) mark { return unmarked })
}

// Reply is a message in a run's thread and the name under which it is given once.
type Reply struct {
	Name string
	Message
}

// Replies are what the thread of the run should hold by now.
func Replies(r run.Run) []Reply {
	var list []Reply
	for _, reply := range replies(r) {
		list = append(list, Reply{reply.name, reply.message})
	}
	return list
}

// Metadata is the form as the view's private metadata carries it.
func (f form) Metadata() string { return f.metadata() }

// Allowed reports whether the teller posts to the reply URL.
func (t *Teller) Allowed(replyURL string) bool { return t.allowed(replyURL) }

// Route is one thing that people can do, and what the policy is asked about on the way.
type Route struct {
	Kind, ID string
	Action   policy.Action
}

// Routes are all that people can do.
func Routes() []Route {
	var list []Route
	for _, r := range routes() {
		list = append(list, Route{r.kind, r.id, r.action})
	}
	return list
}

// What is said about rights.
var (
	RefusedBy     = refusedBy
	LinkedAs      = linkedAs
	Unlinked      = unlinked
	CodeToConfirm = codeToConfirm
	LinkFault     = func(err error) Message { return warning(linkFault(err)...) }
	Frozen        = frozen
	NotFrozen     = func(project, pattern string, current []run.Freeze) Message {
		return notFrozen(frozenArea{project, pattern}, current)
	}
	Thawed      = func(by, project, pattern string) Message { return thawed(by, frozenArea{project, pattern}) }
	HelpMessage = func() Message { return privately(helpLines()...) }

	Unknown     = unknown
	WhatYouMay  = whatYouMay
	AuditList   = auditList
	ReasonModal = reasonModal
	Undecided   = func(d policy.Decision, err error) Message { return warning(undecidedWords(d, err)...) }

	ErrNotApprover = errNotApprover
	ErrAskerMayNot = errAskerMayNot
	ReasonMetadata = reasonMetadata
	HeldValue      = heldValue
	ParseFreeze    = func(text string, projects []string) (project, pattern string, lasts time.Duration, reason, fault string) {
		f, fault := parseFreeze(text, projects)
		return f.project, f.pattern, f.lasts, f.reason, fault
	}
	ParseAudit = parseAudit
)
