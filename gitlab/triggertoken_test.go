package gitlab_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

func TestTriggerTokens(t *testing.T) {
	gl := newInstance(t, nil)
	gl.app.AddMember(gl.user, gitlabtest.Maintainer)
	other := gl.AddUser("other")
	gl.app.AddMember(other, gitlabtest.Developer)
	for i := range 120 {
		gl.app.AddTriggerToken([]*gitlabtest.User{gl.user, other}[i%2], fmt.Sprint("token ", i))
	}
	got, err := gl.client.TriggerTokens(t.Context(), gl.project.ID)
	if err != nil || len(got) != 120 {
		t.Fatalf("%d tokens, %v", len(got), err)
	}
	for i, token := range got {
		want := gitlab.TriggerToken{
			ID: int64(i + 1), Description: fmt.Sprint("token ", i), Owner: account([]*gitlabtest.User{gl.user, other}[i%2]),
			CreatedAt: token.CreatedAt, UpdatedAt: token.UpdatedAt,
		}
		if diff := cmp.Diff(want, token); diff != "" || token.CreatedAt.IsZero() || token.UpdatedAt.IsZero() {
			t.Errorf("the token (-want +got):\n%s", diff)
		}
	}
	if n := len(gl.Requests()); n != 2 {
		t.Errorf("it took %d requests", n)
	}
	for _, v := range gl.Violations() {
		t.Error(v)
	}
}

// From its creation to its end, and its value is shown once.
func TestTriggerTokenLife(t *testing.T) {
	for _, expires := range []time.Time{{}, time.Date(2999, 12, 31, 12, 0, 0, 0, time.UTC)} {
		t.Run(fmt.Sprint(expires), func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.app.AddMember(gl.user, gitlabtest.Maintainer)
			created, err := gl.client.CreateTriggerToken(t.Context(), gl.project.ID, "nightly", expires)
			if err != nil {
				t.Fatal(err)
			}
			if created.Description != "nightly" || created.Owner != account(gl.user) || !created.ExpiresAt.Equal(expires) {
				t.Errorf("created %+v", created)
			}
			start := gl.start(false)
			start.TriggerToken = created.Value.Reveal()
			if _, err := gl.client.StartPipeline(t.Context(), start); err != nil {
				t.Errorf("it starts nothing: %v", err)
			}
			renamed, err := gl.client.RenameTriggerToken(t.Context(), gl.project.ID, created.ID, "hourly")
			if err != nil || renamed.Description != "hourly" || renamed.Value != "" {
				t.Errorf("renamed %+v, %v", renamed, err)
			}
			got, err := gl.client.TriggerToken(t.Context(), gl.project.ID, created.ID)
			if diff := cmp.Diff(renamed, got); diff != "" || err != nil || got.LastUsed.IsZero() {
				t.Errorf("read %+v, %v (-want +got):\n%s", got, err, diff)
			}
			if err := gl.client.RevokeTriggerToken(t.Context(), gl.project.ID, created.ID); err != nil {
				t.Error(err)
			}
			_, err = gl.client.StartPipeline(t.Context(), start)
			checkError(t, err, gitlab.Error{Op: "starting a pipeline", Kind: gitlab.NotFound, Status: 404})
		})
	}
}

func TestATriggerTokenWithoutAValue(t *testing.T) {
	gl := newInstance(t, nil)
	gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 201, Body: `{"id":7,"description":"nightly"}`})
	_, err := gl.client.CreateTriggerToken(t.Context(), gl.project.ID, "nightly", time.Time{})
	checkError(t, err, gitlab.Error{Op: "creating a trigger token", Status: 201, Message: "its answer holds no token"})
}

// However it is written down, it is not there.
func TestSecretIsNotShown(t *testing.T) {
	const value = "glptt-canary"
	token := gitlab.TriggerToken{ID: 7, Value: value}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%z"} {
		for _, v := range []any{token.Value, &token.Value, token, &token, []gitlab.Secret{value}, map[gitlab.Secret]gitlab.Secret{value: value}} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		for _, v := range []any{token.Value, token} {
			text, err := encode(v)
			if err != nil {
				t.Error(err)
			}
			shown = append(shown, string(text))
		}
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "token", token, "value", token.Value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("JSON", "token", token, "value", token.Value)
	shown = append(shown, log.String(), token.Value.String(), token.Value.GoString())
	for _, text := range shown {
		for _, part := range []string{"canary", fmt.Sprintf("%x", "canary"), fmt.Sprintf("%X", "canary")} {
			if strings.Contains(text, part) {
				t.Errorf("it is shown: %s", text)
			}
		}
	}
	if !slices.Contains(shown, "[redacted]") || token.Value.Reveal() != value {
		t.Errorf("%q reveals %q", shown[0], token.Value.Reveal())
	}
	text, err := json.Marshal(gitlab.TriggerToken{ID: 7})
	if err != nil || string(text) != `{"id":7}` {
		t.Errorf("without a value: %s, %v", text, err)
	}
}

// Some proxies let no header through whose name begins with X-.
func TestTriggerTokensByLinkAlone(t *testing.T) {
	gl := newInstance(t, nil)
	page := func(id int, link string) {
		gl.Fault(gitlabtest.Match{}, gitlabtest.Fault{
			Times: 1, Status: 200, Header: map[string][]string{"Link": {link}}, Body: fmt.Sprintf(`[{"id":%d}]`, id),
		})
	}
	page(1, `<https://gitlab.example.com/x?page=2>; rel="next"`)
	page(2, `<https://gitlab.example.com/x?page=1>; rel="first"`)
	got, err := gl.client.TriggerTokens(t.Context(), gl.project.ID)
	if err != nil || len(got) != 2 || got[0].ID != 1 || got[1].ID != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if requests := gl.Requests(); len(requests) != 2 || !strings.HasPrefix(requests[1].Query, "page=2") {
		t.Errorf("it was asked for %+v", requests)
	}
}
