package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"pipebot/bot/slacktest"
	"pipebot/deploy"
	"pipebot/gitlab/gitlabtest"
)

// world is everything that the page shows and acts on.
type world struct {
	app      manifest
	tokens   tokens
	slack    *slacktest.Server
	gitlab   *gitlabtest.Server // nil with a real GitLab, or none
	realURL  string             // of a real GitLab
	accounts []*gitlabtest.User // of people in the simulated one
	bot      *bot               // nil with an app from elsewhere
	levers   *levers
	bell     *bell  // rings when a lever or the bot changed
	about    string // what there is to see, in a sentence
}

// newWorld makes what was asked for; close ends it. Nothing runs yet but the simulated servers.
func newWorld(ctx context.Context, o options, environ []string, dataDir string, stderr io.Writer) (*world, error) {
	app, err := appOf(o)
	if err != nil {
		return nil, err
	}
	at := &clock{}
	w := &world{app: app, tokens: newTokens(), bell: &bell{}}
	w.slack = newWorkspace(app, w.tokens, at.now) //nolint:contextcheck // it lives until close
	if err := w.fill(ctx, o, environ, dataDir, at, stderr); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// appOf is the app that is installed in the workspace: pipebot, or that of the manifest that was asked for.
func appOf(o options) (manifest, error) {
	if o.manifest == "" {
		return readManifest(deploy.Manifest)
	}
	text, err := os.ReadFile(o.manifest)
	if err != nil {
		return manifest{}, wrong{fmt.Errorf("--manifest: %w", err)}
	}
	app, err := readManifest(text)
	if err != nil {
		return manifest{}, wrong{fmt.Errorf("--manifest %s: %w", o.manifest, err)}
	}
	return app, nil
}

// fill adds people and, as asked for, GitLab and the bot. Our own settings hold whatever others say.
func (w *world) fill(
	ctx context.Context, o options, environ []string, dataDir string, at *clock, stderr io.Writer,
) error {
	own := ours(w.slack, w.tokens, filepath.Join(dataDir, "data"))
	if err := w.slack.Err(); err != nil {
		return fmt.Errorf("starting the simulated Slack: %w", err)
	}
	if err := seedWorkspace(w.slack, w.app, at); err != nil {
		return err
	}
	switch {
	case o.manifest != "":
		w.levers = newLevers(w.bell, slackLevers(w.slack)...)
		w.about = fmt.Sprintf("A simulated Slack has %s installed, which you start with\n"+
			"  SLACK_API_URL=%s\n  SLACK_APP_TOKEN=%s\n  SLACK_BOT_TOKEN=%s",
			w.app.Display.Name, own["SLACK_API_URL"], own["SLACK_APP_TOKEN"], own["SLACK_BOT_TOKEN"])
		return nil
	case o.realGitLab:
		return w.addBot(realOnes(environ), own, nil, stderr)
	}
	first, err := firstProject(ctx, o, environ)
	if err != nil {
		return err
	}
	gl, err := newGitLab(first, at, o.speed) //nolint:contextcheck // it lives until close
	if err != nil {
		return err
	}
	w.gitlab, w.accounts = gl.server, gl.accounts
	gl.env["POLICY_FILE"] = filepath.Join(dataDir, "policy.yaml")
	if err := writePolicy(gl.env["POLICY_FILE"]); err != nil {
		return err
	}
	w.about = "pipebot is between a simulated Slack and a simulated GitLab. " +
		first.about() + " Nothing leaves this machine."
	return w.addBot(simulated(gl, o.speed, environ), own, gitlabLevers(gl.server), stderr)
}

// addBot adds a bot with these settings.
func (w *world) addBot(set, own settings, others []*lever, stderr io.Writer) error {
	maps.Copy(set, own)
	checked, err := set.check()
	if err != nil {
		return err
	}
	if w.gitlab == nil {
		w.realURL = checked.GitLabURL
		w.about = "pipebot is between a simulated Slack and the real GitLab at " + w.realURL + ": what you run there is real."
	}
	if home, err := url.Parse(checked.GitLabURL); err == nil {
		w.slack.AddUnfurlDomain(home.Host) // as its README has people put theirs into the manifest
	}
	w.bot = newBot(set.environ(), stderr, w.bell)
	w.levers = newLevers(w.bell, slices.Concat(others, slackLevers(w.slack), botLevers(w.bot))...)
	return nil
}

// firstProject is made after the repository that was asked for, or the one here, or made up.
func firstProject(ctx context.Context, o options, environ []string) (repository, error) {
	now := time.Now()
	folder := o.repo
	if folder == "" {
		folder = "."
	}
	r, err := readRepository(ctx, folder, environ)
	switch {
	case err != nil && ctx.Err() != nil:
		return repository{}, ctx.Err()
	case err != nil && o.repo != "":
		return repository{}, wrong{fmt.Errorf("--repo %s: %w", folder, err)}
	case err != nil:
		r = standIn(now)
	case len(r.branches) == 0 && len(r.tags) == 0:
		r.folder = "" // it gives its name alone
		r = r.grown(madeUpRefs, now)
	}
	return r.grown(o.refs, now), nil
}

// about says what the project is made after.
func (r repository) about() string {
	if r.folder == "" {
		return "Its project " + r.path + " is made up."
	}
	return fmt.Sprintf("Its project %s has the branches and tags of %s.", r.path, r.folder)
}

// close ends the simulated servers.
func (w *world) close() {
	w.slack.Close()
	if w.gitlab != nil {
		w.gitlab.Close()
	}
}

// person returns the person of this id; without an id the first one.
func (w *world) person(id string) (*slacktest.User, bool) {
	people := w.slack.Users()
	if id == "" {
		return people[0], true
	}
	i := slices.IndexFunc(people, func(u *slacktest.User) bool { return u.ID == id })
	if i < 0 {
		return nil, false
	}
	return people[i], true
}
