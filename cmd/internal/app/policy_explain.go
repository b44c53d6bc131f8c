package app

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

// assumed is what somebody has said of a question, the person and the facts.
type assumed struct {
	file, mode, kind, role string
	protected, mayUpdate   bool

	question policy.Question
	person   policy.Person
	facts    policy.Facts
}

// policyTest explains a decision.
func policyTest(args []string, env map[string]string, stdout, stderr io.Writer) int {
	a := &assumed{mode: env["AUTHZ"], file: env["POLICY_FILE"]}
	if a.mode == "" {
		a.mode = string(policy.ModeGitLab)
	}
	rest, err := parseFlags(a.flags(), args)
	if err == nil {
		err = a.read(rest)
	}
	if err != nil {
		return misused(stderr, "%v", err)
	}
	p, code := openPolicy(a.file, stderr)
	if code != codeStopped {
		return code
	}
	p.Mode = policy.Mode(a.mode)
	a.link(p)
	explain(stdout, a, p.Decide(a.question, a.person, a.facts, time.Now()))
	return codeStopped
}

func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("pipebot policy", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // faults are told with our own usage
	return flags
}

// parseFlags reads options wherever they stand, and returns the other arguments.
func parseFlags(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

func (a *assumed) flags() *flag.FlagSet {
	flags := newFlags()
	flags.StringVar(&a.file, "file", a.file, "")
	flags.StringVar(&a.mode, "mode", a.mode, "")
	flags.StringVar(&a.kind, "kind", string(policy.Member), "")
	flags.StringVar(&a.role, "role", "", "")
	flags.BoolVar(&a.protected, "protected", false, "")
	flags.BoolVar(&a.mayUpdate, "may-update", false, "")
	flags.BoolVar(&a.question.Own, "own", false, "")
	flags.StringVar(&a.question.Channel, "channel", "", "")
	flags.Func("group", "", func(id string) error {
		a.person.Groups = append(a.person.Groups, id)
		return nil
	})
	a.question.Variables = make(map[string]string)
	flags.Func("variable", "", func(pair string) error {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return errors.New("it is not of the form KEY=VALUE")
		}
		a.question.Variables[key] = value
		return nil
	})
	return flags
}

// read takes the arguments that are no options, and what the options mean together.
func (a *assumed) read(args []string) error {
	const most = 5
	if len(args) < 2 || len(args) > most {
		return fmt.Errorf("policy test takes 2 to %d arguments, and got %d", most, len(args))
	}
	padded := slices.Concat(args, make([]string, most-len(args)))
	user, ref := padded[0], padded[3]
	if !policy.IsUserID(user) {
		return fmt.Errorf("%q is no Slack user id such as U012AB3CD; people are ids, never names", user)
	}
	a.question.Action, a.question.Project, a.question.BuildType = policy.Action(padded[1]), padded[2], padded[4]

	a.person.ID, a.person.Kind = user, policy.Kind(a.kind)
	if team, id, ok := strings.Cut(user, "/"); ok {
		a.person.Team, a.person.ID = team, id
	}
	if ref != "" {
		a.question.Ref = gitlab.Ref{Kind: gitlab.Branch, Name: ref}
		if full, err := gitlab.ParseRef(ref); err == nil {
			a.question.Ref = full
		}
	}
	a.facts.Protection = policy.Unprotected
	switch {
	case a.protected && a.mayUpdate:
		return errors.New("--protected and --may-update exclude each other")
	case a.protected:
		a.facts.Protection = policy.MayNot
	case a.mayUpdate:
		a.facts.Protection = policy.MayUpdate
	}
	return a.check()
}

// check finds what would be decided upon, and is not meant.
func (a *assumed) check() error {
	kinds := []policy.Kind{policy.Member, policy.Guest, policy.External}
	switch {
	case !slices.Contains(policy.Actions(), a.question.Action):
		return fmt.Errorf("%q is no action; the actions are %s", a.question.Action, words(policy.Actions()))
	case !slices.Contains(policy.Modes(), policy.Mode(a.mode)):
		return fmt.Errorf("%q is no mode (AUTHZ); the modes are %s", a.mode, words(policy.Modes()))
	case !slices.Contains(kinds, a.person.Kind):
		return fmt.Errorf("%q is no kind of person; the kinds are %s", a.kind, words(kinds))
	case a.role != "":
		role, ok := gitlab.ParseRole(a.role)
		if !ok {
			return fmt.Errorf("%q is no role; the roles are guest, planner, reporter, security_manager, developer, maintainer, owner", a.role)
		}
		a.facts.Role = role
	}
	return nil
}

func words[W ~string](known []W) string {
	var names []string
	for _, w := range known {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}

// link says who the person is in GitLab: whom the policy file names, or, with a role,
// somebody.
func (a *assumed) link(p *policy.Policy) {
	username, ok := p.GitLabUser(a.person)
	switch {
	case ok:
		a.person.Account = &policy.Account{Username: username}
	case a.role != "":
		a.person.Account = &policy.Account{Username: "(linked)"}
	}
	if ok && a.role == "" {
		a.facts.Doubt = "the role is not known without --role"
	}
}

// explain writes a decision for whoever writes the policy.
func explain(w io.Writer, a *assumed, d policy.Decision) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s "+format+"\n", append([]any{name + ":"}, args...)...)
	}
	line("outcome", "%s", d.Outcome)
	line("why", "%s", d.Why)
	if d.Rule != "" {
		line("rule", "%s (line %d)", d.Rule, d.Line)
	} else {
		line("rule", "none")
	}
	line("mode", "%s", a.mode)
	if account := a.person.Account; account != nil {
		line("in GitLab", "%s, role %s", account.Username, a.facts.Role)
	} else {
		line("in GitLab", "not linked")
	}
	if d.Outcome == policy.NeedsApproval {
		line("approvers", "%s, within %s", d.Approvers, d.Expires)
	}
	line("sentence", "%s", d.Sentence())
}
