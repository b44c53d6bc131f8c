package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// Links says who people of Slack are in GitLab, as they proved it; [run.Links] does.
type Links interface {
	Get(ctx context.Context, team, user string) (run.Link, bool, error)
	Put(ctx context.Context, link run.Link) error
	Delete(ctx context.Context, team, user string) error
}

// Accounts finds users of GitLab; [gitlab.Client] does.
type Accounts interface {
	UserByName(ctx context.Context, username string) (gitlab.User, error)
	UserByEmail(ctx context.Context, email string) (gitlab.User, error)
}

// knownFor is how long an answer about a person counts: as long as what GitLab says
// of their rights.
const knownFor = time.Minute

// People finds out who somebody is: in Slack, and in GitLab.
type People struct {
	api      *slack.Client
	team     func(context.Context) string // of the workspace that the bot is installed in
	links    Links
	accounts Accounts
	now      func() time.Time

	asking singleflight.Group
	mu     sync.Mutex
	known  map[string]answer
}

// NewPeople returns people of whom nothing is known yet. team is the workspace's own
// id, "" where that cannot be learned in time.
func NewPeople(api *slack.Client, team func(context.Context) string, links Links, accounts Accounts) *People {
	return &People{api: api, team: team, links: links, accounts: accounts, now: time.Now, known: make(map[string]answer)}
}

// Person is who somebody is, as far as it can be learned: what is not known stays
// empty, which the policy takes for a no. doubt is why their account in GitLab could
// not be learned, empty where it was or they have none.
func (p *People) Person(ctx context.Context, team, user string, rules *policy.Policy) (who policy.Person, doubt string) {
	return p.person(ctx, ctx, team, user, rules)
}

// person is Person. asking is for the questions to Slack and GitLab: once it has ended
// what is remembered still counts.
func (p *People) person(ctx, asking context.Context, team, user string, rules *policy.Policy) (who policy.Person, doubt string) {
	who, email := p.inSlack(asking, team, user)
	if who.Kind == policy.Unknown || who.Kind == policy.Bot {
		return who, ""
	}
	who.Groups, who.GroupsDoubt = p.groups(asking, user, rules.UserGroups())
	var err error
	if who.Account, err = p.account(ctx, asking, who, email, rules); err != nil {
		return who, "it cannot be found out who you are in GitLab"
	}
	return who, ""
}

// InSlack is Person without the account: GitLab is not asked. What it is for, members
// may whatever groups they are in, so those are learned of others alone.
func (p *People) InSlack(ctx context.Context, team, user string, rules *policy.Policy) policy.Person {
	who, _ := p.inSlack(ctx, team, user)
	if who.Kind == policy.Guest || who.Kind == policy.External {
		who.Groups, who.GroupsDoubt = p.groups(ctx, user, rules.UserGroups())
	}
	return who
}

func (p *People) inSlack(ctx context.Context, team, user string) (who policy.Person, email string) {
	who = policy.Person{ID: user, Team: team, GroupsDoubt: "nobody has looked who is in which user group"}
	profile, err := p.profile(ctx, user)
	if err != nil {
		return who, ""
	}
	who.Kind = kind(profile, team, p.team(ctx))
	return who, profile.Profile.Email
}

func (p *People) profile(ctx context.Context, user string) (*slack.User, error) {
	return remember(ctx, p, "user "+user, func(ctx context.Context) (*slack.User, error) {
		profile, err := p.api.GetUserInfoContext(ctx, user)
		if err == nil && profile.ID == "" {
			err = errNoAnswer
		}
		return profile, err
	})
}

// errNoAnswer: Slack says ok and not what was asked for. That is no knowledge.
var errNoAnswer = errors.New("Slack's answer is none") //nolint:staticcheck // a name

// kind is what somebody is to the workspace, whose id is own. A team that is not
// known, or another one than the profile's, makes nobody a member.
func kind(profile *slack.User, team, own string) policy.Kind {
	switch {
	case profile.Deleted || own == "":
		return policy.Unknown
	case profile.IsBot || profile.IsAppUser:
		return policy.Bot
	case profile.IsStranger || profile.TeamID != own || team != "" && team != own:
		return policy.External
	case profile.IsRestricted || profile.IsUltraRestricted:
		return policy.Guest
	default:
		return policy.Member
	}
}

// name is what people call somebody, for words that cannot mention them; the id where
// Slack does not say.
func (p *People) name(ctx context.Context, user string) string {
	profile, err := p.profile(ctx, user)
	if err != nil {
		return user
	}
	return cmp.Or(profile.Profile.DisplayName, profile.RealName, user)
}

// groups are those of the user groups that somebody is in.
func (p *People) groups(ctx context.Context, user string, groups []string) (in []string, doubt string) {
	for _, group := range groups {
		members, err := remember(ctx, p, "group "+group, func(ctx context.Context) ([]string, error) {
			members, err := p.api.GetUserGroupMembersContext(ctx, group)
			if err == nil && members == nil {
				err = errNoAnswer
			}
			return members, err
		})
		if err != nil {
			doubt = fmt.Sprintf("Slack does not say who is in the user group %s", group)
			continue
		}
		for _, member := range members {
			if member == user {
				in = append(in, group)
			}
		}
	}
	return in, doubt
}

// account is who a person is in GitLab: by the policy file, by their own proof, or by
// an e-mail address that GitLab itself says is theirs. It is nil for nobody; an error
// says that it could not be learned.
func (p *People) account(ctx, asking context.Context, who policy.Person, email string, rules *policy.Policy) (*policy.Account, error) {
	if name, named := rules.GitLabUser(who); named {
		account, err := p.found(asking, "name "+name, func(ctx context.Context) (gitlab.User, error) { return p.accounts.UserByName(ctx, name) })
		if account == nil && err == nil {
			err = errNobody // the file is wrong, which no link could cure
		}
		return account, err
	}
	link, linked, err := p.links.Get(ctx, who.Team, who.ID)
	switch {
	case err != nil:
		return nil, err
	case linked:
		return &policy.Account{ID: link.GitLabID, Username: link.GitLabUser}, nil
	case email == "" || who.Kind != policy.Member:
		return nil, nil //nolint:nilnil // nobody is an answer
	}
	return p.found(asking, "email "+email, func(ctx context.Context) (gitlab.User, error) { return p.accounts.UserByEmail(ctx, email) })
}

func (p *People) found(ctx context.Context, key string, ask func(context.Context) (gitlab.User, error)) (*policy.Account, error) {
	user, err := remember(ctx, p, key, ask)
	switch {
	case errors.Is(err, errNobody):
		return nil, nil //nolint:nilnil // nobody is an answer
	case err != nil:
		return nil, err
	case user.ID == 0:
		return nil, errors.New("GitLab names a user without an id")
	}
	return &policy.Account{ID: user.ID, Username: user.Username}, nil
}
