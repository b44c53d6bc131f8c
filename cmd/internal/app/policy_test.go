package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipebot/bot/policy"
	"pipebot/cmd/internal/app"
)

// policyFile writes a policy file and returns its name.
func policyFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func pipebot(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = app.Main(t.Context(), "v1.2.3", args, env, &out, &errs)
	return code, out.String(), errs.String()
}

func TestPolicyCheck(t *testing.T) {
	good, bad := policyFile(t, "rules: []\n"), policyFile(t, "rules:\n  - then: alow\n  - refs: []\n    then: allow\n")
	tests := map[string]struct {
		args, env []string
		code      int
		want      string
	}{
		"good":            {[]string{"--file", good}, nil, 0, good + " has no faults\n"},
		"good by setting": {nil, []string{"POLICY_FILE=" + good}, 0, good + " has no faults\n"},
		"option first":    {[]string{"--file", good}, []string{"POLICY_FILE=" + bad}, 0, "no faults"},
		"bad": {[]string{"--file=" + bad}, nil, 1, bad + ":\nline 2: rules[0].then: \"alow\" is unknown (did you mean allow?); it takes allow, refuse, approve\n" +
			"line 3: rules[1].refs: the list is empty; leave the key out where all are meant\n"},
		"not there":         {[]string{"--file", "/nonexistent"}, nil, 2, "open /nonexistent: no such file"},
		"none":              {nil, nil, 2, "policy check needs --file or POLICY_FILE\nusage: pipebot policy"},
		"too much":          {[]string{"--file", good, "more"}, nil, 2, `policy check takes no "more"`},
		"an unknown option": {[]string{"--fil", good}, nil, 2, "flag provided but not defined: -fil\nusage: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := pipebot(t, test.env, append([]string{"policy", "check"}, test.args...)...)
			if said := stdout + stderr; code != test.code || !strings.Contains(said, test.want) {
				t.Errorf("code %d, want %d:\n%s", code, test.code, said)
			}
			if (stdout == "") != (code != 0) || (stderr == "") != (code == 0) {
				t.Errorf("code %d\nstdout: %s\nstderr: %s", code, stdout, stderr)
			}
		})
	}
}

const testedPolicy = `people:
  - {slack: U1, gitlab: alice}
rules:
  - name: two for production
    variables: {DEPLOY: "prod*"}
    tags: ["v*"]
    then: approve
    approvers: {users: [U2], roles: [maintainer]}
  - name: not from here
    channels: [C2]
    then: refuse
    reason: Go elsewhere.
  - name: testers
    people: {users: [U3], groups: [S1]}
    build_types: [debug]
    then: allow
`

func TestPolicyTest(t *testing.T) {
	tests := map[string]struct {
		args string
		want []string
	}{
		"allowed by role":      {"--role developer U5 run group/app main debug", []string{"outcome:   allow\nwhy:       role\nrule:      none\nmode:      gitlab\n", "sentence:  You may run a pipeline on the branch main in group/app: "}},
		"role too low":         {"--role reporter U5 run group/app main debug", []string{"outcome:   refuse\nwhy:       role\n", "takes the GitLab role Developer there, and yours is Reporter"}},
		"options behind":       {"U5 run group/app main debug --role reporter", []string{"why:       role\n", "yours is Reporter"}},
		"not linked":           {"U5 run group/app main debug", []string{"why:       not_linked\n", "in GitLab: not linked\n"}},
		"linked, without role": {"U1 run group/app main debug", []string{"why:       doubtful\n", "in GitLab: alice, role none\n", "(the role is not known without --role)"}},
		"linked, with a role":  {"--role owner U1 run group/app main debug", []string{"outcome:   allow\n", "in GitLab: alice, role Owner\n"}},
		"protected":            {"--role owner --protected U1 run group/app main debug", []string{"why:       protection\n"}},
		"may update":           {"--role owner --may-update U1 run group/app main debug", []string{"outcome:   allow\n"}},
		"approval": {
			"--role owner --variable DEPLOY=prod-eu --variable X=y=z U1 run group/app refs/tags/v1 debug",
			[]string{"outcome:   needs approval\nwhy:       rule\nrule:      two for production (line 4)\n", "approvers: U2 or the role maintainer, within 4h0m0s\n", "on the tag v1 "},
		},
		"a branch, no tag": {"--role owner --variable DEPLOY=prod U1 run group/app v1 debug", []string{"outcome:   allow\nwhy:       role\n"}},
		"channel":          {"--role owner --channel C2 U1 run group/app main debug", []string{"outcome:   refuse\nwhy:       rule\nrule:      not from here (line 9)\n", "Go elsewhere. So says"}},
		"guest":            {"--role owner --kind guest U1 run group/app main debug", []string{"why:       outsider\n"}},
		"guest by group":   {"--role owner --kind guest --group S9 --group S1 U1 run group/app main debug", []string{"outcome:   allow\nwhy:       rule\nrule:      testers (line 13)\n"}},
		"external":         {"--role owner --kind external T2/U3 run group/app main debug", []string{"why:       outsider\n"}},
		"mode":             {"--mode open U5 run group/app main debug", []string{"outcome:   allow\nwhy:       open\n", "mode:      open\n"}},
		"mode of the file": {"--mode policy U3 run group/app main debug", []string{"outcome:   allow\nwhy:       rule\n"}},
		"own":              {"--role developer --own U1 variables group/app main debug", []string{"outcome:   allow\n"}},
		"nothing but whom": {"U5 link", []string{"outcome:   allow\nwhy:       always\n"}},
		"approving":        {"--role maintainer --variable DEPLOY=prod U5 approve group/app refs/tags/v1 debug", []string{"outcome:   allow\nwhy:       approver\nrule:      two for production (line 4)\n"}},
	}
	name := policyFile(t, testedPolicy)
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			args := append([]string{"policy", "test", "--file", name}, strings.Fields(test.args)...)
			code, stdout, stderr := pipebot(t, nil, args...)
			if code != 0 || stderr != "" {
				t.Errorf("code %d: %s", code, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%s", want, stdout)
				}
			}
		})
	}
}

// The settings say what the options do not.
func TestPolicyTestTakesTheSettings(t *testing.T) {
	env := []string{"AUTHZ=policy", "POLICY_FILE=" + policyFile(t, testedPolicy)}
	if _, stdout, _ := pipebot(t, env, "policy", "test", "U3", "run", "group/app", "main", "debug"); !strings.Contains(stdout, "rule:      testers (line 13)\nmode:      policy\n") {
		t.Error(stdout)
	}
	if _, stdout, _ := pipebot(t, nil, "policy", "test", "U3", "run", "group/app", "main", "debug"); !strings.Contains(stdout, "rule:      none\nmode:      gitlab\n") {
		t.Error(stdout)
	}
}

func TestPolicyTestFaults(t *testing.T) {
	for args, want := range map[string]string{
		"policy":                                          "policy takes check or test",
		"policy chek":                                     "policy takes check or test",
		"policy test":                                     "policy test takes 2 to 5 arguments, and got 0",
		"policy test U1":                                  "policy test takes 2 to 5 arguments, and got 1",
		"policy test U1 run a/b main debug x":             "policy test takes 2 to 5 arguments, and got 6",
		"policy test alice run a/b":                       `"alice" is no Slack user id such as U012AB3CD; people are ids, never names`,
		"policy test U1 start a/b":                        `"start" is no action; the actions are run, cancel,`,
		"policy test --mode openn U1 run a/b":             `"openn" is no mode (AUTHZ); the modes are gitlab, policy, open`,
		"policy test --kind admin U1 run a/b":             `"admin" is no kind of person; the kinds are member, guest, external`,
		"policy test --kind bot U1 run a/b":               `"bot" is no kind of person`,
		"policy test --role boss U1 run a/b":              `"boss" is no role; the roles are guest, planner,`,
		"policy test --variable X U1 run a/b":             "it is not of the form KEY=VALUE",
		"policy test --variable =X U1 run a/b":            "it is not of the form KEY=VALUE",
		"policy test --protected --may-update U1 run a/b": "--protected and --may-update exclude each other",
		"policy test --file /nonexistent U1 link":         "open /nonexistent: no such file",
	} {
		code, stdout, stderr := pipebot(t, nil, strings.Fields(args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	code, _, stderr := pipebot(t, nil, "policy", "test", "--file", policyFile(t, "rules: {}"), "U1", "link")
	if code != 1 || !strings.Contains(stderr, "line 1: rules: it has to be a list") {
		t.Errorf("with a faulty file: code %d, %s", code, stderr)
	}
}

// The usage names every action and mode that there is.
func TestPolicyUsage(t *testing.T) {
	code, usage, _ := pipebot(t, nil, "policy", "help")
	if code != 0 {
		t.Errorf("code %d", code)
	}
	words := strings.FieldsFunc(usage, func(r rune) bool { return strings.ContainsRune(" ,.;\n", r) })
	has := make(map[string]bool)
	for _, word := range words {
		has[word] = true
	}
	for _, action := range policy.Actions() {
		if !has[string(action)] {
			t.Errorf("the usage does not name the action %s", action)
		}
	}
	for _, mode := range policy.Modes() {
		if !has[string(mode)] {
			t.Errorf("the usage does not name the mode %s", mode)
		}
	}
}
