package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"pipebot/bot"
	"pipebot/gitlab"
)

// longRefs are refs that fit into no option, and come near to each other.
func longRefs() []gitlab.Ref {
	var refs []gitlab.Ref
	for _, kind := range []gitlab.RefKind{gitlab.Branch, gitlab.Tag} {
		for _, name := range []string{
			"main",
			strings.Repeat("a", 73), strings.Repeat("a", 74), strings.Repeat("a", 75), strings.Repeat("a", 76),
			"feature/" + strings.Repeat("very-", 40) + "long",
			"feature/" + strings.Repeat("very-", 40) + "lone",
			strings.Repeat("漢", 83),
			strings.Repeat("👩", 62),
			strings.Repeat("<&>", 80),
			"a\u202eb",
		} {
			refs = append(refs, gitlab.Ref{Kind: kind, Name: name})
		}
	}
	return refs
}

func TestRefOptionFitsAndLeadsBack(t *testing.T) {
	all := longRefs()
	refs := gitlab.NewRefs(listed(all), gitlab.RefsConfig{})
	t.Cleanup(refs.Close)
	seen := make(map[string]gitlab.Ref)
	for _, ref := range all {
		option := bot.RefOption(ref)
		if n := utf8.RuneCountInString(option.Text.Text); n > bot.OptionSize || n == 0 {
			t.Errorf("the text of %s has %d characters", ref, n)
		}
		if n := utf8.RuneCountInString(option.Value); n > bot.ValueSize {
			t.Errorf("the value of %s has %d characters", ref, n)
		}
		if other, twice := seen[option.Value]; twice {
			t.Errorf("%s and %s have one value", ref, other)
		}
		seen[option.Value] = ref
		got, err := refs.Resolve(t.Context(), gitlab.Project{ID: 7}, option.Value)
		if err != nil || got != ref {
			t.Errorf("the value of %s leads to %s (%v)", ref, got, err)
		}
	}
}

func TestRefOptionShortensTheMiddle(t *testing.T) {
	option := bot.RefOption(gitlab.Ref{Kind: gitlab.Branch, Name: "feature/" + strings.Repeat("very-", 40) + "long"})
	if text := option.Text.Text; !strings.HasPrefix(text, "feature/very-") || !strings.HasSuffix(text, "-very-long") || !strings.Contains(text, "…") {
		t.Errorf("it reads %q", text)
	}
}

// listed is a GitLab that has these refs and can search among them.
type listed []gitlab.Ref

func (l listed) Project(context.Context, string) (gitlab.Project, error) {
	return gitlab.Project{}, nil
}

func (l listed) BranchNames(context.Context, gitlab.Project) ([]string, error) { return nil, nil }

func (l listed) TagNames(context.Context, gitlab.Project) ([]string, error) { return nil, nil }

func (l listed) NewestBranches(context.Context, gitlab.Project) ([]string, error) { return nil, nil }

func (l listed) NewestTags(context.Context, gitlab.Project) ([]string, error) { return nil, nil }

func (l listed) SearchRefs(_ context.Context, _ gitlab.Project, text string, _ int) ([]gitlab.Ref, error) {
	var found []gitlab.Ref
	for _, ref := range l {
		if strings.HasPrefix(ref.Name, strings.TrimPrefix(text, "^")) {
			found = append(found, ref)
		}
	}
	return found, nil
}

// many are so many refs of a kind whose names are as long as git lets them be.
func many(kind gitlab.RefKind, count int, letter string) []gitlab.Ref {
	refs := make([]gitlab.Ref, count)
	for i := range refs {
		refs[i] = gitlab.Ref{Kind: kind, Name: fmt.Sprintf("%03d/%s", i, strings.Repeat(letter, 240/len(letter)))}
	}
	return refs
}

func TestRefGroupsFitIntoAnAnswer(t *testing.T) {
	const most = 20_480 // Slack drops a larger acknowledgement
	for name, letter := range map[string]string{"ASCII": "a", "three bytes": "漢", "four bytes": "👩", "six as JSON": "<"} {
		t.Run(name, func(t *testing.T) {
			groups := bot.RefGroups(many(gitlab.Branch, bot.ShownOfKind, letter), many(gitlab.Tag, bot.ShownOfKind, letter))
			frame := toJSON(t, socketmode.Response{EnvelopeID: strings.Repeat("e", 36), Payload: groups})
			if len(frame) > most {
				t.Errorf("the acknowledgement has %d bytes", len(frame))
			}
			counts := make(map[string]int)
			for _, group := range groups.OptionGroups {
				counts[group.Label.Text] = len(group.Options)
			}
			if counts["Branches"] < 10 || counts["Tags"] < 10 {
				t.Errorf("it offers %v", counts)
			}
		})
	}
}

func TestRefGroups(t *testing.T) {
	branches := []gitlab.Ref{{Kind: gitlab.Branch, Name: "main"}, {Kind: gitlab.Branch, Name: "v1"}}
	tags := []gitlab.Ref{{Kind: gitlab.Tag, Name: "v1"}}
	for _, test := range []struct {
		name           string
		branches, tags []gitlab.Ref
		want           string
	}{
		{"both", branches, tags, "Branches: main=h:main v1=h:v1; Tags: v1=t:v1"},
		{"no tags", branches, nil, "Branches: main=h:main v1=h:v1"},
		{"no branches", nil, tags, "Tags: v1=t:v1"},
		{"neither", nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := offered(bot.RefGroups(test.branches, test.tags)); got != test.want {
				t.Errorf("it offers %q, want %q", got, test.want)
			}
		})
	}
}

func offered(response slack.OptionGroupsResponse) string {
	var groups []string
	for _, group := range response.OptionGroups {
		text := group.Label.Text + ":"
		for _, option := range group.Options {
			text += " " + option.Text.Text + "=" + option.Value
		}
		groups = append(groups, text)
	}
	return strings.Join(groups, "; ")
}

func TestWithRecent(t *testing.T) {
	branch := func(names ...string) (refs []gitlab.Ref) {
		for _, name := range names {
			refs = append(refs, gitlab.Ref{Kind: gitlab.Branch, Name: name})
		}
		return refs
	}
	tag := func(names ...string) (refs []gitlab.Ref) {
		for _, name := range names {
			refs = append(refs, gitlab.Ref{Kind: gitlab.Tag, Name: name})
		}
		return refs
	}
	for _, test := range []struct {
		name                   string
		branches, tags, recent []gitlab.Ref
		defaultBranch          string
		wantBranches, wantTags []gitlab.Ref
	}{
		{
			name:     "default branch, own recent ones, newest",
			branches: branch("main", "new", "older"), tags: tag("v2", "v1"),
			recent: append(branch("mine", "older"), tag("v1")...), defaultBranch: "main",
			wantBranches: branch("main", "mine", "older", "new"), wantTags: tag("v1", "v2"),
		},
		{
			name:     "the default branch is a recent one too",
			branches: branch("main", "new"), recent: branch("mine", "main"), defaultBranch: "main",
			wantBranches: branch("main", "mine", "new"),
		},
		{
			name:     "no default branch",
			branches: branch("new"), recent: branch("mine"),
			wantBranches: branch("mine", "new"),
		},
		{
			name:     "a branch and a tag of one name are two",
			branches: branch("v1"), tags: tag("v1"), recent: tag("v1"),
			wantBranches: branch("v1"), wantTags: tag("v1"),
		},
		{
			name: "nothing is known but the recent ones", recent: branch("mine"),
			wantBranches: branch("mine"),
		},
		{
			name:     "no more than are shown",
			branches: many(gitlab.Branch, bot.ShownOfKind+5, "b"), tags: many(gitlab.Tag, bot.ShownOfKind+5, "t"), defaultBranch: "main",
			wantBranches: append(branch("main"), many(gitlab.Branch, bot.ShownOfKind-1, "b")...),
			wantTags:     many(gitlab.Tag, bot.ShownOfKind, "t"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			branches, tags := bot.WithRecent(test.branches, test.tags, test.recent, test.defaultBranch)
			if diff := cmp.Diff(test.wantBranches, branches); diff != "" {
				t.Errorf("branches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.wantTags, tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}
