package policy

import (
	"time"

	"pipebot/gitlab"
)

// Outcome is what was decided. The zero value refuses.
type Outcome uint8

// The outcomes, the strictest first.
const (
	Refuse Outcome = iota
	// NeedsApproval: it may be done once one of the Approvers has approved it.
	NeedsApproval
	Allow
)

func (o Outcome) String() string {
	switch o {
	case Allow:
		return "allow"
	case NeedsApproval:
		return "needs approval"
	default:
		return "refuse"
	}
}

// Why is what a decision rests on, as the audit log writes it.
type Why string

// What a decision can rest on.
const (
	// ByRule: a rule of the policy file says so, whatever the outcome.
	ByRule Why = "rule"
	// ByRole: the person's GitLab role suffices, or does not.
	ByRole Why = "role"
	// ByProtection: the ref is protected, and the person may not update it.
	ByProtection Why = "protection"
	// Frozen: a freeze stops it.
	Frozen Why = "frozen"
	// NotLinked: it is not known who they are in GitLab. Linking can cure it.
	NotLinked Why = "not_linked"
	// Doubtful: something could not be learned. Asking again later may help.
	Doubtful Why = "doubtful"
	// Outsider: a guest, or somebody of another workspace, whom no rule names.
	Outsider Why = "outsider"
	// NotAPerson: an app or a bot.
	NotAPerson Why = "not_a_person"
	// NoRule: AUTHZ=policy and no rule matches, or nothing here is to be approved.
	NoRule Why = "no_rule"
	// OpenMode: AUTHZ=open lets every full member.
	OpenMode Why = "open"
	// Always: what members may do for themselves.
	Always Why = "always"
	// Self: nobody approves what they asked for themselves.
	Self Why = "self"
	// Approver: they are among those who may approve it.
	Approver Why = "approver"
	// NotApprover: they are not.
	NotApprover Why = "not_approver"
)

// Decision is what Decide and MayApprove say. The zero value refuses.
type Decision struct {
	Outcome Outcome
	Why     Why

	// What was asked.
	Action  Action
	Project string
	Ref     gitlab.Ref

	// Rule is the name of the rule that decided, or one that tells which it is;
	// empty for none. Line is where it begins in the policy file.
	Rule string
	Line int
	// Reason is the rule's own.
	Reason string
	// Freeze is what stops it.
	Freeze *Freeze
	// Needs is the GitLab role that it takes, where one decided; Has is the person's.
	Needs gitlab.Role
	Has   gitlab.Role
	// Doubt is what is not known.
	Doubt string
	// Approvers may approve it, within Expires.
	Approvers People
	Expires   time.Duration
}

// because is the decision to refuse.
func (d Decision) because(why Why) Decision {
	d.Outcome, d.Why = Refuse, why
	return d
}

func (d Decision) doubting(c doubt) Decision {
	d.Doubt = c.text
	return d.because(c.why)
}

func (d Decision) allow(why Why) Decision {
	d.Outcome, d.Why = Allow, why
	return d
}

// by names the rule.
func (d Decision) by(r *rule) Decision {
	d.Rule, d.Line, d.Reason = r.name, r.line, r.reason
	return d
}
