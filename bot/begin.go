package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// How a request begins, whether it was filled into the form or typed.

// wanted is a pipeline that somebody wants.
type wanted struct {
	project          string // its name in the settings
	ref              gitlab.Ref
	buildType        string
	variables, files map[string]string
}

// mostVariables is as much as the variables and files of a request may take, in bytes: more
// than the form's fields hold, and far less than a record may be (a message of NATS, of
// which the default is 1 MB).
const mostVariables = 192 << 10

func tooMuch(variables, files map[string]string) bool {
	size := 0
	for _, list := range []map[string]string{variables, files} {
		for key, value := range list {
			size += len(key) + len(value)
		}
	}
	return size > mostVariables
}

// requestFor is the request for it. id names it for good; channel is where it is shown.
func (b *Bot) requestFor(a *arrival, w wanted, id, channel, replyURL string) run.Request {
	return run.Request{
		ID: id, Project: w.project, Ref: w.ref, BuildType: w.buildType, Variables: w.variables, Files: w.files,
		Asker: a.who.User, Team: a.who.Team, Channel: channel, ReplyURL: replyURL, At: time.Now().UTC(),
		Trigger: b.Projects.Triggers(w.project) && len(w.files) == 0,
	}
}

// admit asks whether the request may be made, and by what it is held until it may start.
// refused says why it may not. running are those for the same that run already: nothing
// is started beside them unless its asker says so.
func (b *Bot) admit(ctx context.Context, a *arrival, request *run.Request, anyway bool) (hold *run.Hold, running []run.Run, refused string) {
	hold, refused = b.decide(ctx, a, request)
	unknown := hold != nil && hold.For == run.ForLink // who is not told what runs
	if refused != "" || anyway || unknown {
		return hold, nil, refused
	}
	running = slices.DeleteFunc(b.Runs.Running(request.Project, request.Ref, request.BuildType), func(r run.Run) bool {
		return r.Request.ID == request.ID // the same, delivered twice
	})
	return hold, running, ""
}

// write writes a request down. From there on nothing is lost.
func (b *Bot) write(ctx context.Context, request run.Request, hold *run.Hold, within time.Duration) (r run.Run, created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, created, err = b.Runs.Submit(ctx, request, hold)
	if created {
		b.Log.Info("a run was requested", zap.String("run", request.ID), zap.String("project", request.Project), zap.Stringer("ref", request.Ref))
	}
	return r, created, err
}

// warnedOf is what a form remembers of a request that runs already: saying "anyway" is
// about the same project, ref and build type.
func warnedOf(r run.Request) string { return digest(r.Project, r.Ref.String(), r.BuildType)[:16] }

// digest is the same for the same parts, and nothing else can be read from it.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
