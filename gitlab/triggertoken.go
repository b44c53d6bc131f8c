package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// TriggerToken lets whoever has it start pipelines of a project in its owner's name.
// https://docs.gitlab.com/api/pipeline_triggers/
type TriggerToken struct {
	ID          int64     `json:"id"`
	Description string    `json:"description,omitempty"`
	Owner       User      `json:"owner,omitzero"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	LastUsed    time.Time `json:"last_used,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	// Value is the token itself, which CreateTriggerToken alone returns.
	Value Secret `json:"value,omitempty"`
}

// triggerTokenAnswer decodes what client-go's type leaves out: expires_at.
type triggerTokenAnswer struct {
	ID          int64     `json:"id"`
	Description string    `json:"description"`
	Owner       User      `json:"owner"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	LastUsed    time.Time `json:"last_used"`
	ExpiresAt   time.Time `json:"expires_at"`
	Token       string    `json:"token"`
}

// described is the answer without the token: GitLab repeats it in full to its owner.
func (a triggerTokenAnswer) described() TriggerToken {
	return TriggerToken{
		ID: a.ID, Description: a.Description, Owner: a.Owner,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, LastUsed: a.LastUsed, ExpiresAt: a.ExpiresAt,
	}
}

// TriggerTokens reads every trigger token of a project, those of others too. It takes a
// Maintainer, as everything about trigger tokens does.
// https://docs.gitlab.com/api/pipeline_triggers/#list-project-trigger-tokens
func (c *Client) TriggerTokens(ctx context.Context, project int64) ([]TriggerToken, error) {
	const op = "listing trigger tokens"
	var tokens []TriggerToken
	err := eachPage(op, func(page int64) (last int64, more bool, err error) {
		var answers []triggerTokenAnswer
		resp, err := c.request(ctx, op, http.MethodGet, triggersPath(project), struct {
			Page    int64 `url:"page"`
			PerPage int   `url:"per_page"`
		}{page, perPage}, &answers)
		if err == nil {
			err = wholeList(op, resp, answers, func(a triggerTokenAnswer) bool { return a.ID > 0 })
		}
		if err != nil {
			return 0, false, err
		}
		for _, a := range answers {
			tokens = append(tokens, a.described())
			last = a.ID
		}
		return last, hasNext(resp), nil
	})
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// TriggerToken reads one trigger token of a project.
// https://docs.gitlab.com/api/pipeline_triggers/#get-trigger-token-details
func (c *Client) TriggerToken(ctx context.Context, project, id int64) (TriggerToken, error) {
	answer, err := c.triggerToken(ctx, "reading the trigger token", http.MethodGet, triggerPath(project, id), nil)
	return answer.described(), err
}

// CreateTriggerToken makes a trigger token of the access token's user. With a zero expires
// it does not end by itself. On an error of the kind Unclear it may exist, though nobody
// has its value: look for the description, and revoke it.
// https://docs.gitlab.com/api/pipeline_triggers/#create-a-trigger-token
func (c *Client) CreateTriggerToken(ctx context.Context, project int64, description string, expires time.Time) (TriggerToken, error) {
	const op = "creating a trigger token"
	answer, err := c.triggerToken(ctx, op, http.MethodPost, triggersPath(project), struct {
		Description string    `json:"description"`
		ExpiresAt   time.Time `json:"expires_at,omitzero"`
	}{description, expires})
	if err != nil {
		return TriggerToken{}, err
	}
	if answer.Token == "" {
		return TriggerToken{}, &Error{Op: op, Kind: Unclear, Status: http.StatusCreated, Message: "its answer holds no token"}
	}
	created := answer.described()
	created.Value = Secret(answer.Token)
	return created, nil
}

// RenameTriggerToken changes what a trigger token is described as. Only its owner may, and
// nothing else about a token can be changed.
// https://docs.gitlab.com/api/pipeline_triggers/#update-a-pipeline-trigger-token
func (c *Client) RenameTriggerToken(ctx context.Context, project, id int64, description string) (TriggerToken, error) {
	answer, err := c.triggerToken(ctx, "renaming the trigger token", http.MethodPut, triggerPath(project, id), struct {
		Description string `json:"description"`
	}{description})
	return answer.described(), err
}

// RevokeTriggerToken deletes a trigger token, for good. Pipelines that it started go on.
// https://docs.gitlab.com/api/pipeline_triggers/#remove-a-pipeline-trigger-token
func (c *Client) RevokeTriggerToken(ctx context.Context, project, id int64) error {
	return c.remove(ctx, "revoking the trigger token", triggerPath(project, id))
}

func (c *Client) triggerToken(ctx context.Context, op, method, path string, body any) (triggerTokenAnswer, error) {
	var answer triggerTokenAnswer
	resp, err := c.request(ctx, op, method, path, body, &answer)
	if err != nil {
		return triggerTokenAnswer{}, err
	}
	if err := named(op, resp, answer.ID, "trigger token"); err != nil {
		return triggerTokenAnswer{}, err
	}
	return answer, nil
}

func triggersPath(project int64) string { return fmt.Sprintf("projects/%d/triggers", project) }

func triggerPath(project, id int64) string {
	return fmt.Sprintf("projects/%d/triggers/%d", project, id)
}
