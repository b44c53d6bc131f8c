package bot_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/slacktest"
	"pipebot/bot/slacktest/slacktypes"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is drawn now")

// picture is something that people see: a message or a view.
type picture struct {
	name    string
	message bot.Message
	view    *slack.ModalViewRequest
	home    *slack.HomeTabViewRequest
}

// golden is the folder of the golden files. Beside each .json, which is what is
// sent to Slack, stands a .txt: what a person reads.
const golden = "testdata/golden"

func TestGolden(t *testing.T) {
	kept := make(map[string]bool)
	for _, p := range pictures() {
		kept[p.name+".json"], kept[p.name+".txt"] = true, true
		t.Run(p.name, func(t *testing.T) {
			hold(t, p.name+".json", p.sent(t))
			hold(t, p.name+".txt", p.read(t))
		})
	}
	entries, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if kept[entry.Name()] {
			continue
		}
		if !*update {
			t.Errorf("%s is of no picture; -update takes it away", entry.Name())
		} else if err := os.Remove(filepath.Join(golden, entry.Name())); err != nil {
			t.Error(err)
		}
	}
}

// hold compares with a golden file, or with -update rewrites it.
func hold(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join(golden, name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// Slack's rules, as the simulated workspace knows them.
func TestPicturesKeepSlacksRules(t *testing.T) {
	for _, p := range pictures() {
		t.Run(p.name, func(t *testing.T) {
			p.checkRules(t)
		})
	}
}

// Slack's own types, as its compiler reads them.
func TestPicturesAreOfSlacksTypes(t *testing.T) {
	var samples []slacktypes.Sample
	for _, p := range pictures() {
		sample := slacktypes.Sample{Name: p.name}
		switch {
		case p.view != nil:
			sample.View = toJSON(t, p.view)
		case p.home != nil:
			sample.View = toJSON(t, p.home)
		default:
			sample.Blocks = p.blocks(t)
		}
		samples = append(samples, sample)
	}
	slacktypes.Check(t, samples...)
}

// blocks are the picture's blocks as JSON.
func (p picture) blocks(t *testing.T) []byte {
	t.Helper()
	if p.view != nil {
		return toJSON(t, p.view.Blocks.BlockSet)
	}
	if p.home != nil {
		return toJSON(t, p.home.Blocks.BlockSet)
	}
	return toJSON(t, p.message.Blocks)
}

// sent is what goes to Slack, made readable.
func (p picture) sent(t *testing.T) string {
	t.Helper()
	var data any = map[string]any{"text": p.message.Text, "blocks": p.message.Blocks}
	if p.view != nil {
		data = p.view
	}
	if p.home != nil {
		data = p.home
	}
	var plain any
	if err := json.Unmarshal(toJSON(t, data), &plain); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(plain); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// read is what a person reads: the message and its notification, or the modal.
func (p picture) read(t *testing.T) string {
	t.Helper()
	text, err := slacktest.ReadBlocks(p.blocks(t), readAt)
	if err != nil {
		t.Fatal(err)
	}
	if p.home != nil {
		return text + "\n"
	}
	if p.view == nil {
		return fmt.Sprintf("%s\n\nnotification: %s\n", text, p.message.Text)
	}
	buttons := "[" + p.view.Close.Text + "]"
	if p.view.Submit != nil {
		buttons += " [" + p.view.Submit.Text + "]"
	}
	return fmt.Sprintf("# %s\n%s\n%s\n", p.view.Title.Text, text, buttons)
}

// checkRules holds the picture against Slack's rules.
func (p picture) checkRules(t *testing.T) {
	t.Helper()
	check, data := slacktest.CheckBlocks, p.blocks(t)
	if p.view != nil {
		check, data = slacktest.CheckView, toJSON(t, p.view)
	}
	if p.home != nil {
		check, data = slacktest.CheckView, toJSON(t, p.home)
	}
	problems, err := check(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// lines are the lines of the message alone.
func (p picture) lines(t *testing.T) []string {
	t.Helper()
	text, err := slacktest.ReadBlocks(p.blocks(t), readAt)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(text, "\n")
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
