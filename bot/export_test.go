package bot

import (
	"pipebot/bot/run"
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
	RefGroups      = refGroups
	WithRecent     = withRecent
	Taken          = taken

	Around        = around
	Duration      = duration
	ShortenMiddle = shortenMiddle
	ShortenEnd    = shortenEnd
	Escape        = escape
)

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
