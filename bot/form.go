package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// form is what the modal knows beside what is typed into it. It travels in the
// view's private metadata, so that any process can answer for the modal.
type form struct {
	Project string `json:"project"`
	// Channel is where the run is shown: a channel, or a person's id where the form was
	// opened outside of any, for their direct messages.
	Channel string `json:"channel"`
	// ReplyURL takes private answers for half an hour. A secret, which Slack
	// gave and gets back.
	ReplyURL string `json:"reply_url,omitempty"`
	// Turn counts the changes of the project. It is part of the ref field's block
	// id: under a new id the field forgets what was chosen for the old project.
	Turn int `json:"turn,omitempty"`
	// Warned is what its person was told of that it runs already, as warnedOf has it.
	Warned string `json:"warned,omitempty"`
}

// policyChannel is where somebody is who acts in a channel, for the policy: direct
// messages that are named by the person are outside of any.
func policyChannel(channel string) string {
	if policy.IsUserID(channel) {
		return ""
	}
	return channel
}

func (f form) metadata() string {
	data, err := json.Marshal(f)
	if err != nil {
		return "" // strings and a number always encode
	}
	return string(data)
}

var channelForm = regexp.MustCompile(`^[A-Z0-9]{1,32}$`)

// parseForm reads private metadata, which comes from outside, and holds it against
// what the settings allow.
func parseForm(metadata string, projects []string) (form, error) {
	if !isMetadata(metadata) {
		return form{}, errors.New("the modal's metadata is longer than Slack keeps any")
	}
	var f form
	if err := json.Unmarshal([]byte(metadata), &f); err != nil {
		return form{}, fmt.Errorf("reading the modal's metadata: %w", err)
	}
	if !slices.Contains(projects, f.Project) {
		return form{}, errors.New("the modal's project is not among the settings")
	}
	if !channelForm.MatchString(f.Channel) {
		return form{}, errors.New("the modal's channel is not a channel id")
	}
	return f, nil
}

// formIn reads the form of a view that came back, as somebody's who is from then on
// where the form is. Direct messages are nobody else's to choose.
func (b *Bot) formIn(a *arrival) (form, error) {
	f, err := parseForm(a.Interaction.View.PrivateMetadata, b.Projects.Names())
	if err != nil {
		return form{}, err
	}
	if policy.IsUserID(f.Channel) && f.Channel != a.who.User {
		return form{}, errors.New("the modal's channel is of another person")
	}
	a.who.Channel = policyChannel(f.Channel)
	return f, nil
}

// The ids of the modal and its fields.
const (
	callbackRun = "run"

	blockProject   = "project"
	blockRef       = "ref"
	blockBuildType = "build_type"
	blockVariables = "variables"

	actionProject   = "project"
	actionRef       = "ref"
	actionBuildType = "build_type"
	actionVariables = "variables"
)

func (f form) refBlock() string { return fmt.Sprintf("%s.%d", blockRef, f.Turn) }

// sheet is what a form shows beside what travels with it.
type sheet struct {
	ref       *gitlab.Ref // chosen beforehand; nil: none
	buildType string      // chosen beforehand; empty: the first
	variables string
	files     []file
	notes     []string  // what its person should know
	running   []run.Run // what runs already, newest first
	acting    string    // as whom the person acts; empty: not known
}

// modal draws the form.
func modal(f form, projects, buildTypes []string, s sheet) slack.ModalViewRequest {
	submit, blocks := "Run", warned(s.running)
	if len(s.running) > 0 {
		submit = "Run anyway"
	}
	if len(projects) > 1 {
		blocks = append(blocks, projectInput(f, projects))
	}
	blocks = append(blocks, refInput(f, s.ref), buildTypeInput(buildTypes, s.buildType), variablesInput(s.variables))
	for _, file := range s.files {
		blocks = append(blocks, fileInput(file))
	}
	for i, note := range s.notes {
		blocks = append(blocks, slack.NewContextBlock(fmt.Sprintf("note.%d", i), plain(shortenEnd(note, reasonSize))))
	}
	if s.acting != "" {
		blocks = append(blocks, slack.NewContextBlock("acting", plain(shortenEnd(s.acting, reasonSize))))
	}
	return slack.ModalViewRequest{
		Type:            slack.VTModal,
		CallbackID:      callbackRun,
		Title:           plain("Run pipeline"),
		Submit:          plain(submit),
		Close:           plain("Cancel"),
		PrivateMetadata: f.metadata(),
		Blocks:          slack.Blocks{BlockSet: blocks},
	}
}

func projectInput(f form, projects []string) *slack.InputBlock {
	options := make([]*slack.OptionBlockObject, len(projects))
	var chosen *slack.OptionBlockObject
	for i, name := range projects {
		options[i] = slack.NewOptionBlockObject(projectKey(name), plain(shortenMiddle(name, optionSize)), nil)
		if name == f.Project {
			chosen = options[i]
		}
	}
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Choose a project"), actionProject, options...)
	element.InitialOption = chosen
	input := slack.NewInputBlock(blockProject, plain("Project"), nil, element)
	input.DispatchAction = true
	return input
}

func refInput(f form, defaultRef *gitlab.Ref) *slack.InputBlock {
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain("Type to search"), actionRef)
	fromTheStart := 0 // Slack's own default is 3 characters
	element.MinQueryLength = &fromTheStart
	if defaultRef != nil {
		element.InitialOption = refOption(*defaultRef)
	}
	return slack.NewInputBlock(f.refBlock(), plain("Branch or tag"), nil, element)
}

func buildTypeInput(buildTypes []string, chosen string) *slack.InputBlock {
	options := make([]*slack.OptionBlockObject, len(buildTypes))
	for i, name := range buildTypes {
		options[i] = slack.NewOptionBlockObject(name, plain(name), nil)
	}
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Choose a build type"), actionBuildType, options...)
	element.InitialOption = options[max(0, slices.Index(buildTypes, chosen))]
	return slack.NewInputBlock(blockBuildType, plain("Build type"), nil, element)
}

func variablesInput(text string) *slack.InputBlock {
	element := slack.NewPlainTextInputBlockElement(plain("APP_ENV=staging"), actionVariables)
	element.Multiline, element.InitialValue = true, text
	input := slack.NewInputBlock(blockVariables, plain("Variables"), plain("One KEY=VALUE per line. KEY=@ gives you a field for a file."), element)
	input.Optional = true
	return input
}

// filled is what a person filled into the form.
type filled struct {
	project, refKey, buildType, variables string
	refBlock                              string            // where a fault of the ref is shown
	files                                 map[string]string // what is in the fields for files, by their variables
}

func fillings(view *slack.View) filled {
	in := filled{files: make(map[string]string)}
	if view.State == nil {
		return in
	}
	for block, fields := range view.State.Values {
		switch {
		case block == blockProject:
			in.project = fields[actionProject].SelectedOption.Value
		case strings.HasPrefix(block, blockRef+"."):
			in.refKey, in.refBlock = fields[actionRef].SelectedOption.Value, block
		case block == blockBuildType:
			in.buildType = fields[actionBuildType].SelectedOption.Value
		case block == blockVariables:
			in.variables = fields[actionVariables].Value
		case strings.HasPrefix(block, blockFile+"."):
			in.files[strings.TrimPrefix(block, blockFile+".")] = fields[actionFile].Value
		}
	}
	return in
}
