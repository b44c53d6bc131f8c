package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"pipebot/bot"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/slacktest"
	"pipebot/bot/socket"
	"pipebot/gitlab"
)

// office is a workspace whose bot is real and whose records and GitLab are fakes.
type office struct {
	testing.TB
	ctx    context.Context
	slack  *slacktest.Server
	alice  *slacktest.User
	builds *slacktest.Channel

	runs     *fakeRuns
	history  *fakeHistory
	projects *fakeProjects
	refs     *fakeRefs
	checker  *fakeChecker
	lists    *fakePipelines
	pages    *fakeLists
	homes    *bot.Homes
	rights   *fakeRights
	tokens   *fakeTokens
	rules    atomic.Pointer[policy.Policy]

	cfg bot.Config
	bot atomic.Pointer[bot.Bot]

	forgeries atomic.Int64 // see deliver

	mu   sync.Mutex
	busy int           // envelopes in hand
	got  time.Time     // when the newest was handed over
	took time.Duration // how long the newest took
	idle chan struct{} // closed while there is none
}

var (
	login = gitlab.Ref{Kind: gitlab.Branch, Name: "feature/login"}
	v1    = gitlab.Ref{Kind: gitlab.Tag, Name: "v1"}
)

// newOffice opens an office with two projects, each with a few refs.
func newOffice(t testing.TB) *office {
	t.Helper()
	server := slacktest.NewServer(slacktest.Config{Commands: []string{"/pipeline"}, UnfurlDomains: []string{"gitlab.example"}})
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	o := &office{
		TB: t, ctx: ctx, slack: server, alice: server.AddUser("alice"),
		runs: &fakeRuns{runs: map[string]run.Run{}}, history: &fakeHistory{}, checker: &fakeChecker{}, lists: &fakePipelines{in: map[int64][]gitlab.Pipeline{7: {running().Pipeline}}}, rights: newRights(),
		tokens: &fakeTokens{},
		pages:  &fakeLists{},
		projects: &fakeProjects{names: []string{"group/app", "group/api"}, known: map[string]gitlab.Project{
			"group/app": {ID: 7, Path: "group/app", WebURL: appURL}, "group/api": {ID: 8, Path: "group/api"},
		}},
		refs: &fakeRefs{indexes: map[int64]*gitlab.Index{
			7: gitlab.NewIndex("main", []string{"newest", "feature/login"}, []string{"v2", "v1"}),
			8: gitlab.NewIndex("trunk", []string{"api-only"}, nil),
		}},
	}
	o.builds = server.AddChannel("builds", slacktest.Private, o.alice)
	o.builds.InviteBot()
	api := newSlack(server)
	o.obey(policy.ModeGitLab, "people: [{slack: "+o.alice.ID+", gitlab: alice}]")
	gate := &bot.Gate{
		Policy: o.rules.Load, People: bot.NewPeople(api, func(context.Context) string { return o.alice.TeamID }, fakeLinks{o.rights}, o.rights),
		Members: o.rights, Projects: o.projects, Freezes: o.rights, Audit: o.rights, Commits: o.rights, BuildTypeVariable: "BUILD_TYPE", Log: zap.NewNop(),
	}
	o.homes = bot.NewHomes(&bot.Homes{
		API: api, Gate: gate, History: o.history, Projects: o.projects, Lists: o.pages, Every: homeEvery, Log: zap.NewNop(),
	})
	o.cfg = bot.Config{
		Lists: o.pages, Homes: o.homes,
		Gate: gate, Linking: bot.NewLinking(bot.Linking{Links: fakeLinks{o.rights}, Gate: gate, Log: zap.NewNop()}),
		API: api, Tell: bot.NewTeller(api, server.APIURL(), zap.NewNop()),
		Runs: o.runs, History: o.history, Projects: o.projects, Refs: o.refs, GitLab: o.checker,
		Pipelines: o.lists, GitLabURL: "https://gitlab.example",
		Tokens:     o.tokens,
		BuildTypes: []string{"debug", "release"}, BuildTypeVariable: "BUILD_TYPE", Log: zap.NewNop(),
	}
	o.idle = make(chan struct{})
	close(o.idle)
	o.restart(func(*bot.Config) {})
	o.connect()
	return o
}

// obey puts other rules in force.
func (o *office) obey(mode policy.Mode, file string) {
	o.Helper()
	rules, err := policy.Parse([]byte(file))
	if err != nil {
		o.Fatal(err)
	}
	rules.Mode = mode
	o.rules.Store(rules)
}

// restart puts another bot in the place of the one that runs.
func (o *office) restart(change func(cfg *bot.Config)) {
	change(&o.cfg)
	o.bot.Store(bot.New(o.cfg))
}

func (o *office) connect() {
	o.Helper()
	s := socket.New(socket.Config{
		AppToken: slacktest.DefaultAppToken, APIURL: o.slack.APIURL(), HTTP: bot.SlackHTTP(http.DefaultTransport), Log: zap.NewNop(),
		Connections: func(int, int) {},
		Handle: func(ctx context.Context, e *socket.Envelope) {
			begin := o.begin()
			defer func() { o.end(time.Since(begin)) }()
			defer o.caught()
			o.bot.Load().Handle(ctx, e)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	o.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			o.Errorf("the connection ended: %v", err)
		}
	})
	if err := o.slack.WaitConnected(o.ctx, 1); err != nil {
		o.Fatal(err)
	}
}

// caught fails the test where a handler panics: the socket would only log it.
func (o *office) caught() {
	if bad := recover(); bad != nil {
		o.Errorf("a handler panicked: %v\n%s", bad, debug.Stack())
	}
}

func (o *office) begin() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = time.Now()
	if o.busy++; o.busy == 1 {
		o.idle = make(chan struct{})
	}
	return o.got
}

func (o *office) end(took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.took = took
	if o.busy--; o.busy == 0 {
		close(o.idle)
	}
}

// handed is when the newest envelope was handed over, for the benchmarks.
func (o *office) handed() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.got
}

// handled is how long the newest envelope took, for the benchmarks.
func (o *office) handled() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.took
}

// finished waits until everything is done that was acknowledged.
func (o *office) finished() {
	o.Helper()
	o.mu.Lock()
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
	case <-o.ctx.Done():
		o.Fatal("the bot does not come to an end")
	}
}

// open types /pipeline and returns the modal.
func (o *office) open() *slacktest.Modal {
	o.Helper()
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", ""); err != nil {
		o.Fatal(err)
	}
	modal := o.alice.OpenModal()
	if modal == nil {
		o.Fatal("no modal is open once the command is acknowledged")
	}
	return modal
}

// filled is an open modal, filled in.
func (o *office) filled() *slacktest.Modal {
	o.Helper()
	modal := o.open()
	o.choose(modal, refField, "feature/login")
	if err := modal.Fill("Variables", "APP_ENV=staging"); err != nil {
		o.Fatal(err)
	}
	return modal
}

const refField = "Branch or tag"

func (o *office) choose(modal *slacktest.Modal, field, option string) {
	o.Helper()
	if err := modal.Choose(o.ctx, field, option); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

func (o *office) submit(modal *slacktest.Modal) slacktest.SubmitResult {
	o.Helper()
	result, err := modal.Submit(o.ctx)
	if err != nil {
		o.Fatal(err)
	}
	o.finished()
	return result
}

// deliver sends the bot an interaction that no person could cause and returns what
// it answered.
func (o *office) deliver(payload map[string]any) string {
	o.Helper()
	return o.delivers("interactive", fmt.Sprintf("forged-%d", o.forgeries.Add(1)), payload) // Slack gives no two deliveries the same
}

// delivers sends the bot an envelope under an id of its own.
func (o *office) delivers(kind, id string, payload map[string]any) string {
	o.Helper()
	frame := toJSON(o.TB, map[string]any{
		"envelope_id": id, "type": kind, "accepts_response_payload": true, "payload": payload,
	})
	o.slack.Deliver(frame)
	var answer json.RawMessage
	err := o.slack.Wait(o.ctx, func() bool {
		acks := o.slack.Acks()
		i := slices.IndexFunc(acks, func(a slacktest.Ack) bool { return a.EnvelopeID == id })
		if i >= 0 {
			answer = acks[i].Payload
		}
		return i >= 0
	})
	if err != nil {
		o.Fatal(err)
	}
	o.finished()
	return string(answer)
}

// says has somebody write into the channel, and waits until the bot has dealt with that.
func (o *office) says(who *slacktest.User, text string) slacktest.Message {
	o.Helper()
	acks := len(o.slack.Acks())
	m, err := who.Post(o.builds, text, "")
	if err != nil {
		o.Fatal(err)
	}
	if strings.Contains(text, "://gitlab.example/") { // of what else is said the bot is not told
		if err := o.slack.Wait(o.ctx, func() bool { return len(o.slack.Acks()) > acks }); err != nil {
			o.Fatal(err)
		}
	}
	o.finished()
	m, ok := o.builds.Message(who, m.TS)
	if !ok {
		o.Fatal("the message is not there")
	}
	return m
}

// shortcut follows the pipeline of a message from its menu.
func (o *office) shortcut(who *slacktest.User, m slacktest.Message) {
	o.Helper()
	if err := who.MessageShortcut(o.ctx, m, "follow_pipeline"); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

// types has alice type a command.
func (o *office) types(text string) {
	o.Helper()
	if err := o.alice.Command(o.ctx, o.builds, "/pipeline", text); err != nil {
		o.Fatal(err)
	}
	o.finished()
}

// alone is the newest message that only alice sees, waited for.
func (o *office) alone() string {
	o.Helper()
	m, err := o.slack.WaitMessage(o.ctx, o.builds, o.alice, func(m slacktest.Message) bool { return m.Ephemeral })
	if err != nil {
		o.Fatal(err)
	}
	return m.Read(readAt)
}

// clean fails the test where Slack disliked something.
func (o *office) clean() {
	o.Helper()
	for _, v := range o.slack.Violations() {
		o.Errorf("violation: %s", v)
	}
}

var errAway = errors.New("the store is away")

// homeEvery is the time between two readings for open Homes.
const homeEvery = 50 * time.Millisecond

// fakeRuns keeps runs in memory.
type fakeRuns struct {
	mu        sync.Mutex
	runs      map[string]run.Run
	findErr   error
	submitErr error
	loses     bool // Submit writes down and does not say so
	actErr    error
	onAct     func(r run.Run, act run.Act) run.Run // what becomes of every record, nil for nothing
	acted     []string
	submitted int
	waits     chan struct{} // Act ends once it is closed
}

func (f *fakeRuns) Submit(_ context.Context, request run.Request, hold *run.Hold) (run.Run, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.submitted++
	if f.submitErr != nil {
		return run.Run{}, false, f.submitErr
	}
	if earlier, exists := f.runs[request.ID]; exists {
		return earlier, false, nil
	}
	r := run.Run{Format: 1, Request: request, State: run.Requested, Version: 1}
	if hold != nil {
		r.State, r.Hold = run.Held, hold
	}
	f.runs[request.ID] = r
	if f.loses {
		return run.Run{}, false, errAway
	}
	return r, true, nil
}

func (f *fakeRuns) Find(_ context.Context, id string) (run.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.findErr != nil {
		return run.Run{}, f.findErr
	}
	r, ok := f.runs[id]
	if !ok {
		return run.Run{}, run.ErrNotFound
	}
	return r, nil
}

func (f *fakeRuns) Act(_ context.Context, project gitlab.Project, pipeline int64, act run.Act, job int64) error {
	what := fmt.Sprintf("%s %d/%d by %s", act.Verb, project.ID, pipeline, act.By)
	if job != 0 {
		what += fmt.Sprintf(" job %d", job)
	}
	f.mu.Lock()
	for id, r := range f.runs {
		if f.onAct != nil && f.actErr == nil {
			f.runs[id] = f.onAct(r, act)
		}
	}
	waits := f.waits
	f.mu.Unlock()
	if waits != nil {
		<-waits
	}
	return f.act(what)
}

func (f *fakeRuns) Follow(_ context.Context, request run.Request, project gitlab.Project, o gitlab.Observation) (run.Run, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.submitErr != nil {
		return run.Run{}, false, f.submitErr
	}
	if earlier, exists := f.runs[request.ID]; exists {
		return earlier, false, nil
	}
	r := run.Run{Format: 1, Request: request, State: run.Started, Version: 1, Project: project, Pipeline: o.Pipeline, Progress: o.Progress}
	f.runs[request.ID] = r
	return r, true, nil
}

func (f *fakeRuns) Seen(_ context.Context, project gitlab.Project, o gitlab.Observation) error {
	return f.act(fmt.Sprintf("see %d/%d %s", project.ID, o.Pipeline.ID, o.Pipeline.Status))
}

func (f *fakeRuns) Approve(_ context.Context, id string, a run.Approval) (run.Run, error) {
	return run.Run{}, f.act("approve " + id + " at " + a.SHA + " by " + a.By)
}

func (f *fakeRuns) TurnDown(_ context.Context, id, by, reason string) (run.Run, error) {
	return run.Run{}, f.act("turn down " + id + " by " + by + ": " + reason)
}

func (f *fakeRuns) Settle(_ context.Context, id string, v run.Verdict) (run.Run, error) {
	return run.Run{}, f.act(fmt.Sprintf("settle %s about %d as %d by %s", id, v.Doubt, v.Pipeline, v.By))
}

func (f *fakeRuns) LookAgain(_ context.Context, id string, doubt int64) error {
	return f.act(fmt.Sprintf("look for %s about %d", id, doubt))
}

// Running are those that the test has put there as running, newest first.
func (f *fakeRuns) Running(project string, ref gitlab.Ref, buildType string) []run.Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []run.Run
	for _, r := range f.runs {
		if r.Request.Project == project && r.Request.Ref == ref && r.Request.BuildType == buildType && r.State == run.Started {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b run.Run) int { return b.Request.At.Compare(a.Request.At) })
	return list
}

func (f *fakeRuns) AddFollower(_ context.Context, id, _, user string) (run.Run, error) {
	err := f.act("add the follower " + user + " to " + id)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runs[id], err
}

func (f *fakeRuns) act(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acted = append(f.acted, what)
	return f.actErr
}

func (f *fakeRuns) put(r run.Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[r.Request.ID] = r
}

// change changes what the fake does from now on.
func (f *fakeRuns) change(edit func(f *fakeRuns)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeRuns) requests() []run.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []run.Request
	for _, r := range f.runs {
		list = append(list, r.Request)
	}
	return list
}

// fakeHistory remembers what the test says.
type fakeHistory struct {
	recent map[string][]gitlab.Ref // by team, asker and project
	last   map[string]string       // by channel
	shown  []run.Sighting          // of whatever pipeline
	newest map[string]int64        // pipelines of group/app, by channel

	mu     sync.Mutex
	runs   []run.Run // newest first
	before func()    // every answer about somebody's runs
}

func (f *fakeHistory) change(edit func(f *fakeHistory)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeHistory) Shown(int64, int64) []run.Sighting { return f.shown }

func (f *fakeHistory) LastPipeline(channel string) (project, pipeline int64, ok bool) {
	id, ok := f.newest[channel]
	return 7, id, ok
}

// fakePipelines has the pipelines of projects, the newest first.
type fakePipelines struct {
	named    []string // the names that were given
	in       map[int64][]gitlab.Pipeline
	progress gitlab.Progress // of each
	failing  map[int64]error // by project
	before   func()          // every answer

	jobs      []gitlab.Job // of any of them
	variables []gitlab.Variable
	hidden    error // of Variables
	read      atomic.Int32
}

func (f *fakePipelines) Jobs(context.Context, int64, int64) ([]gitlab.Job, error) {
	return slices.Clone(f.jobs), nil
}

func (f *fakePipelines) Variables(context.Context, int64, int64) ([]gitlab.Variable, error) {
	f.read.Add(1)
	return f.variables, f.hidden
}

func (f *fakePipelines) find(project int64, is func(gitlab.Pipeline) bool) (gitlab.Pipeline, error) {
	if f.before != nil {
		f.before()
	}
	if err := f.failing[project]; err != nil {
		return gitlab.Pipeline{}, err
	}
	if i := slices.IndexFunc(f.in[project], is); i >= 0 {
		return f.in[project][i], nil
	}
	return gitlab.Pipeline{}, &gitlab.Error{Op: "reading the pipeline", Kind: gitlab.NotFound}
}

func (f *fakePipelines) Pipeline(_ context.Context, project, id int64) (gitlab.Pipeline, error) {
	return f.find(project, func(p gitlab.Pipeline) bool { return p.ID == id })
}

func (f *fakePipelines) PipelineByIID(_ context.Context, project gitlab.Project, iid int64) (gitlab.Pipeline, error) {
	return f.find(project.ID, func(p gitlab.Pipeline) bool { return p.IID == iid })
}

func (f *fakePipelines) LatestPipeline(_ context.Context, project int64, _ string) (gitlab.Pipeline, bool, error) {
	p, err := f.find(project, func(gitlab.Pipeline) bool { return true })
	if gitlab.IsNotFound(err) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (f *fakePipelines) TestReportSummary(context.Context, int64, int64) (gitlab.TestReport, error) {
	return gitlab.TestReport{Total: 1, Success: 1}, nil
}

func (f *fakePipelines) RenamePipeline(ctx context.Context, project, id int64, name string) (gitlab.Pipeline, error) {
	p, err := f.Pipeline(ctx, project, id)
	f.named = append(f.named, name)
	return p, err
}

func (f *fakePipelines) ObserveOne(ctx context.Context, project, id int64) (gitlab.Observation, error) {
	p, err := f.Pipeline(ctx, project, id)
	return gitlab.Observation{Pipeline: p, Progress: f.progress}, err
}

func (f *fakeHistory) remembers(runs ...run.Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs = runs
}

func (f *fakeHistory) of(team, asker string) []run.Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before != nil {
		f.before()
	}
	return slices.DeleteFunc(slices.Clone(f.runs), func(r run.Run) bool { return r.Request.Team != team || r.Request.Asker != asker })
}

func (f *fakeHistory) RecentRuns(team, asker string, n int) []run.Run {
	runs := f.of(team, asker)
	return runs[:min(n, len(runs))]
}

func (f *fakeHistory) PipelinesOf(team, asker string, project int64) []int64 {
	var ids []int64
	for _, r := range f.of(team, asker) {
		if r.Project.ID == project && r.Pipeline.ID != 0 {
			ids = append(ids, r.Pipeline.ID)
		}
	}
	return ids
}

func (f *fakeHistory) AskerOf(project, pipeline int64) (team, user string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.runs, func(r run.Run) bool { return r.Project.ID == project && r.Pipeline.ID == pipeline })
	if i < 0 {
		return "", "", false
	}
	return f.runs[i].Request.Team, f.runs[i].Request.Asker, true
}

func (f *fakeHistory) RecentRefs(team, asker, project string) []gitlab.Ref {
	return f.recent[strings.Join([]string{team, asker, project}, " ")]
}

func (f *fakeHistory) LastProject(channel string) string { return f.last[channel] }

type fakeProjects struct {
	names []string
	known map[string]gitlab.Project
}

func (f *fakeProjects) Names() []string { return f.names }

// Triggers: one of the projects has a trigger token.
func (f *fakeProjects) Triggers(name string) bool { return name == "group/app" }

func (f *fakeProjects) Known(name string) (gitlab.Project, bool) {
	p, ok := f.known[name]
	return p, ok
}

// Resolve finds GitLab away for what is not known.
func (f *fakeProjects) Resolve(_ context.Context, name string) (gitlab.Project, error) {
	if p, ok := f.known[name]; ok {
		return p, nil
	}
	return gitlab.Project{}, &gitlab.Error{Op: "reading the project", Kind: gitlab.NotSent}
}

// fakeLists lists the pipelines that the test says, the newest first.
type fakeLists struct {
	mu        sync.Mutex
	all       []gitlab.Pipeline
	err       error // of listing
	filters   []gitlab.ListFilter
	asked     int     // lists
	described []int64 // pipelines
	before    func()  // every list
}

func (f *fakeLists) change(edit func(f *fakeLists)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

// PipelinesPage knows of the filters the status and who started it.
func (f *fakeLists) PipelinesPage(_ context.Context, project int64, filter gitlab.ListFilter, page, perPage int) ([]gitlab.Pipeline, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before != nil {
		f.before()
	}
	f.filters = append(f.filters, filter)
	f.asked++
	var list []gitlab.Pipeline
	for _, p := range f.all {
		if p.ProjectID == project && (filter.Status == "" || string(p.Status) == filter.Status) && (filter.Username == "" || p.User.Username == filter.Username) {
			p.User, p.Tag, p.Warnings = gitlab.User{}, false, false
			list = append(list, p)
		}
	}
	from, to := min((page-1)*perPage, len(list)), min(page*perPage, len(list))
	return list[from:to], to < len(list), f.err
}

func (f *fakeLists) Describe(_ context.Context, _ gitlab.Project, pipelines []gitlab.Pipeline) ([]gitlab.Pipeline, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	described := slices.Clone(pipelines)
	for i, p := range described {
		f.described = append(f.described, p.ID)
		for _, known := range f.all {
			if known.ID == p.ID {
				described[i].User, described[i].Tag, described[i].Warnings = known.User, known.Tag, known.Warnings
			}
		}
	}
	return described, f.err
}

// fakeRefs searches an index for each project.
type fakeRefs struct {
	indexes map[int64]*gitlab.Index
	err     error // of Options, which answers all the same

	mu       sync.Mutex
	resolved []string // keys
	opened   []string // projects
	forgot   []string // refs
	gone     error    // of Resolve
}

func (f *fakeRefs) Opened(project gitlab.Project) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, project.Path)
}

func (f *fakeRefs) DefaultBranch(project gitlab.Project) (string, bool) {
	return f.indexes[project.ID].DefaultBranch()
}

func (f *fakeRefs) Options(_ context.Context, project gitlab.Project, query string, limit int) (gitlab.Found, error) {
	index := f.indexes[project.ID]
	room := make([]int32, 0, 2*limit)
	branches := index.Search(room, gitlab.Branch, query, limit)
	tags := index.Search(make([]int32, 0, limit), gitlab.Tag, query, limit)
	return gitlab.Found{Index: index, Branches: branches, Tags: tags}, f.err
}

// Resolve knows keys that hold the whole name.
func (f *fakeRefs) Resolve(_ context.Context, _ gitlab.Project, key string) (gitlab.Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resolved = append(f.resolved, key)
	kind := gitlab.Branch
	name, ok := strings.CutPrefix(key, "h:")
	if !ok {
		kind = gitlab.Tag
		name = strings.TrimPrefix(key, "t:")
	}
	return gitlab.Ref{Kind: kind, Name: name}, f.gone
}

func (f *fakeRefs) Forget(_ gitlab.Project, ref gitlab.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgot = append(f.forgot, ref.String())
}

// fakeChecker says of every ref that it is there, unless it is told otherwise.
type fakeChecker struct {
	mu     sync.Mutex
	asked  []string
	only   []string // where set, no other refs are there
	answer func(ctx context.Context) (bool, error)
}

func (f *fakeChecker) RefExists(ctx context.Context, project gitlab.Project, ref gitlab.Ref) (bool, error) {
	f.mu.Lock()
	f.asked = append(f.asked, project.Path+" "+ref.String())
	answer, there := f.answer, f.only == nil || slices.Contains(f.only, ref.String())
	f.mu.Unlock()
	if answer == nil {
		return there, nil
	}
	return answer(ctx)
}

func (f *fakeChecker) answers(answer func(ctx context.Context) (bool, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fakeChecker) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}
