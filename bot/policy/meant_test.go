package policy_test

import (
	"testing"

	"pipebot/bot/policy"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"lits": "list", "mian": "main", "Stauts": "status", "staus": "status",
		"list": "list", "tsil": "", "naim": "", "x": "", "": "",
	} {
		if got := policy.Nearest(typed, []string{"list", "main", "status"}); got != want {
			t.Errorf("Nearest(%q): %q, want %q", typed, got, want)
		}
	}
}
