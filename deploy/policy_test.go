package deploy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"pipebot/bot/policy"
	"pipebot/gitlab"
)

const (
	policyExampleFile = "policy.example.yaml"
	policySchemaFile  = "policy.schema.json"
)

func TestPolicyExampleFollowsItsSchema(t *testing.T) {
	if err := policySchema(t).Validate(asJSON(t, readFile(t, policyExampleFile))); err != nil {
		t.Error(err)
	}
}

func TestPolicyExampleIsRead(t *testing.T) {
	if _, err := policy.Parse([]byte(readFile(t, policyExampleFile))); err != nil {
		t.Error(err)
	}
}

// What the program takes, the schema takes, and the other way round: an editor that
// knows the schema must not call wrong what is right.
func TestPolicySchemaAgreesWithTheProgram(t *testing.T) {
	rule := func(fields string) string { return "rules: [{then: allow, " + fields + "}]" }
	approve := func(fields string) string { return "rules: [{then: approve, " + fields + "}]" }
	tests := map[string]struct {
		text string
		good bool
	}{
		"no rules":                {"rules: []", true},
		"no people":               {"people: []", true},
		"nothing":                 {"{}", false},
		"a list":                  {"[]", false},
		"unknown key":             {"rules: []\nversion: x", false},
		"rules as a mapping":      {"rules: {}", false},
		"rules empty":             {"rules:", false},
		"link":                    {"people: [{slack: T1/W1, gitlab: a.b-c_d}]", true},
		"link without GitLab":     {"people: [{slack: U1}]", false},
		"link without Slack":      {"people: [{gitlab: a}]", false},
		"link by name":            {"people: [{slack: alice, gitlab: a}]", false},
		"link to an e-mail":       {"people: [{slack: U1, gitlab: a@b.c}]", false},
		"link with another key":   {"people: [{slack: U1, gitlab: a, email: a}]", false},
		"a rule as a text":        {"rules: [allow]", false},
		"unknown key of a rule":   {rule("branch: [a]"), false},
		"then missing":            {"rules: [{refs: [a]}]", false},
		"then unknown":            {"rules: [{then: deny}]", false},
		"refuse":                  {"rules: [{then: refuse, reason: no}]", true},
		"refuse without a reason": {"rules: [{then: refuse}]", false},
		"refuse to link":          {"rules: [{then: refuse, reason: no, actions: [run, link]}]", false},
		"allow to link":           {rule("actions: [link]"), true},
		"approve":                 {approve("approvers: {roles: [owner]}, actions: [run, retry, play, delete], expires: 1h30m, reason: x"), true},
		"approve without people":  {approve("actions: [run]"), false},
		"approve a view":          {approve("approvers: {roles: [owner]}, actions: [view]"), false},
		"approvers of an allow":   {rule("approvers: {roles: [owner]}"), false},
		"expiry of an allow":      {rule("expires: 4h"), false},
		"expires soon":            {approve("approvers: {roles: [owner]}, expires: soon"), false},
		"expires in seconds":      {approve("approvers: {roles: [owner]}, expires: 90s"), false},
		"expires as a number":     {approve("approvers: {roles: [owner]}, expires: 4"), false},
		"expires empty":           {approve("approvers: {roles: [owner]}, expires: ''"), false},
		"all conditions": {rule(`name: n, projects: ["g/*", "*"], refs: ["*"], branches: [a/b], tags: ["v1.*"], build_types: [r], variables: {A: "*"},
			channels: [C1, G1, D1], people: {users: [U1], groups: [S1], roles: [guest, planner, reporter, security_manager, developer, maintainer, owner]}`), true},
		"projects as a text":      {rule("projects: g/a"), false},
		"projects empty":          {rule("projects: []"), false},
		"project empty":           {rule("projects: ['']"), false},
		"project twice":           {rule("projects: [g/a, g/a]"), false},
		"project's number":        {rule("projects: ['42']"), false},
		"project's number, plain": {rule("projects: [42]"), false},
		"project without a group": {rule("projects: [app]"), false},
		"project with a slash":    {rule("projects: [g/]"), false},
		"ref empty":               {rule("refs: ['']"), false},
		"ref of one letter":       {rule("refs: [a]"), true},
		"ref with its whole name": {rule("refs: [refs/heads/main]"), false},
		"merge request's ref":     {rule(`refs: ["refs/merge-requests/*"]`), true},
		"ref as a regexp":         {rule("branches: ['v[0-9]']"), false},
		"ref with a backslash":    {rule(`branches: ['a\b']`), false},
		"ref with a space":        {rule("tags: ['a b']"), false},
		"ref with a space behind": {rule("tags: ['a ']"), false},
		"ref with a slash behind": {rule("tags: [a/]"), false},
		"ref that is a slash":     {rule("tags: [/]"), false},
		"ref with umlauts":        {rule("tags: [größe]"), true},
		"ref as a number":         {rule("tags: [1.0]"), false},
		"build type with a space": {rule("build_types: [a b]"), true},
		"build type, space ahead": {rule("build_types: [' a']"), false},
		"no variables":            {rule("variables: {}"), false},
		"variables as a list":     {rule("variables: [A]"), false},
		"variable's name":         {rule("variables: {a-b: x}"), false},
		"variable of our own":     {rule("variables: {PIPEBOT_USER: x}"), false},
		"variable's number":       {rule("variables: {A: 1}"), false},
		"variable's empty value":  {rule("variables: {A: ''}"), false},
		"no actions":              {rule("actions: []"), false},
		"unknown action":          {rule("actions: [start]"), false},
		"action twice":            {rule("actions: [run, run]"), false},
		"channel's name":          {rule("channels: ['#a']"), false},
		"nobody":                  {rule("people: {}"), false},
		"no users":                {rule("people: {users: []}"), false},
		"user's name":             {rule("people: {users: ['@alice']}"), false},
		"group's name":            {rule("people: {groups: [all]}"), false},
		"user as a group":         {rule("people: {groups: [U1]}"), false},
		"unknown role":            {rule("people: {roles: [boss]}"), false},
		"role in other letters":   {rule("people: {roles: [Owner]}"), false},
		"unknown key of people":   {rule("people: {names: [a]}"), false},
		"long name":               {rule("name: " + strings.Repeat("ä", 100)), true},
		"longer name":             {rule("name: " + strings.Repeat("ä", 101)), false},
		"empty name":              {rule("name: ''"), false},
		"long reason":             {rule("reason: " + strings.Repeat("ä", 500)), true},
		"longer reason":           {rule("reason: " + strings.Repeat("ä", 501)), false},
		"reason of two lines":     {rule(`reason: "a\nb"`), true},
	}
	schema := policySchema(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bySchema := schema.Validate(asJSON(t, test.text))
			if (bySchema == nil) != test.good {
				t.Errorf("the schema says %v", bySchema)
			}
			if _, err := policy.Parse([]byte(test.text)); (err == nil) != test.good {
				t.Errorf("the program says %v", err)
			}
		})
	}
}

// The schema's words are the program's.
func TestPolicySchemaHasTheProgramsWords(t *testing.T) {
	var schema struct {
		Defs struct {
			People struct {
				Properties struct {
					Roles struct{ Items struct{ Enum []string } }
				}
			}
			Rule struct {
				Properties map[string]struct {
					Enum  []string
					Items struct{ Enum []string }
				}
				AllOf []struct {
					Then struct {
						Properties struct {
							Actions struct{ Items struct{ Enum []string } }
						}
					}
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(readFile(t, policySchemaFile)), &schema); err != nil {
		t.Fatal(err)
	}
	var roles []string
	for _, role := range gitlab.Roles() {
		roles = append(roles, role.Name())
	}
	rule := schema.Defs.Rule
	for what, words := range map[string][2][]string{
		"roles":      {roles, schema.Defs.People.Properties.Roles.Items.Enum},
		"actions":    {asTexts(policy.Actions()), rule.Properties["actions"].Items.Enum},
		"approvable": {asTexts(policy.Approvable()), rule.AllOf[1].Then.Properties.Actions.Items.Enum},
	} {
		if diff := cmp.Diff(words[0], words[1]); diff != "" {
			t.Errorf("%s (-program +schema):\n%s", what, diff)
		}
	}
	// The program names its keys when it does not know one.
	_, err := policy.Parse([]byte("rules: [{then: allow, x: y}]"))
	if err == nil {
		t.Fatal("it takes an unknown key")
	}
	_, keys, _ := strings.Cut(err.Error(), "the keys are ")
	if diff := cmp.Diff(strings.Split(keys, ", "), slices.Sorted(maps.Keys(rule.Properties))); diff != "" {
		t.Errorf("keys of a rule (-program +schema):\n%s", diff)
	}
}

func asTexts[T ~string](words []T) []string {
	var list []string
	for _, word := range words {
		list = append(list, string(word))
	}
	return list
}

func policySchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(readFile(t, policySchemaFile)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(policySchemaFile, schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(policySchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}
