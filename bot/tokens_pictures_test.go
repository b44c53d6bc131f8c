package bot_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/gitlab"
)

// triggerToken is one as GitLab lists it, in a project where everything is called so.
func triggerToken(id int64, name string) gitlab.TriggerToken {
	return gitlab.TriggerToken{
		ID: id, Description: name, Owner: gitlab.User{ID: 9, Username: "release-bot"}, CreatedAt: askedAt.Add(-240 * time.Hour).UTC(),
	}
}

// aboutTokens are the pictures of trigger tokens; the project and the descriptions are
// from outside.
func aboutTokens(project, name string) []picture {
	at := bot.TokensAt{Project: "group/app", Channel: channel, Token: 3, Called: name}
	now := askedAt.UTC()
	used, ends, ended := triggerToken(3, name), triggerToken(2, name), triggerToken(1, name)
	used.LastUsed = now.Add(-3 * time.Hour)
	used.Owner.Username = strings.ReplaceAll(name, "Nightly builds", "carol")
	ends.ExpiresAt, ended.ExpiresAt = now.Add(30*24*time.Hour), now.Add(-24*time.Hour)
	made := ends
	made.Value = "glptt-0123456789abcdef"
	var list []picture
	view := func(what string, v slack.ModalViewRequest) {
		list = append(list, picture{name: "tokens-" + what, view: &v})
	}
	view("reading", bot.TokensWorking(at, project, bot.ReadingTokens))
	view("none", bot.TokensModal(at, project, nil, nil, now))
	view("one", bot.TokensModal(at, project, []gitlab.TriggerToken{used}, nil, now))
	view("three", bot.TokensModal(at, project, []gitlab.TriggerToken{ended, ends, used}, nil, now))
	view("undescribed", bot.TokensModal(at, project, []gitlab.TriggerToken{{ID: 4}}, nil, now))
	view("renamed", bot.TokensModal(at, project, []gitlab.TriggerToken{used}, bot.TokenRenamed(at, name), now))
	view("revoked", bot.TokensModal(at, project, nil, bot.TokenRevoked(at), now))
	view("new", bot.NewTokenModal(at, project))
	view("made", bot.MadeModal(project, made, false))
	view("made-among-several-projects", bot.MadeModal(project, gitlab.TriggerToken{ID: 5, Description: name, Value: made.Value}, true))
	view("rename", bot.RenameModal(at, project, used))
	view("revoke", bot.RevokeModal(at, project, used, true, now))
	view("revoke-where-none-is-used", bot.RevokeModal(at, project, used, false, now))
	list = append(list, picture{name: "tokens-unseen", message: bot.TokenUnseen(name, project)})
	kinds := []gitlab.Kind{gitlab.Unclear, gitlab.NotSent, gitlab.RateLimited, gitlab.Unauthorized, gitlab.Forbidden, gitlab.NotFound, gitlab.Invalid}
	for _, kind := range kinds {
		err := &gitlab.Error{Kind: kind, Message: name}
		slug := strings.ReplaceAll(kind.String(), " ", "-")
		view("unread-"+slug, bot.TokensUnread(at, project, err, nil))
		view("not-made-"+slug, bot.TokensSaying(bot.NotMade(name, err)...))
		view("not-renamed-"+slug, bot.TokensModal(at, project, []gitlab.TriggerToken{used}, bot.NotRenamed(at, err), now))
		view("not-revoked-"+slug, bot.TokensModal(at, project, []gitlab.TriggerToken{used}, bot.NotRevoked(at, err), now))
		view("one-unread-"+slug, bot.TokensSaying(bot.TokenUnread(err)...))
	}
	view("renamed-and-unread", bot.TokensUnread(at, project, &gitlab.Error{Kind: gitlab.NotSent}, bot.TokenRenamed(at, name)))
	return list
}

// manyTokens are lists of more than one modal holds.
func manyTokens() []picture {
	var list []gitlab.TriggerToken
	for i := range 100 {
		list = append(list, triggerToken(int64(i+1), fmt.Sprintf("Token %d", i+1)))
	}
	var pictures []picture
	for page, name := range map[int]string{0: "first", 1: "second", 9: "last"} {
		view := bot.TokensModal(bot.TokensAt{Project: "group/app", Channel: channel, Page: page}, "group/app", list, nil, askedAt)
		pictures = append(pictures, picture{name: "tokens-hundred-" + name + "-page", view: &view})
	}
	return pictures
}
