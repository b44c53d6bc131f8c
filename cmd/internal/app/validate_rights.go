package app

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"pipebot/bot/policy"
)

// authz is who decides what people may do. The rules alone can decide only where there
// are any.
func (v *validator) authz(value, file string) (policy.Mode, string) {
	mode := policy.Mode(strings.ToLower(strings.TrimSpace(value)))
	switch {
	case !slices.Contains(policy.Modes(), mode):
		v.fault("AUTHZ", shown(value)+" is none of gitlab, policy and open", "gitlab")
	case mode == policy.ModePolicy && file == "":
		v.fault("POLICY_FILE", "it is missing, and with AUTHZ=policy nobody could do anything without it", "/etc/pipebot/policy.yaml")
	}
	if file != "" {
		v.policyFile(file)
	}
	return mode, file
}

// policyFile wants a policy that can be in force from the start.
func (v *validator) policyFile(name string) {
	data, err := readSmall(name)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // without the path, which may be a token put here by mistake
	}
	if err != nil {
		v.fault("POLICY_FILE", fmt.Sprintf("the file that it names cannot be read (%v)", err), "/etc/pipebot/policy.yaml")
		return
	}
	if _, err := policy.Parse(data); err != nil {
		v.faults = append(v.faults, fmt.Errorf("POLICY_FILE: the file that it names has faults:\n%w", err))
	}
}

// clientIDForm is how application ids of GitLab look; a secret does not.
var clientIDForm = regexp.MustCompile(`^[0-9a-zA-Z_-]{10,128}$`)

func (v *validator) clientID(value string) string {
	value = strings.TrimSpace(value)
	switch {
	case strings.HasPrefix(value, "gloas-"):
		v.fault("GITLAB_OAUTH_CLIENT_ID", "it is the application's secret, which is not needed, and this takes its application id", "0123456789abcdef...")
	case value != "" && !clientIDForm.MatchString(value):
		v.fault("GITLAB_OAUTH_CLIENT_ID", "it is no application id", "0123456789abcdef...")
	}
	return value
}
