package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"pipebot/bot"
	"pipebot/bot/budget"
	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/bot/socket"
	"pipebot/gitlab"
)

// parts are what the program is made of, connected.
type parts struct {
	projects *gitlab.Projects
	refs     *gitlab.Refs
	members  *gitlab.Memberships
	me       *identity
	rules    *policy.File
	freezes  *run.Freezes
	engine   *run.Engine
	linking  *bot.Linking
	homes    *bot.Homes
	socket   *socket.Socket

	mu    sync.Mutex
	wrong error // why the policy file as it is now is not in force
}

// connect makes the parts. Nothing works before it is run.
func connect(ctx context.Context, s Settings, m *metrics, client *gitlab.Client, web *http.Client, api *slack.Client, calls *budget.Budget, conn *run.Conn, audit *run.Audit, log *zap.Logger) (*parts, error) {
	rules, err := policy.OpenFile(s.PolicyFile, s.Authz)
	if err != nil {
		return nil, err
	}
	links, err := run.OpenLinks(ctx, conn)
	if err != nil {
		return nil, err
	}
	p := &parts{rules: rules, me: newIdentity(api, log)}
	if p.freezes, err = run.OpenFreezes(ctx, conn); err != nil {
		return nil, err
	}
	p.projects = gitlab.NewProjects(client.Project, s.Projects, s.TriggerTokens)
	p.refs = gitlab.NewRefs(client, gitlab.RefsConfig{Failed: func(p gitlab.Project, err error) {
		log.Warn("reading refs failed", zap.String("project", p.Path), zap.NamedError("reason", err))
	}})
	p.members = gitlab.NewMemberships(client, gitlab.MembershipsConfig{Failed: func(err error) {
		log.Warn("reading people's rights failed", zap.NamedError("reason", err))
	}})
	tell := bot.NewTeller(api, s.SlackAPIURL, log.Named("bot"))
	people := bot.NewPeople(api, p.me.team, links, client)
	gate := &bot.Gate{
		Policy: rules.Current, People: people, Members: p.members, Projects: p.projects, Freezes: p.freezes, Audit: audit,
		Commits: client, BuildTypeVariable: s.BuildTypeVariable, Log: log.Named("gate"),
	}
	display := &bot.Display{
		API: api, Tell: tell, BotName: p.me.name,
		CardInterval: min(cardInterval, s.PollInterval), Budget: calls, Log: log.Named("bot"),
	}
	p.engine, err = run.NewEngine(ctx, conn, run.Config{
		GitLab: client, Projects: p.projects, Display: display, Gate: gate, Audit: audit, Log: log.Named("run"),
		BuildTypeVariable: s.BuildTypeVariable, PollInterval: s.PollInterval,
		StartTimeout: s.StartTimeout, StartSettle: s.StartSettle,
	})
	if err != nil {
		p.close()
		return nil, err
	}
	linking := bot.Linking{Links: links, Gate: gate, Tell: tell, Log: log.Named("link")}
	if s.OAuthClientID != "" {
		linking.Linker, err = gitlab.NewLinker(gitlab.LinkerConfig{URL: s.GitLabURL, ClientID: s.OAuthClientID, Observe: m.gitlab})
		if err != nil {
			p.close()
			return nil, err
		}
	}
	p.homes = bot.NewHomes(&bot.Homes{
		API: api, Gate: gate, History: p.engine.History(), Projects: p.projects, Lists: client, Linkable: linking.Possible(),
		Every: homeRounds * s.PollInterval, Log: log.Named("home"),
	})
	linking.Nudge = func(ctx context.Context, team, user string) {
		p.engine.Nudge(ctx, team, user)
		p.homes.Linked(team, user)
	}
	p.linking = bot.NewLinking(linking)
	handler := bot.New(bot.Config{
		API: api, Tell: tell, Runs: p.engine, History: p.engine.History(), Projects: p.projects, Refs: p.refs,
		GitLab: client, Pipelines: client, Lists: client, Tokens: client, Homes: p.homes, GitLabURL: s.GitLabURL,
		Gate: gate, Linking: p.linking, BuildTypes: s.BuildTypes, BuildTypeVariable: s.BuildTypeVariable, Log: log.Named("bot"),
	})
	p.socket = socket.New(socket.Config{
		AppToken: s.SlackAppToken, APIURL: s.SlackAPIURL, HTTP: web, Handle: handler.Handle, Log: log.Named("socket"),
		Connections: func(own, all int) {
			calls.Share(own, all)
			m.appConnections.Set(float64(all))
		},
	})
	return p, nil
}

func (p *parts) close() {
	p.refs.Close()
	p.members.Close()
}

// freezesWithin is how long it may take to learn what is frozen before people are
// served all the same, who then start nothing and are told why.
const freezesWithin = 5 * time.Second

// learnFreezes waits until it is known what is frozen: people who come before would be
// refused, and nothing is wrong.
func (p *parts) learnFreezes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freezesWithin)
	defer cancel()
	_ = p.freezes.Known(ctx) // where it fails, each decision says so
}

// keepPolicy keeps the policy file current until ctx ends, and says what is wrong with
// one that is not taken.
func (p *parts) keepPolicy(ctx context.Context, log *zap.Logger) {
	tick := time.NewTicker(policy.PollInterval)
	defer tick.Stop()
	p.rules.Keep(ctx, tick.C, func(err error) {
		p.mu.Lock()
		p.wrong = err
		p.mu.Unlock()
		if err != nil {
			log.Error("the policy file is not taken, the old one holds on", zap.Error(err))
			return
		}
		log.Info("the policy file is in force")
	})
}

// policyFault is why the policy file as it is now is not in force, or nil.
func (p *parts) policyFault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}
