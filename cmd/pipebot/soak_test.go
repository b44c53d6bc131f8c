package main_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/gitlab/gitlabtest"
)

// What pipebot needs while it follows many pipelines for long. The miniature is part of
// every test run; the real one takes as long as the flag says, and some minutes more, so
// it needs go test's time limit raised:
//
//	go test ./cmd/pipebot -run Soak -soak 30m -timeout 1h -v
//
// It follows 2,000 pipelines in ten projects and prints a table by the minute. It fails
// where the process grows; series.growth says what that is. The miniature does not judge
// memory: a process that has just started takes what it needs.
var soak = flag.Duration("soak", 0, "how long TestSoak follows 2,000 pipelines; 0 follows 50 for a few seconds")

// soaking is how big a soak is.
type soaking struct {
	lasts, every        time.Duration // all of it, and the time between two samples
	pipelines, projects int
	poll                time.Duration
	step                time.Duration // between two steps of one pipeline
	turnover            time.Duration // between two ends, with a new pipeline for each
}

// In the real one a pipeline moves every four minutes, and ten in a minute end. Records of
// ended runs stay for an hour at least, and what is remembered of them is meant to stay:
// with more of them memory would grow for that reason alone.
func sizeOf(flag time.Duration) soaking {
	if flag == 0 {
		return soaking{
			lasts: 3 * time.Second, every: 100 * time.Millisecond, pipelines: 50, projects: 2,
			poll: 200 * time.Millisecond, step: 2 * time.Second, turnover: time.Second,
		}
	}
	return soaking{
		lasts: flag, every: 5 * time.Second, pipelines: 2000, projects: 10,
		poll: 5 * time.Second, step: 4 * time.Minute, turnover: 6 * time.Second,
	}
}

// With as many pipelines at any time, memory, goroutines and open files stay as they are.
func TestSoak(t *testing.T) {
	size := sizeOf(*soak)
	w := newWorldFor(t, size.lasts+10*time.Minute)
	s := &soaked{world: w, size: size, known: make(map[*gitlabtest.Project]int)}
	s.setUp()
	seen := s.follow()
	t.Logf("%d pipelines in %d projects for %s\n%s", size.pipelines, size.projects, size.lasts, seen.table(max(time.Minute, size.every)))
	for _, growth := range seen.growth(*soak > 0) {
		t.Error(growth)
	}
	w.clean()
}

// soaked is the world of a soak.
type soaked struct {
	*world
	size     soaking
	address  string
	projects []*gitlabtest.Project
	people   int // so far

	running []*gitlabtest.Pipeline // oldest first
	known   map[*gitlabtest.Project]int
}

// setUp has so many pipelines asked for, and waits until all of them have their cards.
func (s *soaked) setUp() {
	s.t.Helper()
	s.address = freeAddress(s.t)
	var paths []string
	for i := range s.size.projects {
		p := s.gitlab.AddProject(fmt.Sprintf("group/app-%d", i))
		p.AddMember(s.owner, gitlabtest.Maintainer)
		p.SetCI(longCI())
		s.projects, paths = append(s.projects, p), append(paths, p.Path)
	}
	delete(s.env, "GITLAB_TRIGGER_TOKEN")
	s.env["GITLAB_PROJECTS"] = strings.Join(paths, ",")
	s.env["HTTP_ADDR"], s.env["LOG_LEVEL"], s.env["POLL_INTERVAL"] = s.address, "info", s.size.poll.String()
	s.start()
	for missing := s.size.pipelines; missing > 0; missing = s.size.pipelines - len(s.running) {
		s.demand(missing)
		s.adopt()
	}
	cards := func() bool { return len(s.slack.Calls("chat.postMessage")) >= len(s.running) }
	if err := s.slack.Wait(s.ctx, cards); err != nil {
		s.t.Fatalf("%v: %d cards for %d pipelines", err, len(s.slack.Calls("chat.postMessage")), len(s.running))
	}
}

// asksEach is how much one person asks for: pipebot takes not much more at once.
const asksEach = 10

// demand has so many more pipelines asked for, and waits for them as long as people do.
// On a busy machine pipebot may have told somebody that it could start nothing.
func (s *soaked) demand(count int) {
	want := s.started() + count
	var asking sync.WaitGroup
	jobs := make(chan func())
	for range 8 {
		asking.Go(func() {
			for ask := range jobs {
				ask()
			}
		})
	}
	for ; count > 0; count -= asksEach {
		who, some := s.another(), min(count, asksEach)
		jobs <- func() {
			for i := range some {
				s.want(who, s.projects[i%len(s.projects)])
			}
		}
	}
	close(jobs)
	asking.Wait()
	ctx, cancel := context.WithTimeout(s.ctx, attention)
	defer cancel()
	_ = s.gitlab.Wait(ctx, func() bool { return s.started() >= want })
}

// another is somebody who has asked for nothing yet.
func (s *soaked) another() *slacktest.User {
	s.people++
	return s.anotherPerson(s.people, s.projects...)
}

// want asks for a pipeline. Who gets no answer leaves it at that: there are others.
func (s *soaked) want(who *slacktest.User, p *gitlabtest.Project) {
	_ = who.Command(s.ctx, s.channel, "/pipeline", fmt.Sprintf("run %s main --anyway", p.Path))
}

func (s *soaked) started() int { return pipelinesOf(s.projects) }

// pipelinesOf is how many pipelines projects have.
func pipelinesOf(projects []*gitlabtest.Project) int {
	n := 0
	for _, p := range projects {
		n += len(p.Pipelines())
	}
	return n
}

// adopt lets the pipelines run that were started meanwhile.
func (s *soaked) adopt() {
	for _, p := range s.projects {
		all := p.Pipelines()
		for _, fresh := range all[s.known[p]:] {
			fresh.Start()
			s.running = append(s.running, fresh)
		}
		s.known[p] = len(all)
	}
}

// longCI has so many jobs that no pipeline comes to its end by itself.
func longCI() gitlabtest.CI {
	var ci gitlabtest.CI
	for i := range 10 {
		stage := fmt.Sprintf("stage-%d", i)
		ci.Stages = append(ci.Stages, stage)
		ci.Jobs = append(ci.Jobs, gitlabtest.JobSpec{Name: stage + "-unit", Stage: stage}, gitlabtest.JobSpec{Name: stage + "-lint", Stage: stage})
	}
	return ci
}

// follow lets the pipelines go on, and samples what pipebot needs meanwhile.
func (s *soaked) follow() series {
	s.t.Helper()
	sample := time.NewTicker(s.size.every)
	step := time.NewTicker(s.size.step / time.Duration(s.size.pipelines))
	turnover := time.NewTicker(s.size.turnover)
	over := time.NewTimer(s.size.lasts)
	defer sample.Stop()
	defer step.Stop()
	defer turnover.Stop()
	defer over.Stop()
	begin := time.Now()
	seen := series{s.sample(begin)}
	for next := 0; ; {
		select {
		case <-over.C:
			return seen
		case <-sample.C:
			seen = append(seen, s.sample(begin))
			s.gitlab.ResetRequests()
		case <-step.C:
			next = (next + 1) % len(s.running)
			goOn(s.running[next])
		case <-turnover.C:
			s.turn()
		}
	}
}

// goOn ends one job of a pipeline, and begins those that waited for it.
func goOn(p *gitlabtest.Pipeline) {
	for _, job := range p.Jobs() {
		if job.Status() == "running" {
			job.Succeed()
			break
		}
	}
	for _, job := range p.Jobs() {
		if job.Status() == "pending" {
			job.Run()
		}
	}
}

// turn ends the oldest pipeline, as soon as there are enough, and has another one asked for.
func (s *soaked) turn() {
	s.adopt()
	if len(s.running) >= s.size.pipelines {
		s.running[0].Finish("success")
		s.running = s.running[1:]
	}
	s.want(s.another(), s.projects[s.people%len(s.projects)])
}

// sample is what pipebot says that it needs just now.
func (s *soaked) sample(begin time.Time) sample {
	s.t.Helper()
	status, page := s.get("http://" + s.address + "/metrics")
	if status != 200 {
		s.t.Fatalf("/metrics answers %d", status)
	}
	return sampleOf(time.Since(begin), page)
}
