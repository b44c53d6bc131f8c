package args_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/args"
)

func options() []args.Option {
	return []args.Option{
		{Name: "status", Value: "STATUS", Help: "in this status"},
		{Name: "mine", Help: "started by me"},
	}
}

func TestParse(t *testing.T) {
	type typed struct {
		Words  []string
		Status string
		Mine   bool
	}
	tests := map[string]typed{
		"":                              {},
		"  \t ":                         {},
		"group/app main":                {Words: []string{"group/app", "main"}},
		"--status failed main":          {Words: []string{"main"}, Status: "failed"},
		"main --status=failed --mine":   {Words: []string{"main"}, Status: "failed", Mine: true},
		"—status failed –mine":          {Status: "failed", Mine: true},
		"--Status failed":               {Status: "failed"},
		"--status= main":                {Words: []string{"main"}},
		"-- --mine":                     {Words: []string{"--mine"}},
		`"--mine"`:                      {Words: []string{"--mine"}},
		`NOTE="two words"`:              {Words: []string{"NOTE=two words"}},
		"NOTE=“two words”":              {Words: []string{"NOTE=two words"}},
		"„so’s“ ‘two words’":            {Words: []string{"so’s", "two words"}},
		`a\ b 'c\d' "e\"f" "g\h"`:       {Words: []string{"a b", `c\d`, `e"f`, `g\h`}},
		`"" ''`:                         {Words: []string{"", ""}},
		"$HOME *.go `ls` $(ls) # a > b": {Words: []string{"$HOME", "*.go", "`ls`", "$(ls)", "#", "a", ">", "b"}},
		`ends\`:                         {Words: []string{`ends\`}},
		"-m":                            {Words: []string{"-m"}},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			line, err := args.Parse(text, options())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, typed{line.Words, line.Value("status"), line.Has("mine")}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	tests := map[string]args.Error{
		"--stauts failed":     {Text: "I do not know the option --stauts.", Meant: "--status"},
		"--weather":           {Text: "I do not know the option --weather."},
		"main --status":       {Text: "--status wants a value.", Meant: "--status STATUS"},
		"--mine=yes":          {Text: "--mine takes no value."},
		"--mine --mine":       {Text: "--mine is there twice."},
		`NOTE="two words`:     {Text: `The quote that begins at "two words has no end.`},
		"it's a long story b": {Text: "The quote that begins at 's a long st… has no end."},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			_, err := args.Parse(text, options())
			fault, ok := errors.AsType[*args.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(want, *fault); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is put into quotes comes out as it was, and no text makes Parse fail in another
// way than with an Error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "group/app main debug A=1", `NOTE="two words" --status failed`, "—mine", `\`, `"`, "'", "“a”", "-- --mine"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := args.Parse(text, options()); err != nil {
			if _, ok := errors.AsType[*args.Error](err); !ok {
				t.Fatalf("%v is no Error", err)
			}
		}
		text = strings.ToValidUTF8(text, "")
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "“", `\“`, "”", `\”`).Replace(text) + `"`
		words, err := args.Split(quoted)
		if err != nil || len(words) != 1 || words[0].String() != text {
			t.Errorf("%q became %q, %v", quoted, words, err)
		}
	})
}
