package policy

import "pipebot/gitlab"

// Action is something that people ask of pipebot.
type Action string

// Everything that can be asked.
const (
	ActionRun    Action = "run"    // start a pipeline
	ActionCancel Action = "cancel" // cancel one
	ActionRetry  Action = "retry"  // retry what failed in one
	ActionPlay   Action = "play"   // start a manual job
	ActionDelete Action = "delete" // delete a pipeline
	ActionView   Action = "view"   // list pipelines, see one, follow one
	// ActionVariables is reading the values of a pipeline's variables.
	ActionVariables Action = "variables"
	// ActionTokens is all that is done to trigger tokens, listing them too.
	ActionTokens Action = "tokens"
	// ActionApprove is approving or refusing another one's request; see MayApprove.
	ActionApprove  Action = "approve"
	ActionFreeze   Action = "freeze"
	ActionUnfreeze Action = "unfreeze"
	ActionAudit    Action = "audit" // read who did what
	// ActionLink is what people do for themselves: link, unlink, can-i, help.
	ActionLink Action = "link"
)

// Actions are all actions.
func Actions() []Action {
	var actions []Action
	for _, t := range traits() {
		actions = append(actions, t.action)
	}
	return actions
}

// Approvable are the actions that a rule can have a second person approve: those
// that start something or cannot be undone. Stopping a pipeline must not wait.
func Approvable() []Action {
	var actions []Action
	for _, t := range traits() {
		if t.approvable {
			actions = append(actions, t.action)
		}
	}
	return actions
}

// traits is what has to be known of each action.
func traits() []trait {
	return []trait{
		{
			action: ActionRun, phrase: "run a pipeline", needs: gitlab.Developer,
			pipeline: true, updates: true, freezes: true, approvable: true,
		},
		{action: ActionCancel, phrase: "cancel a pipeline", needs: gitlab.Developer, pipeline: true, updates: true},
		{
			action: ActionRetry, phrase: "retry a pipeline", needs: gitlab.Developer,
			pipeline: true, updates: true, freezes: true, approvable: true,
		},
		{
			action: ActionPlay, phrase: "start a manual job", needs: gitlab.Developer,
			pipeline: true, updates: true, freezes: true, approvable: true,
		},
		{action: ActionDelete, phrase: "delete a pipeline", needs: gitlab.Owner, pipeline: true, approvable: true},
		{action: ActionView, phrase: "see pipelines", needs: gitlab.Reporter},
		{action: ActionVariables, phrase: "read the variables of a pipeline", needs: gitlab.Maintainer, pipeline: true},
		{action: ActionTokens, phrase: "manage trigger tokens", needs: gitlab.Maintainer},
		{action: ActionApprove, phrase: "approve what others ask for", pipeline: true},
		{action: ActionFreeze, phrase: "freeze", needs: gitlab.Maintainer, wide: true, byPattern: true},
		{action: ActionUnfreeze, phrase: "unfreeze", needs: gitlab.Maintainer, wide: true, byPattern: true},
		{action: ActionAudit, phrase: "read the audit log", needs: gitlab.Maintainer, wide: true},
		{action: ActionLink, phrase: "use me"},
	}
}

type trait struct {
	action Action
	// phrase goes on after "you may".
	phrase string
	// needs is the least role in GitLab: https://docs.gitlab.com/user/permissions/.
	// GitLab knows no freezes and no audit of ours; those are for who keeps a project.
	needs gitlab.Role
	// pipeline: it is about one pipeline, so it has a ref, a build type and variables.
	pipeline bool
	// updates: on a protected ref, GitLab wants the right to update it as well.
	updates bool
	// freezes: a freeze stops it.
	freezes bool
	// approvable: a rule can have it approved.
	approvable bool
	// wide: it can be about all projects at once.
	wide bool
	// byPattern: its ref is a pattern; none means all refs.
	byPattern bool
}

func traitOf(action Action) (trait, bool) {
	for _, t := range traits() {
		if t.action == action {
			return t, true
		}
	}
	return trait{}, false
}
