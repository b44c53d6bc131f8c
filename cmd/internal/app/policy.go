package app

import (
	"fmt"
	"io"
	"os"

	"pipebot/bot/policy"
)

// policyUsage is the part of the usage that is about the policy file.
const policyUsage = `usage: pipebot policy check [--file FILE]
       pipebot policy test [option ...] USER ACTION [PROJECT] [REF] [BUILD_TYPE]

check says what is wrong with a policy file, with lines; test explains what one of
its rules, or none, decides. Neither asks Slack or GitLab, or looks at freezes.

  USER is a Slack id, U012AB3CD, or T012AB3CD/U012AB3CD of another workspace.
  ACTION is one of run, cancel, retry, play, delete, view, variables, tokens,
  approve, freeze, unfreeze, audit, link. PROJECT is a path such as group/app.
  REF is a branch; refs/tags/v1 is a tag.

  --file FILE        the policy file; $POLICY_FILE, or no rules at all
  --mode MODE        gitlab, policy or open; $AUTHZ, or gitlab
  --kind KIND        member, guest or external; what the user is in Slack (member)
  --group ID         a user group that the user is in; may be there several times
  --role ROLE        the user's role in the GitLab project; they count as linked
  --protected        the ref is protected, and the user may not update it
  --may-update       the ref is protected, and the user may update it
  --variable KEY=V   a variable of the pipeline; may be there several times
  --channel ID       the channel where it is asked
  --own              it is about the user's own run

Exit codes: 0 done, 1 the policy file has faults, 2 wrong usage, or it cannot be read.`

// policyCommand is pipebot policy.
func policyCommand(args []string, env map[string]string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch name, rest := args[0], args[1:]; name {
		case "check":
			return policyCheck(rest, env, stdout, stderr)
		case "test":
			return policyTest(rest, env, stdout, stderr)
		case "help", "--help", "-h":
			fmt.Fprintln(stdout, policyUsage)
			return codeStopped
		}
	}
	return misused(stderr, "policy takes check or test")
}

func misused(stderr io.Writer, format string, args ...any) int {
	fmt.Fprintf(stderr, "pipebot: "+format+"\n%s\n", append(args, policyUsage)...)
	return codeUsage
}

// policyCheck says what is wrong with the file.
func policyCheck(args []string, env map[string]string, stdout, stderr io.Writer) int {
	flags := newFlags()
	file := flags.String("file", env["POLICY_FILE"], "")
	rest, err := parseFlags(flags, args)
	switch {
	case err != nil:
		return misused(stderr, "%v", err)
	case len(rest) > 0:
		return misused(stderr, "policy check takes no %q", rest[0])
	case *file == "":
		return misused(stderr, "policy check needs --file or POLICY_FILE")
	}
	if _, code := openPolicy(*file, stderr); code != codeStopped {
		return code
	}
	fmt.Fprintf(stdout, "%s has no faults\n", *file)
	return codeStopped
}

// openPolicy reads the file and says what is wrong with it. Without a file there are
// no rules.
func openPolicy(path string, stderr io.Writer) (*policy.Policy, int) {
	if path == "" {
		return &policy.Policy{}, codeStopped
	}
	data, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintf(stderr, "pipebot: %v\n", err)
		return nil, codeUsage
	}
	p, err := policy.Parse(data)
	if err != nil {
		fmt.Fprintf(stderr, "%s:\n%v\n", path, err)
		return nil, codeFailed
	}
	return p, codeStopped
}
