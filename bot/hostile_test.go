package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

// hostile are names that would do something if they were markup.
var hostile = map[string]string{
	"a mention of all":            "<!channel>",
	"a mention of who is here":    "<!here|here>",
	"a mention of a person":       "<@U1>",
	"a mention of a group":        "<!subteam^S1>",
	"a link to a channel":         "<#C1>",
	"a link":                      "<http://evil.example|x>",
	"a date":                      "<!date^0^{date}^http://evil.example|x>",
	"bold":                        "*b*",
	"italic and struck":           "_i_~s~",
	"code":                        "`x`",
	"a fence":                     "```x```",
	"an emoji":                    ":rotating_light:",
	"an escaped mention":          "&lt;!channel&gt;",
	"a half-open mention":         "<!channel",
	"a quote":                     "> q",
	"a line break":                "line\nbreak",
	"a Windows line break":        "line\r\nbreak",
	"a Unicode line break":        "line\u2028break\u2029break\u0085break",
	"a turn to the left":          "\u202egnp.exe",
	"an isolate that has no end":  "\u2067x",
	"a control character":         "a\x00b\x1b[31mc",
	"bytes that are no letters":   "a\xff\xfeb",
	"JSON":                        `"}],"text":"x`,
	"a right-to-left letter":      "ענף",
	"the mark of a shortened one": "…",
	"a secret":                    "PASSWORD=glpat-0123456789abcdefghij",
	"a bomb":                      ":bomb: @here",
	"letters that are not seen":   "a\u200bb\u2060c",
	"HTML":                        "<b onclick=x>&amp;</b>",
	"10,000 letters":              strings.Repeat("x<", 5000),
}

// everything is all that is drawn of things that have a name from outside.
func everything(name string) []picture {
	var list []picture
	add := func(what string, m bot.Message) { list = append(list, picture{name: what, message: m}) }
	names := func(r *run.Run) { named(r, name); r.Pipeline.YAMLErrors = name }
	states := map[string]run.Run{
		"unclear": requested(inProject(run.Starting), func(r *run.Run) { r.Unclear = true }),
		"unknown": requested(inProject(run.Unknown)),
		"refused": refused(run.Refusal{Kind: gitlab.Invalid, Message: name, Source: "api"}),
		"deleted": deleted(),
		"no jobs": ended(gitlab.StatusFailed, yamlErrors(name)),
	}
	for _, status := range append(goingOn, gitlab.StatusCanceling) {
		states[string(status)] = running(func(r *run.Run) { r.Pipeline.Status = status })
	}
	for _, status := range []gitlab.Status{gitlab.StatusSuccess, gitlab.StatusFailed, gitlab.StatusCanceled, gitlab.StatusSkipped} {
		states["ended "+string(status)] = ended(status)
	}
	for what, r := range states {
		if what == "no jobs" {
			r.Request.Ref.Name = name
		} else {
			names(&r)
		}
		add("card "+what, bot.Card(r))
		for _, reply := range bot.Replies(r) {
			add("reply "+what, reply.Message)
		}
	}
	for _, kind := range []gitlab.Kind{gitlab.Invalid, gitlab.Forbidden, gitlab.NotFound, gitlab.Unauthorized} {
		for _, source := range []string{"api", "trigger"} {
			_, m := bot.NoticeFor(edited(refused(run.Refusal{Kind: kind, Message: name, Source: source}), names))
			add(fmt.Sprintf("notice %s by %s", kind, source), m)
		}
		add("button "+kind.String(), bot.ActionFailed("cancel", &gitlab.Error{Kind: kind, Message: name}))
	}
	for _, known := range []string{"Reference not found", "Ref is ambiguous", "sufficient permission to run a pipeline"} {
		_, m := bot.NoticeFor(edited(refused(run.Refusal{Kind: gitlab.Invalid, Message: known}), names))
		add("notice "+known, m)
	}
	for _, r := range []run.Run{waits(gitlab.NotSent), requested(inProject(run.Unknown))} {
		_, m := bot.NoticeFor(edited(r, names))
		add("notice "+string(r.State), m)
	}
	ref := gitlab.Ref{Kind: gitlab.Branch, Name: name}
	project := name[:min(len(name), 255)] // GitLab's longest path
	view := bot.Modal(bot.Form{Project: project, Channel: channel}, []string{"group/app", project}, []string{"debug", "release"}, &ref, name)
	list = append(list, picture{name: "modal", view: &view})
	first := requested(names).Request
	first.Project = name
	second := first
	second.Ref.Kind = gitlab.Tag
	list = append(list, aboutRights(all(name))...)
	list = append(list, aboutTests(all(name))...)
	list = append(list, aboutTokens(name, name)...)
	list = append(list, lists(all(name))...)
	list = append(list, homes(all(name))...)
	list = append(list, aboutFollowing(names, func(r *run.Run) {
		if r.Pipeline.User.Username != "" {
			r.Pipeline.User.Username = name
		}
		for i := range r.Acts {
			if r.Acts[i].Job != "" {
				r.Acts[i].Job = name
			}
		}
	})...)
	list = append(list, aboutActs(all(name))...)
	list = append(list, aboutDoubts(all(name))...)
	list = append(list, aboutStarting(all(name[:min(len(name), 150)]))...) // longer ones fit into no button
	return append(list, picture{name: "already taken", view: bot.Taken(first, second, true).(*slack.ViewSubmissionResponse).View})
}

// A name from outside changes words and nothing else: no element, no link, no
// mention, no line comes or goes by it.
func TestHostileNamesStayWords(t *testing.T) {
	harmless := make(map[string]string)
	lines := make(map[string]int)
	for _, p := range everything("harmless") {
		harmless[p.name], lines[p.name] = p.structure(t), len(p.lines(t))
	}
	for what, name := range hostile {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, p := range everything(name) {
				t.Run(p.name, func(t *testing.T) {
					if got, want := p.structure(t), harmless[p.name]; got != want {
						t.Errorf("the structure (-harmless +got):\n%s", cmp.Diff(want, got))
					}
					if got, want := len(p.lines(t)), lines[p.name]; got != want {
						t.Errorf("it has %d lines, with a harmless name %d:\n%s", got, want, p.read(t))
					}
					p.checkText(t)
					p.checkRules(t)
				})
			}
		})
	}
}

// structure is the JSON of a picture without its words. The text of mrkdwn stays,
// since there words can be markup.
func (p picture) structure(t *testing.T) string {
	t.Helper()
	var tree any
	if err := json.Unmarshal(p.blocks(t), &tree); err != nil {
		t.Fatal(err)
	}
	return string(toJSON(t, withoutWords(tree)))
}

func withoutWords(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if _, word := value.(string); word && v["type"] != "mrkdwn" && (key == "text" || key == "value" || key == "initial_value") {
				v[key] = ""
			} else {
				v[key] = withoutWords(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutWords(v[i])
		}
	}
	return v
}

// checkText looks at what devices show, which Slack reads as mrkdwn, and at letters
// that turn others around wherever they may stand.
func (p picture) checkText(t *testing.T) {
	t.Helper()
	text := p.message.Text
	if strings.ContainsAny(text, "<>\n") {
		t.Errorf("the notification has markup or lines: %q", text)
	}
	if plain := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(text); strings.Contains(plain, "&") {
		t.Errorf("the notification has an entity that is not Slack's: %q", text)
	}
	read := p.read(t)
	for _, r := range read {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' {
			t.Errorf("people are sent %U in %q", r, read)
		}
	}
}

// The hint is the one text in mrkdwn.
func TestInviteHintEscapesTheBotsName(t *testing.T) {
	hint := toJSON(t, bot.InviteHint(channel, "<!channel>"))
	if strings.Contains(string(hint), "<!") || strings.Contains(string(hint), `\u003c!`) {
		t.Errorf("the hint mentions the channel: %s", hint)
	}
}

// What is said in place of a field is one line for each wrong line.
func TestHostileVariableKeysStayInTheirLine(t *testing.T) {
	for what, key := range hostile {
		if what == "a secret" {
			continue // nothing is wrong with it
		}
		t.Run(what, func(t *testing.T) {
			typed := "A=1\n" + strings.ReplaceAll(key, "\n", " ") + "\n"
			_, faults := bot.ParseVariables(typed, "BUILD_TYPE")
			if faults == "" || strings.ContainsFunc(faults, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
			}) {
				t.Errorf("the faults are %q", faults)
			}
		})
	}
}
