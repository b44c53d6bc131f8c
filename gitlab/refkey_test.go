package gitlab_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pipebot/gitlab"
)

// keyLimit is what an option of a Slack select is sure to carry.
const keyLimit = 75

func TestKey(t *testing.T) {
	long := strings.Repeat("x", 74)
	for _, tt := range []struct {
		name string
		ref  gitlab.Ref
		want string
	}{
		{"a branch", gitlab.Ref{Kind: gitlab.Branch, Name: "main"}, "h:main"},
		{"a tag", gitlab.Ref{Kind: gitlab.Tag, Name: "v1"}, "t:v1"},
		{"the longest that fits", gitlab.Ref{Kind: gitlab.Branch, Name: long[:73]}, "h:" + long[:73]},
		{"a long branch", gitlab.Ref{Kind: gitlab.Branch, Name: long}, "H:3c06d605abf946a4:" + long[:56]},
		{"a long tag", gitlab.Ref{Kind: gitlab.Tag, Name: long}, "T:4ad58e266595188a:" + long[:56]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.ref.Key(keyLimit); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestResolveRefusesWhatIsNoKey(t *testing.T) {
	refs := gitlab.NewRefs(&fakeLister{}, gitlab.RefsConfig{})
	defer refs.Close()
	for _, key := range []string{"", "h:", "main", "x:main", "H:123:main", "H:0123456789abcdef"} {
		if ref, err := refs.Resolve(t.Context(), gitlab.Project{}, key); gitlab.KindOf(err) != gitlab.Invalid {
			t.Errorf("%q gave %v and %v", key, ref, err)
		}
	}
}

func TestResolveSaysThatARefIsGone(t *testing.T) {
	refs := gitlab.NewRefs(&fakeLister{}, gitlab.RefsConfig{})
	defer refs.Close()
	key := gitlab.Ref{Kind: gitlab.Branch, Name: strings.Repeat("x", 80)}.Key(keyLimit)
	if ref, err := refs.Resolve(t.Context(), gitlab.Project{}, key); !gitlab.IsNotFound(err) {
		t.Errorf("got %v and %v", ref, err)
	}
}

// FuzzKey holds every key to its length and its way back.
func FuzzKey(f *testing.F) {
	f.Add("main", false, uint8(75))
	f.Add("v1.2.3", true, uint8(75))
	f.Add(strings.Repeat("größe/", 20), false, uint8(75))
	f.Add(strings.Repeat("🚀", 37), true, uint8(75))
	f.Add("a$"+strings.Repeat("b", 90), false, uint8(75))
	f.Add("x\xff"+strings.Repeat("y", 90), false, uint8(19))
	f.Fuzz(func(t *testing.T, name string, tag bool, limit uint8) {
		if name == "" || limit < 19 {
			t.Skip("git has no empty names, and a hash needs 19 characters")
		}
		ref := gitlab.Ref{Kind: gitlab.Branch, Name: name}
		if tag {
			ref.Kind = gitlab.Tag
		}
		key := ref.Key(int(limit))
		if n := len(utf16.Encode([]rune(key))); n > int(limit) || !utf8.ValidString(key) {
			t.Fatalf("the key %q has %d characters, more than %d, or is not valid", key, n, limit)
		}
		refs := gitlab.NewRefs(&fakeLister{refs: []gitlab.Ref{{Kind: gitlab.Branch, Name: "other"}, ref}}, gitlab.RefsConfig{})
		defer refs.Close()
		// Cold first, then out of the index that learned it.
		for _, state := range []string{"cold", "warm"} {
			if got, err := refs.Resolve(t.Context(), gitlab.Project{ID: 1}, key); err != nil || got != ref {
				t.Fatalf("%s: %q became %v and %v, want %v", state, key, got, err, ref)
			}
		}
	})
}
