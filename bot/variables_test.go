package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pipebot/bot"
)

func TestParseVariables(t *testing.T) {
	const (
		noValue = ": a value is missing, write KEY=VALUE"
		badKey  = ": a key has letters, digits and _ only, and starts with no digit"
	)
	for _, test := range []struct {
		name, text string
		want       map[string]string
		faults     string
	}{
		{name: "nothing", want: map[string]string{}},
		{name: "blank lines", text: "\n  \n\t\n", want: map[string]string{}},
		{name: "one", text: "APP_ENV=staging", want: map[string]string{"APP_ENV": "staging"}},
		{name: "several", text: "A=1\n\n_b2=2\n", want: map[string]string{"A": "1", "_b2": "2"}},
		{name: "Windows line ends", text: "A=1\r\nB=2\r\n", want: map[string]string{"A": "1", "B": "2"}},
		{name: "spaces around", text: "  A = 1 \n\tB=\t2", want: map[string]string{"A": "1", "B": "2"}},
		{name: "spaces inside", text: "A=one two  three", want: map[string]string{"A": "one two  three"}},
		{name: "values with =", text: "A=b=c==", want: map[string]string{"A": "b=c=="}},
		{name: "values with marks", text: `A="x" $B <!channel> #no comment`, want: map[string]string{"A": `"x" $B <!channel> #no comment`}},
		{name: "keys that differ in case", text: "a=1\nA=2", want: map[string]string{"a": "1", "A": "2"}},
		{name: "the same value twice", text: "A=1\nB=1", want: map[string]string{"A": "1", "B": "1"}},

		{name: "no value", text: "APP_ENV", faults: "APP_ENV" + noValue},
		{name: "an empty value", text: "APP_ENV=", faults: "APP_ENV" + noValue},
		{name: "a value of spaces", text: "APP_ENV=   \nA=1", faults: "APP_ENV" + noValue},
		{name: "no key", text: "=staging", faults: "A key is missing, write KEY=VALUE"},
		{name: "key with a digit first", text: "1A=x", faults: "1A" + badKey},
		{name: "key with a dash", text: "APP-ENV=x", faults: "APP-ENV" + badKey},
		{name: "key with a space", text: "APP ENV=x", faults: "APP ENV" + badKey},
		{name: "key of other letters", text: "ÄPP=x", faults: "ÄPP" + badKey},
		{name: "shell syntax", text: "export A=1", faults: "export A" + badKey},
		{name: "the build type's own key", text: "BUILD_TYPE=release", faults: "BUILD_TYPE: this is the build type, which has its own place"},
		{name: "our own prefix", text: "PIPEBOT_RUN_ID=x", faults: "PIPEBOT_RUN_ID: keys that start with PIPEBOT_ are set by me"},
		{name: "a key twice", text: "A=1\nB=2\nA=1", faults: "A: this key is there twice, keep one"},
		{name: "all faults at once", text: "A=1\nB\n2C=3\nA=2", faults: "B" + noValue + "\n2C" + badKey + "\nA: this key is there twice, keep one"},
		{name: "a long key", text: strings.Repeat("k-", 60) + "=x", faults: strings.Repeat("k-", 37) + "…" + badKey},
		{name: "a key that would turn the line around", text: "A\u202eB=x", faults: "A\ufffdB" + badKey},
		{
			name: "more faults than can be shown", text: strings.Repeat("A\n", 12),
			faults: strings.Repeat("A"+noValue+"\n", 10) + "and 2 more",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, faults := bot.ParseVariables(test.text, "BUILD_TYPE")
			if diff := cmp.Diff(test.faults, faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
}

// What can be typed into the field is 3,000 characters, and an acknowledgement over
// 20,480 bytes is dropped.
func TestParseVariablesFaultsFitIntoAnAnswer(t *testing.T) {
	for name, line := range map[string]string{
		"many lines":      "x",
		"long lines":      strings.Repeat("<", 149),
		"lines of emojis": strings.Repeat("👩", 100),
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(line+"\n", 3000/utf8.RuneCountInString(line+"\n"))
			_, faults := bot.ParseVariables(text, "BUILD_TYPE")
			if size := len(toJSON(t, faults)); size > 10_000 {
				t.Errorf("the faults are %d bytes", size)
			}
		})
	}
}

func FuzzParseVariables(f *testing.F) {
	for _, text := range []string{"A=1", "A=1\r\nB = x=y\n\n", "=", "1=2", "BUILD_TYPE=x", "PIPEBOT_X=1\nA\nA=2\nA=3", "\u2028=\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		variables, faults := bot.ParseVariables(text, "BUILD_TYPE")
		if (variables == nil) != (faults != "") {
			t.Fatalf("%d variables and the faults %q", len(variables), faults)
		}
		var again strings.Builder
		for key, value := range variables {
			switch {
			case key == "BUILD_TYPE", strings.HasPrefix(key, "PIPEBOT_"):
				t.Errorf("%s was taken", key)
			case strings.ContainsAny(key, " =\n\r") || key == "":
				t.Errorf("the key %q was taken", key)
			case value == "" || strings.Contains(value, "\n"):
				t.Errorf("%s has the value %q", key, value)
			}
			fmt.Fprintf(&again, "%s=%s\n", key, value)
		}
		if faults != "" {
			return
		}
		got, faults := bot.ParseVariables(again.String(), "BUILD_TYPE")
		if diff := cmp.Diff(variables, got); diff != "" || faults != "" {
			t.Errorf("read again: %s (-want +got):\n%s", faults, diff)
		}
	})
}
