package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// town is a world with many people in it, and one pipebot or several.
type town struct {
	*world
	bots     []*machine
	cluster  *cluster // of two replicas
	people   []*slacktest.User
	witness  *slacktest.User // who finds out when pipebot answers again
	channels []*slacktest.Channel
	projects []*gitlabtest.Project
	pressing bell // somebody has just pressed Run, or Return

	nodes sync.Mutex // held while a node is away: the cluster bears the loss of one

	mu     sync.Mutex
	wishes []wish
	kills  []time.Time
	back   []time.Duration
	done   counts
	faults []func() // which end them
}

// The times of a start that GitLab gave no answer to, short enough that a plan has many.
// What GitLab does late it does within both of them together.
const (
	tortureStartTimeout = time.Second
	tortureStartSettle  = 2 * time.Second
)

func newTown(t *testing.T, replicas int, limit time.Duration) *town {
	t.Helper()
	w := newWorldFor(t, limit)
	town := &town{world: w, done: make(counts)}
	other := w.gitlab.AddProject("group/api") // whose pipelines no trigger token starts
	other.AddMember(w.owner, gitlabtest.Maintainer)
	town.projects = []*gitlabtest.Project{w.project, other}
	for _, p := range town.projects {
		p.SetCI(shortCI())
		for i := range townRefs {
			p.AddBranch(refName(i), time.Now())
		}
	}
	for i := range townPeople {
		town.people = append(town.people, town.settler(fmt.Sprintf("person%d", i)))
	}
	town.witness = town.settler("witness")
	for i := range townChannels {
		c := w.slack.AddChannel(fmt.Sprintf("team-%d", i), slacktest.Public, append(town.people, town.witness)...)
		c.InviteBot()
		town.channels = append(town.channels, c)
	}
	w.gitlab.Auto(10)
	w.env["GITLAB_PROJECTS"] = projectPath + "," + other.Path
	w.env["GITLAB_TRIGGER_TOKENS"] = projectPath + ":" + w.env["GITLAB_TRIGGER_TOKEN"]
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.env["START_TIMEOUT"], w.env["START_SETTLE"] = tortureStartTimeout.String(), tortureStartSettle.String()
	if replicas > 1 {
		town.cluster = startCluster(w.ctx, t)
		w.env["NATS_URL"] = town.cluster.url()
	}
	for i := range replicas {
		town.bots = append(town.bots, newMachine(town))
		if err := w.slack.WaitConnected(w.ctx, 2*(i+1)); err != nil {
			t.Fatalf("pipebot did not connect: %v\n%s", err, town.bots[i].output())
		}
	}
	return town
}

// settler is somebody with an account and a role in every project.
func (t *town) settler(name string) *slacktest.User {
	who := t.person(name, gitlabtest.Developer)
	t.projects[1].AddMember(t.account(who), gitlabtest.Developer)
	return who
}

// shortCI makes pipelines that end by themselves within a second, as their variables say.
func shortCI() gitlabtest.CI {
	ends := func(how string) func(gitlabtest.Event) bool {
		return func(e gitlabtest.Event) bool { return e.Variables[endVariable] == how }
	}
	return gitlabtest.CI{
		Stages: []string{"build", "test"},
		Jobs: []gitlabtest.JobSpec{
			{Name: "compile", Stage: "build", Duration: 2 * time.Second},
			{Name: "unit", Stage: "test", Duration: 3 * time.Second, Rules: ends("success")},
			{Name: "flaky", Stage: "test", Duration: 3 * time.Second, Outcome: "failed", Rules: ends("failed")},
		},
	}
}

func refName(i int) string { return fmt.Sprintf("work-%d", i) }

// count notes that something was done.
func (t *town) count(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done[what]++
}

// countLooks counts how often pipebot had to find out what came of what it had begun:
// without these the torture would not have hurt.
func (t *town) countLooks() {
	for _, bot := range t.bots {
		for line := range strings.Lines(bot.output()) {
			if !strings.Contains(line, "looked for a pipeline whose start was unclear") {
				continue
			}
			if strings.Contains(line, `"found":true`) {
				t.count("unclear starts that were found again")
			} else {
				t.count("unclear starts that were not there, and repeated")
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done["looks for a message before a second post"] = len(t.slack.Calls("conversations.history")) + len(t.slack.Calls("conversations.replies"))
}

// countCalls counts what came of the troubles that meet the next call.
func (t *town) countCalls() {
	for _, c := range t.slack.Calls("") {
		switch {
		case c.Status == http.StatusTooManyRequests:
			t.count("calls that Slack put off (429)")
		case c.Status != http.StatusOK:
			t.count("calls that Slack failed")
		}
	}
	for _, r := range t.gitlab.Requests() {
		if r.Status == http.StatusTooManyRequests {
			t.count("requests that GitLab put off (429)")
		}
	}
}

// fair ends all troubles.
func (t *town) fair() {
	t.mu.Lock()
	faults := t.faults
	t.faults = nil
	t.mu.Unlock()
	for _, end := range faults {
		end()
	}
	t.gitlab.Latency(0)
}

// look takes down all that there is to judge by.
func (t *town) look() tally {
	t.mu.Lock()
	seen := tally{wishes: t.wishes, kills: t.kills}
	t.mu.Unlock()
	for _, project := range t.projects {
		for _, p := range project.Pipelines() {
			number, _ := p.Variable(numberVariable)
			asker, _ := p.Variable("PIPEBOT_USER")
			run, _ := p.Variable("PIPEBOT_RUN_ID")
			seen.pipelines = append(seen.pipelines, standing{
				key: number + "/" + asker, run: run, status: p.Status(), created: p.CreatedAt(), finished: p.UpdatedAt(),
			})
		}
	}
	for _, channel := range t.channels {
		for _, m := range channel.Messages(nil) {
			seen.messages = append(seen.messages, postedAs(m))
			if m.ReplyCount == 0 {
				continue
			}
			for _, reply := range channel.Thread(nil, m.TS)[1:] {
				seen.messages = append(seen.messages, postedAs(reply))
			}
		}
	}
	return seen
}

// postedAs is what a message of pipebot is about.
func postedAs(m slacktest.Message) posted {
	p := posted{text: m.Text}
	if m.Metadata != nil {
		p.run, _ = m.Metadata.EventPayload["run"].(string)
		p.name, _ = m.Metadata.EventPayload["message"].(string)
	}
	for _, b := range m.Buttons() {
		p.buttons = append(p.buttons, b.Text)
	}
	if n := len(m.Revisions); n > 0 {
		p.last = timeOf(m.Revisions[n-1].TS)
	}
	return p
}

// timeOf is when a message was sent or edited, by its ts: seconds since 1970.
func timeOf(ts string) time.Time {
	var seconds, micros int64
	if _, err := fmt.Sscanf(ts, "%d.%d", &seconds, &micros); err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, micros*1000)
}

// atRest reports whether every bot says that nothing is left to do.
func (t *town) atRest() bool {
	for _, bot := range t.bots {
		status, page := t.get("http://" + bot.address + "/metrics")
		if status != 200 || !strings.Contains(page, "\npipebot_runs_live 0\n") {
			return false
		}
	}
	return true
}

// explain tells what the bots said about whatever is not right.
func (t *town) explain(v verdict) {
	var found strings.Builder
	for _, findings := range v.findings {
		found.WriteString(strings.Join(findings, " ") + " ")
	}
	about := make(map[string]bool)
	for _, word := range strings.Fields(found.String()) {
		if word = strings.Trim(word, "{}[]"); strings.HasPrefix(word, "V0") || strings.HasPrefix(word, "c-") {
			about[word] = true
		}
	}
	for i, bot := range t.bots {
		said := bot.output()
		for line := range strings.Lines(said) {
			for run := range about {
				if strings.Contains(line, run) {
					t.t.Logf("bot %d: %s", i+1, line)
					break
				}
			}
		}
		path := filepath.Join(t.t.(*testing.T).ArtifactDir(), fmt.Sprintf("bot-%d.log", i+1)) //nolint:forcetypeassert // it is no benchmark
		if err := os.WriteFile(path, []byte(said), 0o600); err != nil {
			t.t.Error(err)
		}
	}
}

// bell tells whoever waits that something happens just now.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
	}
	b.rung = nil
}
