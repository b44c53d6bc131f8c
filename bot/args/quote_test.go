package args_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot/args"
)

func TestQuote(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{nil, ""},
		{[]string{"run", "group/app", "refs/heads/fix-1", "debug", "A=1"}, "run group/app refs/heads/fix-1 debug A=1"},
		{[]string{""}, `""`},
		{[]string{"A=one two"}, `"A=one two"`},
		{[]string{"--anyway", "-x", "—x"}, `"--anyway" "-x" "—x"`},
		{[]string{"A=$HOME", `A="b"`, `A=\`, "A='"}, `"A=$HOME" "A=\"b\"" "A=\\" "A='"`},
		{[]string{"A=“b”"}, `"A=\“b\”"`},
	} {
		if diff := cmp.Diff(test.want, args.Quote(test.words...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.words, diff)
		}
	}
}

// What was quoted is read as it was.
func FuzzQuote(f *testing.F) {
	for _, words := range [][2]string{
		{"main", "A=1"}, {"", " "}, {"--anyway", "--"}, {`\`, `"`}, {"“", "”"}, {"'", "‘’"}, {"a\nb", "\u2028"}, {"—x", "–"}, {`a\"b`, "A=\x00"},
	} {
		f.Add(words[0], words[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, "") // Slack sends nothing else
		line := args.Quote(a, b)
		got, err := args.Parse(line, []args.Option{{Name: "anyway"}})
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff([]string{a, b}, got.Words); diff != "" || got.Has("anyway") {
			t.Errorf("%s is read as (-want +got):\n%s", line, diff)
		}
	})
}
