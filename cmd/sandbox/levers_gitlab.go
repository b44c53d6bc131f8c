package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"pipebot/gitlab/gitlabtest"
)

// gitlabDown is the id of the lever that the page is also told of by the seconds left.
const gitlabDown = "gitlab-down"

// outage is how long GitLab stays away: longer than the bot waits for an answer, short enough to watch.
const outage = 30 * time.Second

// starts are the ways to start a pipeline.
func starts() []string {
	return []string{"/api/v4/projects/*/trigger/pipeline", "/api/v4/projects/*/pipeline"}
}

func gitlabLevers(gl *gitlabtest.Server) []*lever {
	next := &nextPipeline{gitlab: gl, armed: map[string]func(gitlabtest.CI) gitlabtest.CI{}}
	lost := &lostAnswer{gitlab: gl}
	return []*lever{
		next.lever("next-pipeline-fails", "Next pipeline fails", "Its end-to-end tests fail.", failing),
		next.lever("next-pipeline-waits", "Next pipeline waits", "Somebody has to start its deployment by hand.", waiting),
		next.lever("next-pipeline-slow", "Next pipeline is slow", "Its jobs take six times as long.", slow),
		{
			id: "lose-answer", side: "gitlab", kind: isPush, label: "Lose the next answer",
			hint:  "The next pipeline starts, but the connection breaks before GitLab's answer comes.",
			spent: lost.spent,
			turn:  lost.turn,
		},
		{
			id: "refuse-variables", side: "gitlab", kind: isSwitch, label: "Refuse variables",
			hint: "The projects let nobody set pipeline variables.",
			turn: func(_ context.Context, on bool) error {
				role := "developer"
				if on {
					role = "no_one_allowed"
				}
				for _, p := range gl.Projects() {
					p.Configure(func(s *gitlabtest.Settings) { s.MinimumRoleForVariables = role })
				}
				return nil
			},
		},
		{
			id: "gitlab-rate-limit", side: "gitlab", kind: isPush, label: "Rate limit for 30 s", span: outage,
			hint: "GitLab answers 429 and says when to come back.",
			turn: func(_ context.Context, on bool) error {
				limit := gitlabtest.RateLimit{}
				if on {
					limit = gitlabtest.RateLimit{Requests: 1, Per: outage}
				}
				gl.SetRateLimit(limit)
				return nil
			},
		},
		{
			id: gitlabDown, side: "gitlab", kind: isPush, label: "Down for 30 s", span: outage,
			hint: "GitLab answers 503 with its maintenance page.",
			turn: func(_ context.Context, on bool) error { gl.Down(on); return nil },
		},
	}
}

// nextPipeline changes the definition of the next pipeline, whichever project it is in. Several changes add up.
type nextPipeline struct {
	gitlab *gitlabtest.Server

	mu    sync.Mutex
	armed map[string]func(gitlabtest.CI) gitlabtest.CI // by the lever's id
	ends  []func()
}

func (n *nextPipeline) lever(id, label, hint string, change func(gitlabtest.CI) gitlabtest.CI) *lever {
	return &lever{
		id: id, side: "gitlab", kind: isPush, label: label, hint: hint,
		turn: func(_ context.Context, on bool) error { n.arm(id, change, on); return nil },
		spent: func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.settle()
			return n.armed[id] == nil
		},
	}
}

func (n *nextPipeline) arm(id string, change func(gitlabtest.CI) gitlabtest.CI, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.settle()
	delete(n.armed, id)
	if on {
		n.armed[id] = change
	}
	n.disarm()
	if len(n.armed) == 0 {
		return
	}
	for _, p := range n.gitlab.Projects() {
		ci := p.CI()
		for _, name := range slices.Sorted(maps.Keys(n.armed)) {
			ci = n.armed[name](ci)
		}
		n.ends = append(n.ends, p.SetNextCI(ci))
	}
}

// settle forgets the changes once a pipeline has been created with them: they are over for the other projects too.
func (n *nextPipeline) settle() {
	used := slices.ContainsFunc(n.gitlab.Projects(), func(p *gitlabtest.Project) bool { return !p.HasNextCI() })
	if len(n.armed) > 0 && used {
		clear(n.armed)
		n.disarm()
	}
}

func (n *nextPipeline) disarm() {
	for _, end := range n.ends {
		end()
	}
	n.ends = nil
}

// lostAnswer cuts the connection of the next request that starts a pipeline, once GitLab has done what it asks.
type lostAnswer struct {
	gitlab *gitlabtest.Server

	mu     sync.Mutex
	before int // such requests when it was armed
	ends   []func()
}

func (l *lostAnswer) turn(_ context.Context, on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		end()
	}
	l.ends, l.before = nil, l.requests()
	if !on {
		return nil
	}
	for _, path := range starts() {
		match := gitlabtest.Match{Method: http.MethodPost, PathPattern: path}
		l.ends = append(l.ends, l.gitlab.Fault(match, gitlabtest.Fault{Times: 1, Applied: true, Cut: true}))
	}
	return nil
}

func (l *lostAnswer) spent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests() > l.before
}

func (l *lostAnswer) requests() int {
	n := 0
	for _, path := range starts() {
		n += l.gitlab.Count(http.MethodPost + " " + path)
	}
	return n
}
