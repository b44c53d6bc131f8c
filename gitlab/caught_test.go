package gitlab_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"pipebot/gitlab"
)

// mistaken is a GitLab whose every answer is a mistake in the program that reads it.
type mistaken struct{}

func mistake() { panic("a mistake") } //nolint:forbidigo // what work must not do

func (mistaken) RoundTrip(*http.Request) (*http.Response, error) {
	mistake()
	return nil, http.ErrNotSupported
}

func (mistaken) Member(context.Context, int64, int64) (gitlab.Role, error) {
	mistake()
	return gitlab.Owner, nil
}

func (mistaken) GroupMember(context.Context, int64, int64) (gitlab.Role, error) {
	return gitlab.NoAccess, nil
}

func (mistaken) Protected(context.Context, int64, gitlab.RefKind) (gitlab.Protections, error) {
	mistake()
	return gitlab.Protections{}, nil
}

// A mistake in what goes on in the background costs one answer, not the process.
func TestAPanicInTheBackgroundIsAnError(t *testing.T) {
	client := ask(t, "https://gitlab.example.com", mistaken{}).client
	var failed []string
	refs := gitlab.NewRefs(client, gitlab.RefsConfig{})
	members := gitlab.NewMemberships(mistaken{}, gitlab.MembershipsConfig{Failed: func(err error) { failed = append(failed, err.Error()) }})
	ctx, cancel := context.WithTimeout(t.Context(), typing)
	defer cancel()
	for what, do := range map[string]func() error{
		"typing": func() error { _, err := refs.Options(ctx, app, "main", 10); return err },
		"search": func() error { _, err := client.SearchRefs(ctx, app, "main", 10); return err },
		"a role": func() error { _, err := members.Role(ctx, 1, alice); return err },
		"a rule": func() error { _, err := members.Rights(ctx, 1, branch("main")); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "panicked: a mistake") || !strings.Contains(err.Error(), "caught_test.go") {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	refs.Close()
	members.Close()
	if len(failed) != 2 {
		t.Errorf("told of %d failures", len(failed))
	}
}
