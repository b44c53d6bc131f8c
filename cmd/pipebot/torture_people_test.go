package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"pipebot/bot/slacktest"
)

// What a request carries, by which its pipelines are known and end.
const (
	numberVariable = "REQUEST"
	endVariable    = "END"
)

// attention is how long somebody looks at a screen on which nothing happens.
const attention = 4 * time.Second

// goAbout does an errand.
func (t *town) goAbout(e errand) {
	t.count(string(e.does))
	switch e.does {
	case cancels:
		t.pressSome(e, "Cancel", slacktest.Confirm)
	case retries:
		t.pressSome(e, "Retry")
	case types:
		t.wished(e, t.typeRun(e), "")
	case fillsForm, doubleClicks:
		modal := t.fill(e)
		if modal == nil {
			return // nothing was asked for
		}
		t.wished(e, t.insist(e, modal), modal.ID())
	}
}

// wished notes what somebody knows of their request.
func (t *town) wished(e errand, a answer, run string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wishes = append(t.wishes, wish{key: fmt.Sprintf("%d/%s", e.number, t.people[e.who].ID), run: run, answer: a, at: time.Now()})
}

// fill opens the form and fills it in. A form that does not come, or does not offer what
// is wanted, is given up: nothing was asked for yet.
func (t *town) fill(e errand) *slacktest.Modal {
	who, project := t.people[e.who], t.projects[e.project]
	for range 5 {
		if old := who.OpenModal(); old != nil {
			_ = old.Close(t.ctx) // one that came late; it tells pipebot nothing
		}
		if who.Command(t.ctx, t.channels[e.where], "/pipeline", "") != nil {
			continue
		}
		modal := t.see(who)
		if modal == nil {
			continue
		}
		if modal.Value("Project") != project.Path && t.choose(modal, project.Path) != nil {
			continue
		}
		if modal.Choose(t.ctx, refField, refName(e.ref)) != nil {
			continue
		}
		if modal.Fill("Variables", fmt.Sprintf("%s=%d\n%s=%s", numberVariable, e.number, endVariable, e.ends)) == nil {
			return modal
		}
	}
	return nil
}

// see waits for a form, for as long as somebody would.
func (t *town) see(who *slacktest.User) *slacktest.Modal {
	ctx, cancel := context.WithTimeout(t.ctx, attention)
	defer cancel()
	modal, err := who.Modal(ctx)
	if err != nil {
		return nil
	}
	return modal
}

// choose chooses a project, and waits until the form follows.
func (t *town) choose(modal *slacktest.Modal, project string) error {
	if err := modal.Choose(t.ctx, "Project", project); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, attention)
	defer cancel()
	return modal.WaitUpdate(ctx, func(m *slacktest.Modal) bool { return strings.Contains(m.PrivateMetadata(), project) })
}

// insist submits a form as a person does: where Slack has trouble connecting, or pipebot
// is not certain or has to ask somebody who is away, they press Run again.
func (t *town) insist(e errand, modal *slacktest.Modal) answer {
	known := turnedAway
	for range 10 {
		result, err := t.press(modal, e.does == doubleClicks)
		text := modal.Text()
		switch {
		case result.Closed, strings.Contains(text, "submission was taken"):
			return taken
		case err != nil, result.Late, strings.Contains(text, "I am not certain"):
			known = uncertain
		}
	}
	return known
}

// press presses Run, once or twice.
func (t *town) press(modal *slacktest.Modal, twice bool) (slacktest.SubmitResult, error) {
	t.pressing.ring()
	if !twice {
		return modal.Submit(t.ctx)
	}
	var results [2]slacktest.SubmitResult
	var errs [2]error
	var both sync.WaitGroup
	for i := range results {
		both.Go(func() { results[i], errs[i] = modal.Submit(t.ctx) })
	}
	both.Wait()
	if errors.Is(errs[1], slacktest.ErrNotThere) || results[0].Closed { // the first click has closed it
		return results[0], errs[0]
	}
	return results[1], errs[1]
}

// typeRun types the command. Who gets no answer may have got a pipeline; to type it once
// more would be to ask for another one.
func (t *town) typeRun(e errand) answer {
	who, where := t.people[e.who], t.channels[e.where]
	before := len(told(who, where))
	t.pressing.ring()
	err := who.Command(t.ctx, where, "/pipeline", fmt.Sprintf("run %s %s debug %s=%d %s=%s --anyway",
		t.projects[e.project].Path, refName(e.ref), numberVariable, e.number, endVariable, e.ends))
	if err != nil {
		return uncertain
	}
	for _, text := range told(who, where)[before:] {
		if strings.Contains(text, "Starting") {
			return taken
		}
	}
	return uncertain
}

// told is what somebody reads in a channel that they alone see.
func told(who *slacktest.User, where *slacktest.Channel) []string {
	var texts []string
	for _, m := range where.Messages(who) {
		if m.Ephemeral {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// pressSome presses a button of the newest card that has it. What comes of that is seen
// on the card, whatever pipebot answers.
func (t *town) pressSome(e errand, button string, answers ...slacktest.Answer) {
	who, where := t.people[e.who], t.channels[e.where]
	var newest slacktest.Message
	for _, m := range where.Messages(who) {
		if _, there := m.Button(button); there {
			newest = m
		}
	}
	if newest.TS != "" {
		_ = who.Click(t.ctx, newest, button, answers...)
	}
}
