package policy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

const example = "../../deploy/policy.example.yaml"

// Each fault is told with its line and its place.
func TestFaults(t *testing.T) {
	const allow = "    then: allow\n"
	tests := map[string]struct{ text, want string }{
		"nothing":                 {"", "line 1: the file says nothing"},
		"a comment only":          {"# rules: []\n", "line 1: the file says nothing"},
		"null":                    {"---\n", "line 1: the file says nothing"},
		"an empty mapping":        {"{}", "line 1: the file says nothing"},
		"a list":                  {"- then: allow", "line 1: it has to be a mapping of keys to values, and is a list"},
		"two documents":           {"rules: []\n---\nrules: []\n", "line 2: a second document begins here"},
		"no YAML":                 {"rules:\n  - then: allow\n   x: y\n", "line 1: did not find expected '-' indicator"},
		"no YAML behind it":       {"rules: []\n---\n{", "line 3: "},
		"an anchor":               {"rules:\n  - refs: &x [a]\n" + allow, "line 2: anchors and aliases (& and *) are not taken here"},
		"asterisk":                {"rules:\n  - refs:\n      - *-stable\n", "line 3: *-stable is read as an alias; put a pattern that begins with * in quotes"},
		"asterisk alone":          {"rules:\n  - refs: [*]\n", "line 2: did not find expected alphabetic or numeric character; put a pattern"},
		"unknown key":             {"rule: []", `line 1: "rule" is no key here (did you mean rules?); the keys are people, rules`},
		"unknown key, not near":   {"rules: []\nversion: '1'", `line 2: "version" is no key here; the keys are people, rules`},
		"key twice":               {"rules: []\nrules: []", `line 2: "rules" is there twice, first on line 1`},
		"a key that is no text":   {"rules: []\n1: x", `line 2: "1" is not read as a text here; put it in quotes`},
		"a key that is a list":    {"rules: []\n? [a]\n: x", "line 2: it has to be a text, and is a list"},
		"rules that are empty":    {"rules:\n", "line 1: rules: it has to be a list, and is empty"},
		"rules that are no list":  {"rules: {then: allow}", "line 1: rules: it has to be a list, and is a mapping"},
		"a rule that is a text":   {"rules:\n  - allow\n", "line 2: rules[0]: it has to be a mapping of keys to values, and is a single value"},
		"then missing":            {"rules:\n  - refs: [a]\n", "line 2: rules[0]: then is missing; it is one of allow, refuse, approve"},
		"then empty":              {"rules:\n  - then:\n", "line 2: rules[0].then: it is empty"},
		"then unknown":            {"rules:\n  - then: aprove\n", `line 2: rules[0].then: "aprove" is unknown (did you mean approve?); it takes allow, refuse, approve`},
		"then in other letters":   {"rules:\n  - then: Allow\n", `line 2: rules[0].then: "Allow" is unknown (did you mean allow?)`},
		"refuse without a reason": {"rules:\n  - then: refuse\n", "line 2: rules[0]: reason is missing"},
		"approve without people":  {"rules:\n  - then: approve\n", "line 2: rules[0]: approvers is missing"},
		"long name":               {"rules:\n  - name: " + strings.Repeat("n", 101) + "\n" + allow, "line 2: rules[0].name: it is longer than 100 characters"},
		"long reason":             {"rules:\n  - reason: " + strings.Repeat("n", 501) + "\n" + allow, "line 2: rules[0].reason: it is longer than 500 characters"},
		"link without GitLab":     {"people:\n  - slack: U1\n", "line 2: people[0]: gitlab is missing"},
		"link without Slack":      {"people:\n  - gitlab: alice\n", "line 2: people[0]: slack is missing"},
		"link by name":            {"people:\n  - {slack: alice, gitlab: alice}\n", `line 2: people[0].slack: "alice" is no Slack user id`},
		"link twice":              {"people:\n  - {slack: U1, gitlab: a}\n  - {slack: U1, gitlab: b}\n", "line 3: people[1]: U1 is there twice, first on line 2"},
		"GitLab user with @":      {"people:\n  - {slack: U1, gitlab: '@a'}\n", `line 2: people[0].gitlab: "@a" is no GitLab username; write it without @`},
		"GitLab user by e-mail":   {"people:\n  - {slack: U1, gitlab: a@example.com}\n", "is no GitLab username"},
		"a very long word":        {"rules:\n  - then: " + strings.Repeat("allow", 5000) + "\n", `allowallowallo…" is unknown; it takes`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { wantFault(t, test.text, test.want) })
	}
}

// What can be wrong in a rule; the place is that in the rule.
func TestFaultsOfARule(t *testing.T) {
	tests := map[string]struct{ rule, want string }{
		"merge key":               {"<<: {refs: [a]}", `: "<<" is not read as a text`},
		"unknown key of a rule":   {"branch: [a]", `: "branch" is no key here (did you mean branches?)`},
		"key of a rule twice":     {"refs: [a], refs: [b]", `"refs" is there twice, first on line 2`},
		"approvers of an allow":   {"approvers: {users: [U1]}", "approvers: it goes only with then: approve"},
		"expiry of an allow":      {"expires: 4h", "expires: it goes only with then: approve"},
		"approval of a view":      {"then: approve, approvers: {users: [U1]}, actions: [run, view]", "actions: view cannot wait for an approval; only run, retry, play, delete can"},
		"refusing to link":        {"then: refuse, reason: no, actions: [link]", "actions: link cannot be refused"},
		"projects as a text":      {"projects: group/app", "projects: it has to be a list, and is a single value"},
		"no projects":             {"projects: []", "projects: the list is empty; leave the key out where all are meant"},
		"empty pattern":           {"projects: ['']", "projects[0]: it is empty"},
		"pattern of a space":      {"build_types: [' ']", "build_types[0]: it is empty"},
		"pattern with a space":    {"build_types: ['a ']", `build_types[0]: "a " begins or ends with a space`},
		"pattern twice":           {"refs: [a, a]", `refs[1]: "a" is there twice`},
		"project's number":        {"projects: ['42']", `projects[0]: "42" is neither a project's path such as group/app nor a pattern`},
		"project without a group": {"projects: [app]", `"app" is neither a project's path`},
		"project's URL":           {"projects: ['https://gitlab.com/group/app']", "is neither a project's path"},
		"a slash too many":        {"projects: [group/]", "is neither a project's path"},
		"whole name of a ref":     {"refs: [refs/heads/main]", `refs[0]: "refs/heads/main" begins with refs/heads/; write the name alone`},
		"regular expression":      {"refs: ['v[0-9]+']", `refs[0]: "v[0-9]+": no branch or tag has '[', and only * is special`},
		"a slash at the end":      {"branches: [release/]", `"release/": no branch or tag begins or ends with a slash`},
		"a number as a ref":       {"tags: [1.0]", `tags[0]: "1.0" is not read as a text here; put it in quotes`},
		"a date as a ref":         {"tags: [2026-09-14]", `tags[0]: "2026-09-14" is not read as a text`},
		"a tag of YAML":           {"tags: [!x a]", "is not read as a text"},
		"unknown action":          {"actions: [start]", `actions[0]: "start" is unknown; it takes run, cancel, retry, play, delete, view, variables, tokens, approve, freeze, unfreeze, audit, link`},
		"unknown action, near":    {"actions: [retri]", `"retri" is unknown (did you mean retry?)`},
		"unknown action, far":     {"actions: [rib]", `"rib" is unknown; it takes run`},
		"variable's name":         {"variables: {a-b: x}", `variables: "a-b" is no name for a CI variable`},
		"variable of our own":     {"variables: {PIPEBOT_USER: x}", "variables that begin with PIPEBOT_ are set by pipebot itself"},
		"variable's value":        {"variables: {A: 1}", `variables.A: "1" is not read as a text here`},
		"variable's empty value":  {"variables: {A: ''}", "variables.A: it is empty"},
		"no variables":            {"variables: {}", "variables: it is empty"},
		"variables as a list":     {"variables: [A]", "variables: it has to be a mapping"},
		"channel's name":          {"channels: ['#releases']", `channels[0]: "#releases" is no id of a Slack channel such as C012AB3CD; channels are ids, never names`},
		"user's name":             {"people: {users: ['@alice']}", `people.users[0]: "@alice" is no Slack user id such as U012AB3CD, or T012AB3CD/U012AB3CD for somebody of another workspace; people are ids, never names`},
		"group's name":            {"people: {groups: [releasers]}", `"releasers" is no id of a Slack user group such as S012AB3CD; groups are ids, never names`},
		"user as group":           {"people: {groups: [U1]}", `"U1" is no id of a Slack user group`},
		"unknown role":            {"people: {roles: [maintaner]}", `people.roles[0]: "maintaner" is unknown (did you mean maintainer?)`},
		"nobody":                  {"people: {}", "people: it names nobody; it takes users, groups or roles"},
		"nobody in a list":        {"people: {users: []}", "people.users: the list is empty"},
		"no duration":             {"then: approve, approvers: {users: [U1]}, expires: soon", `expires: "soon" is no duration; write it as 4h, 90m or 1h30m`},
		"duration without a unit": {"then: approve, approvers: {users: [U1]}, expires: '4'", `"4" is no duration`},
		"duration in seconds":     {"then: approve, approvers: {users: [U1]}, expires: 90s", `"90s" is no duration`},
		"duration as a number":    {"then: approve, approvers: {users: [U1]}, expires: 4", `"4" is not read as a text here`},
		"no time at all":          {"then: approve, approvers: {users: [U1]}, expires: 0h", `"0h" is not between 1m and 168h`},
		"more than a week":        {"then: approve, approvers: {users: [U1]}, expires: 168h1m", `"168h1m" is not between 1m and 168h`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rule := test.rule
			if !strings.Contains(rule, "then: ") {
				rule += ", then: allow"
			}
			wantFault(t, "rules:\n  - {"+rule+"}\n", "line 2: rules[0]")
			wantFault(t, "rules:\n  - {"+rule+"}\n", test.want)
		})
	}
}

// wantFault has a text be read that has one fault.
func wantFault(t *testing.T, text, want string) {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err == nil || p != nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the fault is %v, want %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("there is more than one fault:\n%v", err)
	}
}

// All faults are told at once, in the order of their lines.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := policy.Parse([]byte(`rules:
  - then: allow
    refs: []
    nme: x
  - actions: [runn, view]
    then: approve
    expires: 200h
people:
  - slack: alice
`))
	want := []string{
		"line 3: rules[0].refs: ", "line 4: rules[0]: ", "line 5: rules[1]: ", "line 5: rules[1].actions[0]: ", "line 5: rules[1].actions: ",
		"line 7: rules[1].expires: ", "line 9: people[0].slack: ", "line 9: people[0]: ",
	}
	if err == nil {
		t.Fatal("there are no faults")
	}
	lines := strings.Split(err.Error(), "\n")
	place := regexp.MustCompile(`^line \d+: \S+: `)
	got := make([]string, 0, len(lines))
	for _, line := range lines {
		got = append(got, place.FindString(line))
	}
	less := func(a, b string) bool { return a < b }
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(less)); diff != "" {
		t.Errorf("the faults (-want +got):\n%s\n%v", diff, err)
	}
	for i := 1; i < len(lines); i++ {
		if lines[i-1][:6] > lines[i][:6] {
			t.Errorf("not in order:\n%v", err)
		}
	}
}

func TestExample(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Parse(data); err != nil {
		t.Error(err)
	}
}

// What is read is what is written, up to the limits.
func TestParse(t *testing.T) {
	for name, text := range map[string]string{
		"no rules":         "rules: []",
		"no people":        "people: []",
		"JSON":             `{"rules": [{"then": "allow", "refs": ["*"]}]}`,
		"a BOM":            "\ufeffrules: []",
		"Windows lines":    "rules:\r\n  - then: allow\r\n",
		"an ended file":    "rules: []\n...\n",
		"longest approval": "rules: [{then: approve, approvers: {roles: [owner]}, expires: 168h}]",
		"shortest":         "rules: [{then: approve, approvers: {roles: [owner]}, expires: 1m}]",
		"hours, minutes":   "rules: [{then: approve, approvers: {roles: [owner]}, expires: 1h30m}]",
		"quoted numbers":   `rules: [{then: allow, tags: ["1.0"], variables: {A: "1"}}]`,
		"a folded reason":  "rules:\n  - then: refuse\n    reason: >-\n      a\n      b\n",
		"longest texts":    "rules:\n  - {then: allow, name: " + strings.Repeat("ä", 100) + ", reason: " + strings.Repeat("ä", 500) + "}\n",
		"each channel":     "rules: [{then: allow, channels: [C1, G1, D1]}]",
		"each user":        "rules: [{then: allow, people: {users: [U1, W1, T1/U1, E1/W1]}}]",
	} {
		if _, err := policy.Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is in the file, faults have lines that are there, and a policy that could
// be read lets nobody unknown do anything.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "rules: []", "people: [{slack: U1, gitlab: a}]", "rules: [{then: allow}]", "a: &a [*a]", "rules: [*]", "? [a]\n: b",
		"rules:\n  - then: refuse\n    reason: no\n    refs: ['*']\n    people: {roles: [developer], users: [T1/U1]}\n",
		"rules: [{then: approve, approvers: {groups: [S1]}, expires: 1h, actions: [run]}]", "rules:\n- <<: x\n", "\xff\xfe", "---\n---\n",
		"rules: [{then: allow, variables: {A: '*'}, channels: [C1], build_types: [a], tags: [v1]}]", "rules: !!binary x",
	} {
		f.Add([]byte(text))
	}
	if data, err := os.ReadFile(example); err == nil {
		f.Add(data)
	}
	hasLine := regexp.MustCompile(`^line [1-9]\d*: ./?`)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse(data)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if p != nil || !hasLine.MatchString(line) {
					t.Fatalf("%q", err)
				}
			}
			return
		}
		for _, p.Mode = range policy.Modes() {
			for _, action := range policy.Actions() {
				if d := p.Decide(asking(action), policy.Person{}, with(gitlab.Owner), now); d.Outcome != policy.Refuse {
					t.Fatalf("%s lets nobody %s", p.Mode, action)
				}
				p.Decide(asking(action), alice(), with(gitlab.Owner), now)
			}
		}
	})
}
