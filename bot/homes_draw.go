package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/run"
)

// signature stands for all that a Home is drawn from, but for people's rights.
func (h *Homes) signature(hm *home) string {
	var s strings.Builder
	for _, r := range h.History.RecentRuns(hm.who.Team, hm.who.User, ownRunsShown) {
		fmt.Fprintf(&s, "%s %s %d %s %t %t;", r.Request.ID, r.State, r.Pipeline.ID, r.Pipeline.Status, r.Pipeline.Warnings, r.Deleted)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range h.Projects.Names() {
		if known := h.read[name]; known != nil && hm.views[name] {
			fmt.Fprintf(&s, "%s %d;", name, known.version)
		}
	}
	return s.String()
}

// draw publishes a Home where it looks different from before. It is done where it does
// not have to be tried again. asking is for the questions to GitLab and Slack: where it
// has ended, memory alone tells.
func (h *Homes) draw(ctx, asking context.Context, hm *home) (done bool) {
	p := h.page(ctx, asking, hm)
	hm.again = h.now().Add(rightsEvery)
	if p.waiting {
		hm.again = h.now().Add(h.Every)
	}
	view := homeView(p)
	hash := hashOfView(view)
	if hash != "" && hash == hm.hash {
		return true
	}
	if !h.mayPublish() {
		return false
	}
	err := h.publish(ctx, hm.who, view)
	hm.gone = permanent(err)
	if err == nil {
		hm.hash = hash
	}
	return err == nil
}

func hashOfView(view slack.HomeTabViewRequest) string {
	data, err := json.Marshal(view)
	if err != nil {
		return "" // blocks always encode; an empty hash draws anew
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// mayPublish keeps to what Slack takes.
func (h *Homes) mayPublish() bool {
	h.mu.Lock()
	quiet := h.now().Before(h.quiet)
	h.mu.Unlock()
	return !quiet && h.pace.Allow()
}

func (h *Homes) publish(ctx context.Context, who Asker, view slack.HomeTabViewRequest) error {
	_, err := h.API.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: who.User, View: view})
	if wait := retryAfter(err); wait > 0 {
		h.mu.Lock()
		h.quiet = h.now().Add(wait)
		h.mu.Unlock()
	}
	if err != nil {
		h.Log.Info("publishing a Home failed", zap.String("user", who.User), zap.String("reason", slackReason(err)))
	}
	return err
}

// page is what is to be on somebody's Home.
func (h *Homes) page(ctx, asking context.Context, hm *home) homePage {
	p := homePage{linkable: h.Linkable, asked: asking.Err() == nil}
	for _, r := range h.History.RecentRuns(hm.who.Team, hm.who.User, ownRunsShown) {
		p.own = append(p.own, runRow(r, h.inSettings(r)))
	}
	views := h.look(ctx, asking, hm)
	shown := make(map[string]bool)
	for _, v := range views {
		if v.standing.person.Account != nil {
			p.account = v.standing.person.Account.Username
		}
		switch {
		case v.why == policy.NotLinked && v.standing.person.Kind == policy.Member:
			p.unlinked = true
		case !v.may:
			p.waiting = p.waiting || v.doubt
		case len(p.projects) == projectsShown:
			p.more++
		default:
			shown[v.name] = true
			p.projects = append(p.projects, h.project(asking, hm, v))
		}
	}
	h.show(hm, shown)
	p.away = h.awaySince(shown)
	return p
}

func (h *Homes) inSettings(r run.Run) bool {
	for _, name := range h.Projects.Names() {
		if known, ok := h.Projects.Known(name); ok && known.ID == r.Project.ID {
			return true
		}
	}
	return false
}

// show says which projects a Home shows, so that they are read.
func (h *Homes) show(hm *home, shown map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hm.views = shown
	for name := range shown {
		if h.read[name] == nil {
			signal(h.hurry)
		}
	}
}

// view is whether somebody may see a project.
type view struct {
	name     string
	may      bool
	doubt    bool // which keeps what they see, if they do
	why      policy.Why
	standing standing
}

// look asks whether somebody may see each of the projects.
func (h *Homes) look(ctx, asking context.Context, hm *home) []view {
	names := h.Projects.Names()
	views := make([]view, len(names))
	together(names, rolesAtOnce, func(i int, name string) {
		s := h.Gate.standing(ctx, asking, hm.who, name)
		d := s.decide(asking, policy.Question{Action: policy.ActionView})
		v := view{name: name, may: d.Outcome == policy.Allow, why: d.Why, doubt: d.Why == policy.Doubtful, standing: s}
		if v.doubt {
			// GitLab is away, or was not asked: what was shown stays, and nothing comes.
			_, v.may = hm.rows[name]
		}
		views[i] = v
	})
	for _, v := range views {
		if !v.may && !v.doubt {
			delete(hm.rows, v.name) // no doubt that comes later shows them again
		}
	}
	return views
}

// project is a project as it is to be on somebody's Home.
func (h *Homes) project(asking context.Context, hm *home, v view) homeProject {
	p := homeProject{path: v.standing.project.Path}
	if p.path == "" {
		p.path = v.name
	}
	h.mu.Lock()
	known := h.read[v.name]
	var last reading
	if known != nil {
		last = *known
	}
	h.mu.Unlock()
	switch {
	case !last.done:
		p.reading, p.fault = last.fault == nil, last.fault
	case v.doubt:
		p.rows = hm.rows[v.name]
	default:
		p.rows, _ = v.standing.rows(asking, h.History, hm.who, last.list)
		p.rows, p.fault = p.rows[:min(len(p.rows), pipelinesEach)], last.fault
		hm.rows[v.name] = p.rows
	}
	return p
}
