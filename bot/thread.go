package bot

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/run"
	"pipebot/gitlab"
)

// reply is a message in a run's thread, given once under its name.
type reply struct {
	name string
	message
}

// replies are what the thread of the run should hold by now, oldest first. What
// is there notifies people, so it is little: that it waits, and how it ended.
func replies(r run.Run) []reply {
	switch {
	case r.Pipeline.ID == 0:
		return nil
	case waitsForSomebody(r) && !r.Quiet():
		return []reply{{waitsName(r), waiting(r)}}
	case r.State == run.Started && r.Pipeline.Status == gitlab.StatusScheduled && !r.Quiet():
		return []reply{{fmt.Sprintf("scheduled:%d", r.Lives), sentence(r, words("waits for a scheduled job and goes on by itself."))}}
	case r.TellsEnd():
		return []reply{{fmt.Sprintf("ended:%d", r.Lives), ended(r)}}
	default:
		return nil
	}
}

func waitsName(r run.Run) string { return fmt.Sprintf("%s%d", waitsPrefix, r.Lives) }

// waitsForSomebody: the pipeline goes on when somebody starts a job.
func waitsForSomebody(r run.Run) bool {
	return r.State == run.Started && r.Pipeline.Status == gitlab.StatusManual
}

// linksShown is how many jobs a reply names.
const linksShown = 5

// waiting tells what the pipeline waits for, and who has to do something about it.
func waiting(r run.Run) message {
	jobs, start := "a manual job", "Start it"
	if r.Progress.ManualTotal > 1 {
		jobs, start = "manual jobs", "Start them"
	}
	elements := say(words("is blocked by " + jobs))
	if manual := r.Progress.Manual; len(manual) > 0 {
		elements = append(append(elements, words(": ")), jobLinks(manual, r.Progress.ManualTotal, linksShown, jobURL)...)
	}
	plays := playButtons(r, playsInThread)
	if len(plays) == 0 {
		return sentence(r, append(elements, words(". "+start+" in GitLab to go on."))...)
	}
	m := sentence(r, append(elements, words(". "+start+" to go on."))...)
	m.Blocks = append(m.Blocks, slack.NewActionBlock("actions", plays...))
	return m
}

// waited takes the place of waiting once somebody has started a job by it. started are
// those jobs; where there are none, they were started in GitLab.
func waited(r run.Run, started []run.Act) message {
	said := say(words("was blocked by a manual job that does not wait any more."))
	if len(started) > 0 {
		said = say(words("was blocked by a manual job. "))
	}
	for i, act := range started {
		if i > 0 {
			said = append(said, words(", "))
		}
		said = append(said, actedBy(r, act)...)
	}
	if len(started) > 0 {
		said = append(said, words("."))
	}
	plays := playButtons(r, playsInThread)
	if len(plays) == 0 {
		return sentence(r, said...)
	}
	m := sentence(r, append(said, words(" More can be started:"))...)
	m.Blocks = append(m.Blocks, slack.NewActionBlock("actions", plays...))
	return m
}

func ended(r run.Run) message {
	took := ""
	if d, known := elapsed(r); known {
		took = " in " + duration(d)
	}
	switch {
	case r.Deleted:
		if act, ok := lastAct(r); ok && act.Verb == run.Delete {
			return sentence(r, words("was deleted by "), mention(act.By), words("."))
		}
		return sentence(r, words("was deleted in GitLab."))
	case r.Pipeline.Status == gitlab.StatusSuccess && r.Pipeline.Warnings:
		return withArtifacts(r, "passed with warnings"+took)
	case r.Pipeline.Status == gitlab.StatusSuccess:
		return withArtifacts(r, "passed"+took)
	case r.Pipeline.Status == gitlab.StatusFailed:
		return failed(r)
	case r.Pipeline.Status == gitlab.StatusCanceled:
		return sentence(r, words("was canceled"+after(took)))
	default:
		return sentence(r, words("was "+string(r.Pipeline.Status)+"."))
	}
}

func after(took string) string { return strings.Replace(took, " in ", " after ", 1) + "." }

// failed names the stages with their jobs: failed in test: unit, lint.
func failed(r run.Run) message {
	list := r.Progress.Failed
	switch {
	case len(list) == 0 && r.Pipeline.YAMLErrors != "":
		return sentence(r, words("failed: .gitlab-ci.yml has errors. GitLab says: "+shortenEnd(r.Pipeline.YAMLErrors, notificationSize)))
	case len(list) == 0:
		return sentence(r, words("failed."))
	}
	list = list[:min(len(list), linksShown)]
	byStage := make(map[string][]gitlab.Job)
	var order []string
	for _, job := range list {
		if byStage[job.Stage] == nil {
			order = append(order, job.Stage)
		}
		byStage[job.Stage] = append(byStage[job.Stage], job)
	}
	elements := say(words("failed in "))
	for i, stage := range order {
		if i > 0 {
			elements = append(elements, words("; "))
		}
		jobs := byStage[stage]
		elements = append(elements, words(shortenMiddle(stage, stageNameSize)+": "))
		elements = append(elements, jobLinks(jobs, len(jobs), linksShown, jobURL)...)
	}
	return sentence(r, append(elements, andMore(r.Progress.FailedTotal-len(list))...)...)
}

func withArtifacts(r run.Run, said string) message {
	if len(r.Progress.Artifacts) == 0 {
		return sentence(r, words(said+"."))
	}
	links := jobLinks(r.Progress.Artifacts, r.Progress.ArtifactsTotal, linksShown, artifactsURL)
	return sentence(r, append(say(words(said+". Artifacts: ")), links...)...)
}

func jobURL(job gitlab.Job) string { return job.WebURL }

// artifactsURL leads to the page where the files are looked at and fetched.
// https://docs.gitlab.com/ci/jobs/job_artifacts/#browse-the-contents-of-the-artifacts-archive
func artifactsURL(job gitlab.Job) string {
	if job.WebURL == "" {
		return ""
	}
	return job.WebURL + "/artifacts/browse"
}

// jobLinks names the first so many jobs and counts the others.
func jobLinks(jobs []gitlab.Job, total, most int, url func(gitlab.Job) string) phrase {
	jobs = jobs[:min(len(jobs), most)]
	var elements phrase
	for i, job := range jobs {
		if i > 0 {
			elements = append(elements, words(", "))
		}
		elements = append(elements, link(url(job), shortenMiddle(job.Name, jobNameSize)))
	}
	return append(elements, andMore(total-len(jobs))...)
}

func andMore(count int) phrase {
	if count <= 0 {
		return nil
	}
	return say(words(fmt.Sprintf(" and %d more", count)))
}

// sentence is a reply: who is told, what pipeline, and what became of it.
func sentence(r run.Run, rest ...slack.RichTextSectionElement) message {
	elements := say(emoji(faceOf(r).emoji), words(" "))
	if !r.Request.Quiet {
		elements = append(elements, mention(r.Request.Asker), words(" "))
	}
	for _, f := range r.Followers {
		elements = append(elements, mention(f.User), words(" "))
	}
	elements = append(append(elements, pipelineLink(r), words(" ")), rest...)
	text := fmt.Sprintf("%s %s: pipeline #%d %s", shortenMiddle(projectName(r), projectSize),
		shortenMiddle(r.Request.Ref.Name, refSize), r.Pipeline.ID, plainWords(rest))
	return message{
		Text:   escape(shortenEnd(text, notificationSize)),
		Blocks: []slack.Block{slack.NewRichTextBlock("reply", paragraph(elements...))},
	}
}
