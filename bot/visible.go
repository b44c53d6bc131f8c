package bot

import (
	"context"
	"strings"
	"time"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// Lists lists a project's pipelines; [gitlab.Client] does it.
type Lists interface {
	PipelinesPage(ctx context.Context, project int64, filter gitlab.ListFilter, page, perPage int) (list []gitlab.Pipeline, more bool, err error)
	Describe(ctx context.Context, project gitlab.Project, pipelines []gitlab.Pipeline) ([]gitlab.Pipeline, error)
}

// rows are the pipelines that somebody may see, and how many there are that they may
// not. The pipelines have been described, or could not be.
func (s *standing) rows(ctx context.Context, history History, who Asker, pipelines []gitlab.Pipeline) (rows []row, hidden int) {
	for _, p := range pipelines {
		p.ProjectID = s.project.ID
		team, asker, through := history.AskerOf(p.ProjectID, p.ID)
		if !s.mayView(p, through && team == who.Team && asker == who.User) {
			hidden++
			continue
		}
		starter := p.User.Username
		if through {
			starter = s.gate.People.name(ctx, asker)
		}
		rows = append(rows, pipelineRow(p, starter))
	}
	return rows, hidden
}

// mayView asks about one pipeline. To see one nobody needs the right to update its ref,
// so GitLab is not asked for that.
func (s *standing) mayView(p gitlab.Pipeline, own bool) bool {
	if s.unknown != "" {
		return false
	}
	for _, ref := range refsOf(p) {
		q := policy.Question{
			Action: policy.ActionView, Project: s.project.Path, Ref: ref, Channel: s.channel, Own: own, Starter: p.User.ID,
		}
		if s.rules.Decide(q, s.person, s.facts, time.Now()).Outcome != policy.Allow {
			return false
		}
	}
	return true
}

// refsOf are what a pipeline's ref may be. Lists do not tell branches and tags apart: of
// a pipeline that could not be described it may be either.
func refsOf(p gitlab.Pipeline) []gitlab.Ref {
	switch {
	case strings.HasPrefix(p.Ref, "refs/"):
		return []gitlab.Ref{{Name: p.Ref}} // a merge request's
	case p.Tag:
		return []gitlab.Ref{{Kind: gitlab.Tag, Name: p.Ref}}
	case p.User.ID != 0:
		return []gitlab.Ref{{Kind: gitlab.Branch, Name: p.Ref}}
	default:
		return []gitlab.Ref{{Kind: gitlab.Branch, Name: p.Ref}, {Kind: gitlab.Tag, Name: p.Ref}}
	}
}
