package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot/args"
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
	Outdated     = outdated

	ParseForm    = parseForm
	ProjectKey   = projectKey
	ProjectByKey = projectByKey
	RefOption    = refOption
	WithRecent   = withRecent
	Taken        = taken

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

	Working       = working
	FoundAfterAll = foundAfterAll
	Unknown       = unknown
	WhatYouMay    = whatYouMay
	AuditList     = auditList
	ReasonModal   = reasonModal
	Undecided     = func(d policy.Decision, err error) Message { return warning(undecidedWords(d, err)...) }

	NotSettled    = notSettled
	CardIsHere    = cardIsHere
	CardIsAway    = cardIsAway
	NowFollowed   = nowFollowed
	NotFoundOut   = notFoundOut
	NotShown      = notShown
	NoLink        = noLink
	Preview       = preview
	Waited        = waited
	Left          = left
	PostedBetween = postedBetween

	ErrNothingShown = errNothingShown
	ErrUnread       = errUnread
	ErrNoPipeline   = errNoPipeline
	ErrManyCards    = errManyCards
	ErrNotWaiting   = errNotWaiting

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

// Find finds the pipeline that somebody means.
func Find(ctx context.Context, b *Bot, who Asker, t Target) (run.Run, error) {
	return b.find(ctx, &arrival{who: who}, target{t.Project, t.ID, t.IID})
}

// TargetIn finds the first pipeline that a message links to.
func TargetIn(b *Bot, m slack.Message) (Target, bool) {
	t, ok := b.targetIn(m)
	return Target{t.project, t.id, t.iid}, ok
}

// QuestionOf is what the policy is asked about a run, and Ask asks it.
var QuestionOf = questionOf

// Ask decides whether somebody may do something, and writes it down.
func (g *Gate) Ask(ctx context.Context, who Asker, q policy.Question, r run.Run) (policy.Decision, policy.Person) {
	return g.ask(ctx, who, q, r)
}

// Target is the pipeline that somebody means.
type Target struct {
	Project string
	ID, IID int64
}

// ParseTarget reads the words that name a pipeline.
func ParseTarget(b *Bot, typed []string) (Target, string) {
	t, fault := b.parseTarget(typed)
	return Target{t.project, t.id, t.iid}, fault
}

// What is said of tests and names.
var (
	TestsOf            = testsOf
	PipelineRenamed    = pipelineRenamed
	PipelineNotRenamed = pipelineNotRenamed
)

// ParseRename reads what was typed behind rename.
func ParseRename(b *Bot, typed []string) (Target, string, string) {
	t, name, fault := b.parseRename(typed)
	return Target{t.project, t.id, t.iid}, name, fault
}

// TokensAt is what the modals about trigger tokens know.
type TokensAt = tokensAt

// Metadata is that as the view's private metadata carries it.
func (at tokensAt) Metadata() string { return at.metadata() }

// What is drawn and said of trigger tokens.
var (
	TokensModal   = tokensModal
	TokensUnread  = tokensUnread
	TokensWorking = tokensWorking
	TokensSaying  = func(said ...slack.RichTextSectionElement) slack.ModalViewRequest {
		return tokensSaying(privately(said...).Blocks)
	}
	NewTokenModal   = newTokenModal
	RenameModal     = renameModal
	RevokeModal     = revokeModal
	MadeModal       = madeModal
	TokenUnseen     = tokenUnseen
	TokenRenamed    = tokenRenamed
	TokenRevoked    = tokenRevoked
	NotRenamed      = notRenamed
	NotRevoked      = notRevoked
	NotMade         = notMade
	TokenUnread     = tokenUnread
	ParseTokensAt   = parseTokensAt
	TokensOnPage    = tokensOnPage
	ReadingTokens   = readingThem
	LongDescription = longestDescription
)

// ParseWantedToken reads the form of a new trigger token.
func ParseWantedToken(view *slack.View, now time.Time) (description string, expires time.Time, faults map[string]string) {
	w, faults := parseWantedToken(view, now)
	return w.description, w.expires, faults
}

// ParseTokenChoice reads the value of the menu beside a trigger token.
var ParseTokenChoice = parseTokenChoice

// TokensProject reads whose trigger tokens are meant; fault is what is wrong.
func TokensProject(b *Bot, typed []string, channel string) (name, fault string) {
	name, said := b.tokensProject(typed, channel)
	return name, plainWords(said)
}

// Listing is which of a project's pipelines somebody wants to see.
type Listing struct {
	Project string
	Mine    bool
	Filter  gitlab.ListFilter
	Page    int
}

func (l listing) exported() Listing { return Listing{l.project, l.mine, l.filter, l.page} }

// ParseListing reads what follows the word list.
func ParseListing(b *Bot, text string, now time.Time) (Listing, string, error) {
	line, err := args.Parse(text, listArgs())
	if err != nil {
		return Listing{}, "", err
	}
	l, err := parseListing(line, b.projectTyped, b.typed(), now)
	return l.exported(), l.value(), err
}

// ParseListValue reads the value of a button that leads to another page.
func ParseListValue(b *Bot, value string, now time.Time) (Listing, string, bool) {
	l, ok := parseValue(value, b.projectTyped, now)
	return l.exported(), l.value(), ok
}

// PipelineList draws a page of a list.
func PipelineList(b *Bot, typed, path string, rows []Row, hidden, page int, more, unsearched bool) Message {
	line, err := args.Parse(typed, listArgs())
	if err != nil {
		return Message{Text: err.Error()}
	}
	l, err := parseListing(line, b.projectTyped, b.typed(), time.Unix(1772445600, 0))
	if err != nil {
		return Message{Text: err.Error()}
	}
	l.page = page
	return pipelineList(pipelinePage{listing: l, path: path, rows: rows, hidden: hidden, more: more, unsearched: unsearched})
}

// ListFailed says why there is no list.
func ListFailed(project string, err error) Message {
	return listFailed(listing{project: project, page: 1}, err)
}

// Row is a pipeline among others.
type Row = row

// What rows are made of.
var (
	PipelineRow = pipelineRow
	RunRow      = runRow
	MrkdwnLink  = mrkdwnLink
)

// HomePage is what is on somebody's Home.
type HomePage struct {
	Refused           *policy.Decision
	Linkable          bool
	Unlinked, Waiting bool
	Account           string
	Own               []Row
	Projects          []HomeProject
	More              int
	Away              time.Time
}

// HomeProject is a project on it.
type HomeProject struct {
	Path    string
	Reading bool
	Rows    []Row
	Err     error
}

// HomeView draws a Home.
func HomeView(p HomePage) slack.HomeTabViewRequest {
	page := homePage{
		refused: p.Refused, linkable: p.Linkable, unlinked: p.Unlinked, waiting: p.Waiting, asked: p.Waiting, account: p.Account, own: p.Own, more: p.More, away: p.Away,
	}
	for _, project := range p.Projects {
		drawn := homeProject{path: project.Path, reading: project.Reading, rows: project.Rows}
		if project.Err != nil {
			drawn.fault, _ = listFault(project.Err)
		}
		page.projects = append(page.projects, drawn)
	}
	return homeView(page)
}

// Limits of lists and Homes.
const (
	RowsShown     = rowsShown
	OwnRunsShown  = ownRunsShown
	ProjectsShown = projectsShown
	PipelinesEach = pipelinesEach
	MostHomes     = mostHomes
	MostSearched  = mostSearched
)

// SetClock has the Homes look at another clock.
func (h *Homes) SetClock(now func() time.Time) { h.now = now }

// Open is how many Homes are kept current.
func (h *Homes) Open() int { return len(h.current(h.now())) }

// Opened is what app_home_opened does for somebody who may use the bot.
func (h *Homes) Opened(ctx context.Context, who Asker) { h.opened(ctx, who) }

// View is a modal.
type View = slack.ModalViewRequest

// What is said about acting on pipelines.
var (
	Acted          = acted
	Repeated       = repeated
	DeletedAlready = deletedAlready
	Followable     = followable
	NotCancelable  = notCancelable
	JobsOffered    = jobsOffered
	VariablesShow  = variablesShow
	VariablesError = variablesFailed
	VariablesModal = variablesModal
	ToldIn         = toldIn
	ConfirmModal   = func(verb run.Verb, r run.Run, channel string) slack.ModalViewRequest {
		return confirmModal(confirmationOf(verb), r, channel)
	}
)

// ParsePlay parts what names a pipeline from the name of a job.
func ParsePlay(b *Bot, typed []string) (pipeline []string, job string) { return b.parsePlay(typed) }

// Sheet is what a form shows beside what travels with it.
type Sheet struct {
	Ref       *gitlab.Ref
	BuildType string
	Variables string
	Files     []string // each key, and what is in it
	Notes     []string
	Running   []run.Run
	Acting    string
}

// Draw draws a form.
func (s Sheet) Draw(f form, projects, buildTypes []string) slack.ModalViewRequest {
	in := sheet{ref: s.Ref, buildType: s.BuildType, variables: s.Variables, notes: s.Notes, running: s.Running, acting: s.Acting}
	for i := 0; i < len(s.Files); i += 2 {
		in.files = append(in.files, file{s.Files[i], s.Files[i+1]})
	}
	return modal(f, projects, buildTypes, in)
}

// Modal is a form as it begins.
func Modal(f form, projects, buildTypes []string, ref *gitlab.Ref, acting string) slack.ModalViewRequest {
	return Sheet{Ref: ref, Acting: acting}.Draw(f, projects, buildTypes)
}

// Prefilled is the form for running something again.
func Prefilled(r run.Run, who Asker, mayRead bool, buildTypes []string, buildTypeVariable string) Sheet {
	s := prefilled(r, who, mayRead, buildTypes, buildTypeVariable)
	out := Sheet{Ref: s.ref, BuildType: s.buildType, Variables: s.variables, Notes: s.notes}
	for _, f := range s.files {
		out.Files = append(out.Files, f.key, f.contents)
	}
	return out
}

// ParseVariables reads a field of variables that asks for no files.
func ParseVariables(text, buildTypeVariable string) (values map[string]string, faults string) {
	v := parseVariables(text, buildTypeVariable)
	if faults = v.faults(); faults != "" {
		return nil, faults
	}
	return v.values, ""
}

// FilesAsked are the keys of the files that a field of variables asks for.
func FilesAsked(text, buildTypeVariable string) (keys []string, faults string) {
	v := parseVariables(text, buildTypeVariable)
	return v.files, v.faults()
}

// What people are told who start pipelines by typing.
var (
	FilesToken      = filesToken
	Begun           = begun
	NotWritten      = notWritten
	AlreadyRunning  = alreadyRunning
	FollowedInstead = followedInstead
	NotFollowed     = notFollowed
	NotReached      = notReached
	EndedMeanwhile  = endedMeanwhile
	GoneProject     = goneProject
	NotOpened       = notOpened
	NotOpenedFor    = notOpenedFor
	Closing         = closing
	WrongRun        = wrongRun
)

// TypedRun is a pipeline as somebody typed it.
type TypedRun struct {
	Project, Ref, BuildType string
	Variables               map[string]string
	Files                   []string
	Anyway                  bool
}

func (t TypedRun) inside() typedRun {
	return typedRun{t.Project, t.Ref, t.BuildType, t.Variables, t.Files, t.Anyway}
}

// Line is the command for a ref.
func (t TypedRun) Line(ref gitlab.Ref, anyway bool) string { return t.inside().line(ref, anyway) }

// NoSuchRef, WhichRef and NotLookedUp tell what came of looking for the ref.
func (t TypedRun) NoSuchRef(project string, near []gitlab.Ref) Message {
	return noSuchRef(t.inside(), project, near)
}
func (t TypedRun) WhichRef(both []gitlab.Ref) Message { return whichRef(t.inside(), both) }
func (t TypedRun) NotLookedUp(err error) Message      { return notLookedUp(t.inside(), err) }

// ParseRun reads what is typed behind /pipeline run, in a channel. The fault is what is
// wrong with it.
func ParseRun(b *Bot, text, channel string) (t TypedRun, fault string) {
	line, err := args.Parse(text, runOptions())
	if err != nil {
		return t, err.Error()
	}
	in, wrong := b.parseRun(line, channel)
	if wrong != nil {
		return t, plainWords(wrong)
	}
	return TypedRun{in.project, in.ref, in.buildType, in.variables, in.files, in.anyway}, ""
}

// Together does work for each of a list.
func Together[T any](list []T, atOnce int, work func(i int, one T)) { together(list, atOnce, work) }

// Beside does work while somebody waits for it.
func Beside[T any](work func() T) <-chan func() T { return beside(work) }

// What comes back in buttons, menus and views.
var (
	ParsePipelineValue   = parsePipelineValue
	ParsePlayValue       = parsePlayValue
	ParseConfirmMetadata = parseConfirmMetadata
	MetadataSize         = metadataSize
)

// ParseReasonMetadata reads what the modal that asks for a reason carries.
func ParseReasonMetadata(text string) (id, channel, card string) {
	id, at := parseReasonMetadata(text)
	return id, at.channel, at.card
}

// TargetInJSON finds a pipeline in the texts of a part of a message.
func TargetInJSON(b *Bot, data []byte) (Target, bool) {
	t, ok := b.targetInJSON(data)
	return Target{t.project, t.id, t.iid}, ok
}
