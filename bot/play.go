package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func playCommand() command {
	return command{
		name: "play", usage: "[project] [id, #number or URL] [job]", summary: "start a manual job", example: "play 4711 deploy",
		action: policy.ActionPlay, handle: (*Bot).playTyped,
	}
}

// playTyped starts a manual job of the pipeline that somebody typed.
func (b *Bot) playTyped(ctx context.Context, a *arrival) {
	line, ok := b.parse(ctx, a, playCommand())
	if !ok {
		return
	}
	typed, name := b.parsePlay(line.Words)
	t, fault := b.parseTarget(typed)
	if fault != "" {
		b.misread(ctx, a, say(words(fault+" Write it like "), code("/pipeline "+playCommand().example), words(".")))
		return
	}
	b.answering(ctx, a, "Looking for the job", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		if err != nil {
			return b.notFound(ctx, a, err)
		}
		return b.playNamed(ctx, a, r, name)
	})
}

// parsePlay parts the words that name a pipeline from the name of a job, which may have
// spaces. A number is a pipeline's where one can stand.
func (b *Bot) parsePlay(typed []string) (pipeline []string, job string) {
	n := 0
	if _, ok := b.projectTyped(first(typed)); ok {
		n = 1
	}
	if n < len(typed) && namesPipeline(typed[n]) {
		n++
	}
	return typed[:n], strings.Join(typed[n:], " ")
}

// namesPipeline reports whether a word is written as pipelines are: its id, # and its
// number, or an address.
func namesPipeline(word string) bool {
	_, err := strconv.ParseInt(strings.TrimPrefix(word, "#"), 10, 64)
	return err == nil || strings.Contains(word, "://")
}

// playNamed starts the job of that name. Without a name, or where none of that name
// waits, those that wait are offered: what starts may be a deployment.
func (b *Bot) playNamed(ctx context.Context, a *arrival, r run.Run, name string) message {
	if d, ok := b.offered(ctx, a, r, policy.ActionPlay); !ok {
		return b.refusedBy(d)
	}
	waiting, err := b.waitingJobs(ctx, r)
	if err != nil {
		return actionFailed(run.Play, err)
	}
	job, ok := jobNamed(waiting, name)
	if !ok {
		return jobsOffered(r, waiting, name)
	}
	return b.played(ctx, a, r, job)
}

func (b *Bot) played(ctx context.Context, a *arrival, r run.Run, job gitlab.Job) message {
	d, err := b.act(ctx, a, r, run.Play, job)
	if err != nil {
		return b.notActed(run.Play, r, d, err)
	}
	return b.withFollow(a, r, acted(run.Play, r, job.Name))
}

// waitingJobs are the manual jobs of a pipeline that wait for somebody to start them,
// those too that the pipeline does not wait for.
func (b *Bot) waitingJobs(ctx context.Context, r run.Run) ([]gitlab.Job, error) {
	jobs, err := b.Pipelines.Jobs(ctx, r.Project.ID, r.Pipeline.ID)
	if err != nil {
		return nil, err
	}
	// Of jobs with the same name the newest counts: a retry makes a new one.
	slices.SortFunc(jobs, func(x, y gitlab.Job) int { return cmp.Compare(y.ID, x.ID) })
	seen := make(map[string]bool)
	waiting := jobs[:0:0]
	for _, job := range jobs {
		name := job.Stage + "\x00" + job.Name
		if job.Status == gitlab.StatusManual && !seen[name] {
			waiting = append(waiting, job)
		}
		seen[name] = true
	}
	slices.Reverse(waiting)
	return waiting, nil
}

// jobNamed is the job that somebody means, in any case where no other has the name as
// it is written.
func jobNamed(waiting []gitlab.Job, name string) (gitlab.Job, bool) {
	for _, same := range []func(s string) bool{
		func(s string) bool { return s == name },
		func(s string) bool { return strings.EqualFold(s, name) },
	} {
		if i := slices.IndexFunc(waiting, func(j gitlab.Job) bool { return same(j.Name) }); i >= 0 {
			return waiting[i], true
		}
	}
	return gitlab.Job{}, false
}

// jobsShown is how many jobs are offered at once.
const jobsShown = 10

// actionStart starts a job that was offered.
const actionStart = "start_job"

// jobsOffered says which jobs wait, where none was named or none of that name waits.
func jobsOffered(r run.Run, waiting []gitlab.Job, name string) message {
	var said phrase
	switch {
	case len(waiting) == 0:
		return privately(append(append(say(emoji("information_source"), words(" No job of ")), pipelineNamed(r)...), words(" waits to be started."))...)
	case name == "" && len(waiting) == 1:
		said = append(append(say(emoji("raised_hand"), words(" ")), pipelineNamed(r)...), words(" has a job that waits to be started:"))
	case name == "":
		said = append(append(say(emoji("raised_hand"), words(" ")), pipelineNamed(r)...), words(" has several jobs that wait to be started. Which one?"))
	default:
		said = append(say(emoji("warning"), words(" No job called "), code(shortenMiddle(name, jobNameSize)), words(" waits in ")), pipelineNamed(r)...)
		said = append(said, words(". These do:"))
	}
	if more := len(waiting) - jobsShown; more > 0 {
		said = append(said, words(fmt.Sprintf(" (%d more wait; write the name: ", more)), code(fmt.Sprintf("/pipeline play %d name", r.Pipeline.ID)), words(")"))
	}
	m := privately(said...)
	var buttons []slack.BlockElement
	for i, job := range waiting[:min(len(waiting), jobsShown)] {
		buttons = append(buttons, startButton(r, job, i))
	}
	m.Blocks = append(m.Blocks, slack.NewActionBlock("jobs", buttons...))
	return m
}

func startButton(r run.Run, job gitlab.Job, i int) slack.BlockElement {
	value := pipelineValue(r.Project.ID, r.Pipeline.ID) + " " + strconv.FormatInt(job.ID, 10)
	return playButton(r, job, numbered(actionStart, i), value)
}

// startPressed starts a job that was offered. What was done takes the offer's place;
// otherwise the offer stays.
func (b *Bot) startPressed(ctx context.Context, a *arrival) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	r, job, err := b.jobOffered(ctx, a.action.Value)
	var d policy.Decision
	if err == nil {
		d, err = b.act(ctx, a, r, run.Play, job)
	}
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
	defer cancel()
	switch {
	case errors.Is(err, errNoPipeline):
		b.tell(telling, a, b.notFound(telling, a, err))
	case err != nil:
		b.tell(telling, a, b.notActed(run.Play, r, d, err))
	default:
		b.replace(telling, a, b.withFollow(a, r, acted(run.Play, r, job.Name)))
	}
}

// jobOffered finds what a button that starts a job is about. Its value comes from
// outside: the job has to be one of the pipeline's, and wait.
func (b *Bot) jobOffered(ctx context.Context, value string) (run.Run, gitlab.Job, error) {
	pipeline, number, _ := strings.Cut(value, " ")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return run.Run{}, gitlab.Job{}, errStale
	}
	r, err := b.pipelineAt(ctx, pipeline)
	if err != nil {
		return r, gitlab.Job{}, err
	}
	waiting, err := b.waitingJobs(ctx, r)
	if err != nil {
		return r, gitlab.Job{}, err
	}
	i := slices.IndexFunc(waiting, func(j gitlab.Job) bool { return j.ID == id })
	if i < 0 {
		return r, gitlab.Job{ID: id}, errNotWaiting
	}
	return r, waiting[i], nil
}
