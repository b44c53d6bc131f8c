package bot

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func renameCommand() command {
	return command{
		name: "rename", usage: "[project] <id, #number or URL> name", summary: "give a pipeline another name", example: `rename 4711 "Release 2.4"`,
		// GitLab lets rename who may retry.
		action: policy.ActionRetry, handle: (*Bot).rename,
	}
}

// longestName is the most of a pipeline's name that GitLab keeps.
// https://docs.gitlab.com/api/pipelines/#update-pipeline-metadata
const longestName = 255

// rename gives a pipeline another name.
func (b *Bot) rename(ctx context.Context, a *arrival) {
	c := renameCommand()
	line, ok := b.parse(ctx, a, c)
	if !ok {
		return
	}
	t, name, fault := b.parseRename(line.Words)
	if fault != "" {
		b.misread(ctx, a, say(words(fault+" Write it like "), code("/pipeline "+c.example), words(".")))
		return
	}
	b.answering(ctx, a, "Renaming the pipeline", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		if err != nil {
			return b.notFound(ctx, a, err)
		}
		q := questionOf(a.does, r, a.who)
		d, _ := b.ask(ctx, a, q, r)
		if d.Outcome != policy.Allow {
			return b.refusedBy(d)
		}
		_, err = b.Pipelines.RenamePipeline(ctx, r.Project.ID, r.Pipeline.ID, name)
		b.Gate.done(ctx, d, a.who, q, r, "renamed", err)
		if err != nil {
			return pipelineNotRenamed(err)
		}
		return pipelineRenamed(r, name)
	})
}

// parseRename reads "[project] <pipeline> name".
func (b *Bot) parseRename(typed []string) (t target, name, fault string) {
	count := 1
	if _, isProject := b.projectTyped(first(typed)); isProject {
		count = 2
	}
	if len(typed) <= count {
		return t, "", "It takes which pipeline, and its new name."
	}
	if t, fault = b.parseTarget(typed[:count]); fault != "" {
		return t, "", fault
	}
	name = strings.TrimSpace(strings.Join(typed[count:], " "))
	switch {
	case name == "":
		return t, "", "The new name is empty."
	case utf8.RuneCountInString(name) > longestName:
		return t, "", fmt.Sprintf("The new name is longer than GitLab's %d characters.", longestName)
	}
	return t, name, ""
}

// pipelineRenamed says that a pipeline has another name.
func pipelineRenamed(r run.Run, name string) message {
	said := append(say(emoji("white_check_mark"), words(" ")), pipelineNamed(r)...)
	return privately(append(said, words(" is called "), bold(shortenMiddle(name, refSize)), words(" now."))...)
}

// pipelineNotRenamed says why it has not.
func pipelineNotRenamed(err error) message {
	if gitlab.IsNotFound(err) {
		return warning(words("This GitLab cannot rename pipelines, or the pipeline is gone: it takes version 16.6."))
	}
	return warning(append(say(words("I could not rename the pipeline. ")), actionFault(err)...)...)
}
