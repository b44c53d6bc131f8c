package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/bot"
	"pipebot/gitlab"
)

// aBot has two projects, of which GitLab's path of one differs from the settings' name.
func aBot() *bot.Bot {
	return bot.New(bot.Config{
		Projects: &fakeProjects{names: []string{"group/app", "12345"}, known: map[string]gitlab.Project{"12345": {ID: 12345, Path: "group/api"}}},
		History:  &fakeHistory{last: map[string]string{"C0API": "12345"}}, BuildTypes: []string{"debug", "release"}, BuildTypeVariable: "BUILD_TYPE",
	})
}

func TestParseRun(t *testing.T) {
	const inOrder = " Write the project, the branch or tag, and the build type, in that order."
	for _, test := range []struct {
		name, text, channel string
		want                bot.TypedRun
		fault               string
	}{
		{name: "a ref", text: "main", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "debug"}},
		{name: "a ref, where another project was used last", text: "main", channel: "C0API", want: bot.TypedRun{Project: "12345", Ref: "main", BuildType: "debug"}},
		{name: "a project", text: "group/api main", want: bot.TypedRun{Project: "12345", Ref: "main", BuildType: "debug"}},
		{name: "a project by its name in the settings", text: "12345 main", want: bot.TypedRun{Project: "12345", Ref: "main", BuildType: "debug"}},
		{name: "a project in another case", text: "Group/App main", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "debug"}},
		{name: "a build type", text: "main release", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "release"}},
		{name: "a build type as a telephone writes it", text: "main Release", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "release"}},
		{name: "everything", text: `group/app main release A=1 B="two words" C=x=y --anyway`, want: bot.TypedRun{
			Project: "group/app", Ref: "main", BuildType: "release", Variables: map[string]string{"A": "1", "B": "two words", "C": "x=y"}, Anyway: true,
		}},
		{name: "the option first", text: "--anyway main", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "debug", Anyway: true}},
		{name: "an option with a dash", text: "main —anyway", want: bot.TypedRun{Project: "group/app", Ref: "main", BuildType: "debug", Anyway: true}},
		{name: "a file", text: "main CONFIG=@ A=1", want: bot.TypedRun{
			Project: "group/app", Ref: "main", BuildType: "debug", Variables: map[string]string{"A": "1"}, Files: []string{"CONFIG"},
		}},
		{name: "a ref in full with a =", text: "refs/heads/a=b release", want: bot.TypedRun{Project: "group/app", Ref: "refs/heads/a=b", BuildType: "release"}},
		{name: "a value of markup", text: `main "A=<!channel> $B"`, want: bot.TypedRun{
			Project: "group/app", Ref: "main", BuildType: "debug", Variables: map[string]string{"A": "<!channel> $B"},
		}},

		{name: "nothing", text: "", fault: "Which branch or tag?"},
		{name: "a project alone", text: "group/app", fault: "Which branch or tag?"},
		{name: "variables alone", text: "A=1", fault: "Which branch or tag?"},
		{name: "a mistyped build type", text: "main relase", fault: "There is no build type relase. Did you mean release?"},
		{name: "no build type", text: "main nightly", fault: "There is no build type nightly. There are: debug, release."},
		{name: "a mistyped project", text: "group/ap main", fault: "I know no project group/ap. Did you mean group/app?"},
		{name: "no project", text: "else/where main release", fault: "I know no project else/where." + inOrder},
		{name: "too much", text: "group/app main release twice", fault: "I know no project main." + inOrder},
		{name: "a mistyped option", text: "main --anway", fault: "I do not know the option --anway. Did you mean --anyway?"},
		{name: "a word behind a variable", text: "main A=one two", fault: "two stands behind a variable. The project, the ref and the build type come first, and a value with spaces needs quotes."},
		{name: "an open quote", text: `main A="one`, fault: `The quote that begins at "one has no end.`},
		{name: "a key twice", text: "main A=1 A=2", fault: "A: this key is there twice, keep one"},
		{name: "a value and a file", text: "main A=1 A=@", fault: "A: this key is there twice, keep one"},
		{name: "the build type as a variable", text: "main BUILD_TYPE=release", fault: "BUILD_TYPE: this is the build type, which has its own place"},
		{name: "our own key", text: "main PIPEBOT_USER=x", fault: "PIPEBOT_USER: keys that start with PIPEBOT_ are set by me"},
		{name: "a value of two lines", text: "main \"A=1\n2\"", fault: "A: a value is one line; for more write KEY=@"},
		{name: "an empty value", text: "main A=", fault: "A: a value is missing, write KEY=VALUE"},
		{name: "eleven files", text: "main" + strings.Join([]string{"", "A=@", "B=@", "C=@", "D=@", "E=@", "F=@", "G=@", "H=@", "I=@", "J=@", "K=@"}, " "), fault: "K: a form has at most 10 files"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, fault := bot.ParseRun(aBot(), test.text, test.channel)
			if fault != test.fault {
				t.Errorf("the fault is %q, want %q", fault, test.fault)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); fault == "" && diff != "" {
				t.Errorf("it is read as (-want +got):\n%s", diff)
			}
		})
	}
}

// A button does what typing its command would: what was read is written, and read as the
// same again.
func FuzzRunLine(f *testing.F) {
	for _, text := range []string{
		"main", "group/api main release A=1 --anyway", `main "B=two words" C='"'`, "refs/tags/v=1 'D=\\'", `"--anyway" E=“x”`, "\u2028 F=\x00", "main G=--x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := aBot()
		first, fault := bot.ParseRun(b, strings.ToValidUTF8(text, ""), "")
		if fault != "" || len(first.Files) > 0 {
			return
		}
		ref := gitlab.Ref{Kind: gitlab.Tag, Name: first.Ref}
		line, ok := strings.CutPrefix(first.Line(ref, first.Anyway), "run ")
		if !ok {
			t.Fatalf("the line is %q", line)
		}
		want := first
		want.Ref = ref.String()
		got, fault := bot.ParseRun(b, line, "C0API")
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || fault != "" {
			t.Errorf("%s is read as %s (-want +got):\n%s", line, fault, diff)
		}
	})
}

func TestFilesAsked(t *testing.T) {
	for _, test := range []struct {
		text, faults string
		want         []string
	}{
		{"A=1", "", nil},
		{"CONFIG=@\nA=1\nB = @", "", []string{"CONFIG", "B"}},
		{"A=@@\nB=x@", "", nil},
		{"A=@\nA=@", "A: this key is there twice, keep one", []string{"A"}},
		{"A=@\nA=1", "A: this key is there twice, keep one", []string{"A"}},
		{strings.Repeat("K", 201) + "=@", strings.Repeat("K", 74) + "…: this key is too long for a file", nil},
	} {
		got, faults := bot.FilesAsked(test.text, "BUILD_TYPE")
		if diff := cmp.Diff(test.want, got); diff != "" || faults != test.faults {
			t.Errorf("%q: %q (-want +got):\n%s", test.text, faults, diff)
		}
	}
}
