package main_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// reportPercentiles reports the median, the 99th percentile and the worst.
func reportPercentiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(ms(took[len(took)-1]), "max-ms")
}

// From the start of the process until Slack has said hello.
func BenchmarkStart(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		w := newWorld(b)
		begin := time.Now()
		w.run()
		if err := w.slack.WaitConnected(w.ctx, 1); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		b.StopTimer()
		w.bot.stop()
		b.StartTimer()
	}
	reportPercentiles(b, took)
}

// From the person's enter to views.open, with all of the real binary, the socket
// and the simulated Slack between.
func BenchmarkCommand(b *testing.B) {
	w := newWorld(b)
	w.env["LOG_LEVEL"] = "info"
	w.start()
	var took []time.Duration
	who := w.alice
	for b.Loop() {
		if len(took)%10 == 9 {
			who = w.anotherPerson(len(took))
		}
		begin := time.Now()
		modal := w.open(who, w.channel)
		opened := w.slack.Calls("views.open")
		took = append(took, opened[len(opened)-1].At.Sub(begin))
		if err := modal.Close(w.ctx); err != nil {
			b.Fatal(err)
		}
	}
	reportPercentiles(b, took)
}

// From a keystroke to the options on the screen, with a warm index of 100,000 refs.
func BenchmarkKeystroke(b *testing.B) {
	w := newWorld(b)
	w.env["LOG_LEVEL"] = "info"
	var names []string
	for i := range 100_000 {
		names = append(names, fmt.Sprintf("team-%d/feature-%06d-%s", i%50, i, []string{"login", "search", "export", "fix"}[i%4]))
	}
	w.project.AddBranches(names)
	w.start()
	modal := w.open(w.alice, w.channel)
	w.warm(modal, names)
	queries := []string{"login", "team-7/", "feature-0999", "export fix", "e", "search 77"}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		begin := time.Now()
		if _, err := modal.Options(w.ctx, refField, queries[i%len(queries)]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	reportPercentiles(b, took)
}

// warm types until no keystroke needs GitLab any more.
func (w *world) warm(modal *slacktest.Modal, names []string) {
	w.t.Helper()
	for i := range names {
		before := len(w.gitlab.Requests())
		if got := w.offered(modal, names[i]); got != "Branches: "+names[i] {
			w.t.Fatalf("%s offers %q", names[i], got)
		}
		if i > 0 && len(w.gitlab.Requests()) == before {
			return
		}
	}
}

// The first keystroke of a process that knows no refs yet, where GitLab takes
// 300 ms for each answer and the project has 100,000 branches.
func BenchmarkColdKeystroke(b *testing.B) {
	var opened, keystroke []time.Duration
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		var names []string
		for i := range 100_000 {
			names = append(names, fmt.Sprintf("branch-%06d", i))
		}
		w.project.AddBranches(names)
		w.gitlab.Latency(300 * time.Millisecond)
		w.start()
		if err := w.gitlab.Wait(w.ctx, func() bool { return w.gitlab.Count("GET **/projects/*") >= 1 }); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begin := time.Now()
		modal := w.open(w.alice, w.channel)
		opened = append(opened, time.Since(begin))
		begin = time.Now()
		if got := w.offered(modal, "branch-099999"); got != "Branches: branch-099999" {
			b.Fatalf("offered %q", got)
		}
		keystroke = append(keystroke, time.Since(begin))
		b.StopTimer()
		w.bot.stop()
		b.StartTimer()
	}
	reportPercentiles(b, keystroke)
	slices.Sort(opened)
	b.ReportMetric(float64(opened[len(opened)-1].Microseconds())/1000, "modal-max-ms")
}

// What the process needs while nothing happens.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b)
	w.env["LOG_LEVEL"], w.env["POLL_INTERVAL"] = "info", "5s"
	w.start()
	before := cpuTicks(b, w.bot)
	begin := time.Now()
	const idle = 20 * time.Second
	<-time.After(idle)
	for b.Loop() {
		continue // the figures are of the time before
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(residentMB(b, w.bot), "MB-resident")
	const ticksPerSecond = 100
	b.ReportMetric(100*float64(cpuTicks(b, w.bot)-before)/ticksPerSecond/time.Since(begin).Seconds(), "%-of-a-core")
}

// anotherPerson is somebody else with a role in the projects: nobody may ask for much at once.
func (w *world) anotherPerson(n int, projects ...*gitlabtest.Project) *slacktest.User {
	name := fmt.Sprintf("colleague-%d", n)
	account := w.gitlab.AddUser(name)
	account.SetPublicEmail(name + "@example.com")
	for _, p := range append(projects, w.project) {
		p.AddMember(account, gitlabtest.Developer)
	}
	who := w.slack.AddUser(name)
	w.channel.Invite(who)
	return who
}

// A thousand running pipelines in ten projects: what GitLab is asked in a round.
func BenchmarkThousandPipelines(b *testing.B) {
	w := newWorld(b)
	w.env["LOG_LEVEL"], w.env["POLL_INTERVAL"] = "info", "5s"
	paths := []string{projectPath}
	projects := []*gitlabtest.Project{w.project}
	for i := range 9 {
		p := w.gitlab.AddProject(fmt.Sprintf("group/app-%d", i))
		p.AddMember(w.owner, gitlabtest.Maintainer)
		p.SetCI(w.project.CI())
		paths, projects = append(paths, p.Path), append(projects, p)
	}
	delete(w.env, "GITLAB_TRIGGER_TOKEN")
	w.env["GITLAB_PROJECTS"] = strings.Join(paths, ",")
	w.start()
	const each = 100
	who := w.alice
	for i, p := range projects {
		for n := range each {
			if n%4 == 0 {
				who = w.anotherPerson(i*each+n, projects...)
			}
			modal := w.open(who, w.channel)
			if modal.Value("Project") != p.Path {
				if err := modal.Choose(w.ctx, "Project", p.Path); err != nil {
					b.Fatal(err)
				}
				if err := modal.WaitUpdate(w.ctx, func(m *slacktest.Modal) bool { return strings.Contains(m.PrivateMetadata(), p.Path) }); err != nil {
					b.Fatal(i, n, err)
				}
			}
			w.choose(modal, "main")
			w.submit(modal)
		}
	}
	started := func() bool {
		for _, p := range projects {
			if len(p.Pipelines()) < each {
				return false
			}
		}
		return true
	}
	if err := w.gitlab.Wait(w.ctx, started); err != nil {
		b.Fatal(err)
	}
	for _, p := range projects {
		for _, pipeline := range p.Pipelines() {
			pipeline.Start()
		}
	}
	w.gitlab.ResetRequests()
	begin := time.Now()
	const watched = 30 * time.Second
	<-time.After(watched)
	for b.Loop() {
		continue // the figures are of the time before
	}
	rounds := time.Since(begin).Seconds() / 5
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(w.gitlab.Count("GET **/pipelines"))/rounds, "lists/round")
	b.ReportMetric(float64(w.gitlab.Count("POST /api/graphql"))/rounds, "progress-reads/round")
	b.ReportMetric(float64(len(w.gitlab.Requests()))/rounds, "requests/round")
	b.ReportMetric(residentMB(b, w.bot), "MB-resident")
}

// residentMB is the process's resident memory.
func residentMB(b *testing.B, p *process) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("resident memory is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kb, err := strconv.Atoi(fields[1])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	b.Fatal("/proc knows no VmRSS")
	return 0
}

// cpuTicks is the processor time that the process has used, in hundredths of a
// second.
func cpuTicks(b *testing.B, p *process) int {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("processor time is read from /proc, which is not here")
	}
	// The fields after the name, which is in brackets: utime and stime are the 12th and 13th.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		b.Fatal(err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		b.Fatal(err)
	}
	return user + system
}
