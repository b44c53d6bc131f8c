package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"
)

// SubmitResult is what came of pressing the submit button.
type SubmitResult struct {
	Closed bool              // this modal is gone; one below it may show now
	Errors map[string]string // what stands under the fields, by label; also when nothing was sent
	Late   bool              // the app did not answer in time: the modal stays, with "We had some trouble connecting"

	// ErrorsByBlock is Errors by block_id, for who goes by ids: User.SubmitView gives it, a Modal does not.
	ErrorsByBlock map[string]string
}

// Submit presses the submit button. Empty required fields and texts of a wrong length are refused before the
// app is told, as Slack does. The app's answer, a response_action, is then done
// (https://docs.slack.dev/surfaces/modals#response_actions).
func (m *Modal) Submit(ctx context.Context) (SubmitResult, error) {
	r, _, err := m.submit(ctx, false)
	return r, err
}

// SubmitTwice is Submit with the envelope delivered twice, as happens when Slack doubts that it arrived. The
// answer that comes first counts.
func (m *Modal) SubmitTwice(ctx context.Context) (SubmitResult, error) {
	r, _, err := m.submit(ctx, true)
	return r, err
}

// submit gives the errors by block_id, too.
func (m *Modal) submit(ctx context.Context, twice bool) (SubmitResult, map[string]string, error) {
	s := m.u.s
	var refused, byBlock map[string]string
	answer, err := s.ask(ctx, "interactive", true, func() (obj, error) {
		if _, err := m.where(); err != nil {
			return nil, err
		}
		if m.v.definition["submit"] == nil {
			return nil, fmt.Errorf("a submit button: %w", ErrNotThere)
		}
		m.v.errors, m.v.notice = m.v.incomplete(), ""
		s.changed()
		if len(m.v.errors) > 0 {
			refused, byBlock = m.v.labeled(), maps.Clone(m.v.errors)
			return nil, errDismissed
		}
		if twice {
			s.socket.twice++
		}
		return s.submissionPayload(m.v), nil
	})
	if errors.Is(err, errDismissed) {
		return SubmitResult{Errors: refused}, byBlock, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrNotDispatched) {
		m.v.notice = trouble
		s.changed()
		return SubmitResult{Late: true, Closed: m.v.closed}, nil, nil
	}
	if err != nil {
		return SubmitResult{}, nil, fmt.Errorf("submitting: %w", err)
	}
	if problems := s.applyResponseAction(m.v, answer); len(problems) > 0 {
		s.violate(BadAnswer, "view_submission: %s", strings.Join(problems, "; "))
		m.v.notice = trouble
		s.changed()
		return SubmitResult{}, nil, fmt.Errorf("submitting: %w", ErrBadAnswer)
	}
	return SubmitResult{Closed: m.v.closed, Errors: m.v.labeled()}, maps.Clone(m.v.errors), nil
}

// incomplete finds what Slack's client does not let through.
func (v *view) incomplete() map[string]string {
	out := map[string]string{}
	for _, f := range findAll(v.blocks(), func(f found) bool { return str(f.block["type"]) == "input" }) {
		value := v.state.get(f.blockID(), f.element)
		text, isText := value.(string)
		chosen, isList := value.([]any)
		n := utf8.RuneCountInString(text)
		most, limited := f.element["max_length"].(float64)
		switch {
		case value == nil, isText && text == "", isList && len(chosen) == 0:
			if !truth(f.block["optional"]) {
				out[f.blockID()] = "Please complete this required field."
			}
		case isText && n < int(number(f.element["min_length"])):
			out[f.blockID()] = fmt.Sprintf("Please enter at least %d characters.", int(number(f.element["min_length"])))
		case isText && limited && n > int(most):
			out[f.blockID()] = fmt.Sprintf("Please enter at most %d characters.", int(most))
		}
	}
	return out
}

// labeled are the errors by the labels of their fields.
func (v *view) labeled() map[string]string {
	if len(v.errors) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, b := range v.blocks() {
		if text, there := v.errors[str(b["block_id"])]; there {
			out[textOf(b["label"])] = text
		}
	}
	return out
}

// applyResponseAction does what the app answered to a view_submission and returns what is wrong with that.
func (s *Server) applyResponseAction(v *view, answer json.RawMessage) []string {
	if answer == nil {
		s.shut(v)
		return nil
	}
	var a obj
	if json.Unmarshal(answer, &a) != nil {
		return []string{fmt.Sprintf("not an object: %.200s", answer)}
	}
	for _, name := range sortedKeys(a) {
		if name != "response_action" && name != "errors" && name != "view" {
			return []string{"invalid additional property: " + name}
		}
	}
	switch action := str(a["response_action"]); action {
	case "clear":
		s.shutAll(v.user)
		return nil
	case "errors":
		return s.applyErrors(v, object(a["errors"]))
	case "update", "push":
		if problems := s.kit.checkView(a["view"], "modal"); len(problems) > 0 {
			return problems
		}
		switch {
		case action == "update":
			s.define(v, object(a["view"]))
		case len(s.stacks[v.user.ID]) >= maxStack:
			return []string{"push_limit_reached"}
		default:
			s.open(v.user, object(a["view"]))
		}
		return nil
	default:
		return []string{fmt.Sprintf("unknown response_action %q", action)}
	}
}

// applyErrors puts errors under input blocks; Slack accepts them nowhere else.
func (s *Server) applyErrors(v *view, errs obj) []string {
	inputs := map[string]bool{}
	for _, b := range v.blocks() {
		inputs[str(b["block_id"])] = str(b["type"]) == "input"
	}
	var problems []string
	shown := map[string]string{}
	for _, id := range sortedKeys(errs) {
		text := str(errs[id])
		switch {
		case !inputs[id]:
			problems = append(problems, fmt.Sprintf("errors: %q is not the block_id of an input block of the view", id))
		case text == "":
			problems = append(problems, fmt.Sprintf("errors: %q has no text", id))
		}
		shown[id] = text
	}
	if len(errs) == 0 {
		problems = append(problems, "errors: there is none")
	}
	if len(problems) == 0 {
		v.errors = shown
		s.changed()
	}
	return problems
}
