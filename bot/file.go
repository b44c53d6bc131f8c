package bot

import (
	"maps"
	"slices"

	"github.com/slack-go/slack"
)

// Variables of the type file: the line KEY=@ asks for a field in which the contents are
// typed. Jobs find them in a file, and its path in the variable.
// https://docs.gitlab.com/ci/variables/#use-file-type-cicd-variables

// file is such a variable.
type file struct{ key, contents string }

const (
	// askFile is the value that makes a variable one of the type file.
	askFile = "@"
	// mostFiles is how many fields for files a form has at most.
	mostFiles = 10
	// longestFileKey: the key is part of its field's block id, which has 255.
	longestFileKey = 200
	// fieldSize is the most that a text field takes, in characters.
	// https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
	fieldSize = 3000

	blockFile  = "file"
	actionFile = "file"
)

// filesToken is what changes for a project that has a trigger token.
const filesToken = "With a file, this pipeline is started with my access token and not with the project's trigger token: " +
	"its CI_PIPELINE_SOURCE is api, and jobs with rules for triggers do not run."

func fileBlock(key string) string { return blockFile + "." + key }

func fileInput(f file) *slack.InputBlock {
	element := slack.NewPlainTextInputBlockElement(plain("What is in the file"), actionFile)
	element.Multiline, element.InitialValue, element.MaxLength = true, f.contents, fieldSize
	return slack.NewInputBlock(fileBlock(f.key), plain(shortenMiddle(f.key, fileKeyShown)+" (file)"), nil, element)
}

// fileKeyShown is as much of a key as a field's label has.
const fileKeyShown = 100

// filesFor are the contents of the files that were asked for. Where the form has other
// fields than those, missing says so; faults are by their fields.
func (in filled) filesFor(keys []string, fault func(block, text string)) (files map[string]string, missing bool) {
	for _, key := range keys {
		contents, there := in.files[key]
		switch {
		case !there:
			missing = true
		case contents == "":
			fault(fileBlock(key), "Type what is to be in the file.")
		default:
			if files == nil {
				files = make(map[string]string)
			}
			files[key] = contents
		}
	}
	return files, missing || len(keys) != len(in.files)
}

// emptyFields are fields for files, in which Slack leaves what was typed already.
func emptyFields(keys []string) []file {
	files := make([]file, len(keys))
	for i, key := range keys {
		files[i].key = key
	}
	return files
}

// filesNotes says what files change in a project.
func (b *Bot) filesNotes(project string, files []file) []string {
	if len(files) > 0 && b.Projects.Triggers(project) {
		return []string{filesToken}
	}
	return nil
}

// withFiles are variables and files as the policy and people see them: rules about a
// variable hold for it whatever its type.
func withFiles(variables, files map[string]string) map[string]string {
	if len(files) == 0 {
		return variables
	}
	all := maps.Clone(files)
	maps.Copy(all, variables)
	return all
}

// fieldKeys are the keys of the fields for files that a form has.
func (in filled) fieldKeys() []string { return slices.Sorted(maps.Keys(in.files)) }
