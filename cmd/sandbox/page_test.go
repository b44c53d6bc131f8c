package main_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// A person asks for a pipeline with nothing but what the page has: its map, and its actions.
func TestPipelineFromCommandToItsEnd(t *testing.T) {
	t.Parallel()
	r := start(t, "--repo", newRepository(t), "--speed", "2") // slow enough to be seen running
	alice := r.as("alice")
	channel := alice.channel("releases")
	alice.find("project/", func(p object) bool {
		return p["path"] == "group/app" && p["branches"] == 3.0 && p["tags"] == 1.0
	})

	r.do("command", object{"as": alice.id, "channel": channel, "command": "/pipeline", "text": ""})
	view := alice.find("view/", func(v object) bool { return v["index"] == 0.0 })
	menu := element(t, view["view"].(object), "external_select")
	offered := r.do("suggest", object{
		"as": alice.id, "view": view["id"], "block_id": menu.block, "action_id": menu.action, "query": "login",
	})
	values := object{
		menu.block:  object{menu.action: option(t, offered, "feature/login")},
		"variables": object{"variables": "no variable"},
	}
	submit := object{"as": alice.id, "view": view["id"], "values": values}
	if refused := r.do("submit", submit); refused["closed"] != false || len(refused["errors"].(object)) != 1 {
		t.Errorf("submitted with a faulty field: %v", refused)
	}
	alice.find("view/", func(v object) bool { return len(v["errors"].(object)) == 1 })
	values["variables"] = object{"variables": "APP_ENV=staging"}
	if taken := r.do("submit", submit); taken["closed"] != true {
		t.Errorf("submitted: %v", taken)
	}
	alice.gone("view/")

	card := alice.find("message/"+channel, reads("Running"))
	ended := alice.find("message/"+channel+"/"+card["ts"].(string), reads("Passed"))
	if string(mustJSON(t, card["blocks"])) == string(mustJSON(t, ended["blocks"])) {
		t.Error("the card's blocks are the same when the pipeline has ended")
	}
	alice.find("message/"+channel, func(m object) bool { return m["thread_ts"] == card["ts"] && m["ts"] != card["ts"] })
	alice.find("message/"+channel, func(m object) bool { return m["ts"] == card["ts"] && m["reply_count"] == 1.0 })
	alice.find("pipeline/", func(p object) bool {
		return p["ref"] == "feature/login" && p["status"] == "success" && p["duration"] != nil &&
			strings.Contains(string(mustJSON(t, p["variables"])), `{"key":"APP_ENV","value":"staging"}`)
	})
	w := alice.find("workspace", func(object) bool { return true })
	if len(w["violations"].([]any)) > 0 || w["bot"] != "running" {
		t.Errorf("the workspace at the end: %v", w)
	}
}

// What a person does in GitLab itself shows on the card; the buttons of the card act in GitLab.
func TestCardAndGitLabMoveEachOther(t *testing.T) {
	t.Parallel()
	r := start(t, "--speed", "0.1") // which moves by hand in the time of a test
	alice := r.as("alice")
	channel := alice.channel("releases")
	r.do("command", object{"as": alice.id, "channel": channel, "command": "/pipeline", "text": ""})
	view := alice.find("view/", func(object) bool { return true })
	menu := element(t, view["view"].(object), "external_select")
	offered := r.do("suggest", object{
		"as": alice.id, "view": view["id"], "block_id": menu.block, "action_id": menu.action, "query": "main",
	})
	// The form may have opened before the bot knew the default branch.
	values := object{menu.block: object{menu.action: option(t, offered, "main")}}
	r.do("submit", object{"as": alice.id, "view": view["id"], "values": values})
	running := alice.find("pipeline/", func(p object) bool { return p["source"] == "trigger" })
	r.do("pipeline", object{"as": alice.id, "id": running["id"], "do": "fail"})
	alice.find("message/"+channel, reads("Failed"))
	card := alice.find("message/"+channel, reads("Retry"))
	button := element(t, card, "button", "Retry")
	r.do("act", object{
		"as": alice.id, "channel": channel, "ts": card["ts"],
		"block_id": button.block, "action_id": button.action, "value": nil,
	})
	again := alice.find("pipeline/", func(p object) bool { return p["id"] == running["id"] && p["status"] != "failed" })
	jobs := again["stages"].([]any)[0].(object)["jobs"].([]any)
	r.do("pipeline", object{"as": alice.id, "id": again["id"], "job": jobs[0].(object)["id"], "do": "cancel"})
	alice.find("pipeline/", func(p object) bool { return p["id"] == running["id"] && p["status"] == "canceled" })
	r.do("pipeline", object{"as": alice.id, "id": again["id"], "do": "delete"})
	alice.gone("pipeline/" + string(mustJSON(t, again["id"])))
	if refused := r.try("pipeline", object{"as": alice.id, "id": again["id"], "do": "retry"}); refused["ok"] != false {
		t.Error("a deleted pipeline was retried")
	}
}

func TestWhoSeesAndMayDoWhat(t *testing.T) {
	t.Parallel()
	r := start(t)
	alice, bob, erin := r.as("alice"), r.as("bob"), r.as("erin")
	room := alice.channel("release-room")
	bob.mu.Lock()
	if bob.state["channel/"+room] != nil {
		t.Error("bob sees a private channel that he is not in")
	}
	bob.mu.Unlock()
	post := object{"as": bob.id, "channel": room, "text": "Hello"}
	if answer := r.try("post", post); answer["ok"] != false {
		t.Error("bob writes into a channel that he does not see")
	}
	command := object{"as": erin.id, "channel": erin.channel("releases"), "command": "/pipeline", "text": ""}
	if said, _ := r.try("command", command)["error"].(string); !strings.Contains(said, "other teams") {
		t.Errorf("somebody of another team types /pipeline: %q", said)
	}
	command["as"], command["command"] = alice.id, "/deploy"
	if answer := r.try("command", command); answer["error"] != "/deploy is not a valid command." {
		t.Errorf("a command that is not there: %v", answer)
	}
	r.do("command", object{"as": alice.id, "channel": room, "command": "/invite", "text": "@pipebot"})
	alice.find("channel/"+room, func(c object) bool { return c["app_in"] == true })
	r.do("command", object{"as": alice.id, "channel": room, "command": "/invite", "text": "@bob"})
	bob.find("channel/"+room, func(c object) bool { return c["kind"] == "group" })
	post["thread_ts"] = bob.find("message/"+room, func(object) bool { return true })["ts"]
	said := r.do("post", post)
	alice.find("message/"+room+"/"+said["ts"].(string), func(m object) bool {
		return m["text"] == "Hello" && m["user"] == bob.id
	})
	r.do("command", object{"as": alice.id, "channel": room, "command": "/remove", "text": "@pipebot"})
	alice.find("channel/"+room, func(c object) bool { return c["app_in"] == false })
}

func TestOnlyItsOwnPageIsServed(t *testing.T) {
	t.Parallel()
	r := start(t)
	own := map[string]string{"Origin": r.origin(), "Content-Type": "application/json"}
	foreign := map[string]string{"Origin": "http://evil.example", "Content-Type": "application/json"}
	noOrigin := map[string]string{"Content-Type": "application/json"}
	form := map[string]string{"Origin": r.origin(), "Content-Type": "text/plain"}
	for _, test := range []struct {
		name, method, address string
		header                map[string]string
		body                  string
		status                int
	}{
		{"page", "GET", r.url, nil, "", 200},
		{"file that is not there", "GET", r.url + "none.js", nil, "", 404},
		{"Go source", "GET", r.url + "../main.go", nil, "", 404},
		{"without the token", "GET", r.origin() + "/", nil, "", 404},
		{"events without the token", "GET", r.origin() + "/events", nil, "", 404},
		{"action without the token", "POST", r.origin() + "/do/home", own, "{}", 404},
		{"token of somebody else", "GET", r.origin() + "/AAAAAAAAAAAAAAAAAAAAAAAAAA/", nil, "", 404},
		{"other host", "GET", r.url, map[string]string{"Host": "evil.example"}, "", 403},
		{"events for another origin", "GET", r.url + "events", foreign, "", 403},
		{"events of nobody", "GET", r.url + "events?as=U1", nil, "", 404},
		{"action for another origin", "POST", r.url + "do/home", foreign, "{}", 403},
		{"action without origin", "POST", r.url + "do/home", noOrigin, "{}", 403},
		{"action as a form", "POST", r.url + "do/home", form, "{}", 415},
		{"action that is not there", "POST", r.url + "do/nothing", own, "{}", 404},
		{"action by address", "GET", r.url + "do/home", nil, "", 404},
		{"action of nobody", "POST", r.url + "do/home", own, `{"as": "U1"}`, 400},
		{"action that is no JSON", "POST", r.url + "do/home", own, "{", 400},
		{"action that is too large", "POST", r.url + "do/post", own, `{"text": "` + strings.Repeat("x", 2<<20) + `"}`, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := r.send(test.method, test.address, []byte(test.body), test.header)
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status || len(text) == 0 {
				t.Errorf("status %d, want %d; it says %q", response.StatusCode, test.status, text)
			}
			for name, want := range map[string]string{
				"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			} {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
				t.Errorf("Content-Security-Policy: %q", policy)
			}
		})
	}
}

// ids are those of an element and its block.
type ids struct{ block, action string }

// element finds the only element of a type, and with a text if one is given, in the blocks of a message or view.
func element(t *testing.T, in object, kind string, text ...string) ids {
	t.Helper()
	var found []ids
	for _, b := range in["blocks"].([]any) {
		block := b.(object)
		elements, _ := block["elements"].([]any)
		for _, name := range []string{"element", "accessory"} {
			if e, ok := block[name]; ok {
				elements = append(elements, e)
			}
		}
		for _, e := range elements {
			e := e.(object)
			said := string(mustJSON(t, e["text"]))
			if e["type"] == kind && (len(text) == 0 || strings.Contains(said, text[0])) {
				found = append(found, ids{block["block_id"].(string), e["action_id"].(string)})
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d elements %s %q in %s", len(found), kind, text, mustJSON(t, in))
	}
	return found[0]
}

// option finds the option of this text among those that were suggested.
func option(t *testing.T, offered object, text string) object {
	t.Helper()
	all, _ := offered["options"].([]any)
	groups, _ := offered["option_groups"].([]any)
	for _, g := range groups {
		all = append(all, g.(object)["options"].([]any)...)
	}
	for _, o := range all {
		if o.(object)["text"].(object)["text"] == text {
			return o.(object)
		}
	}
	t.Fatalf("%q is not offered: %s", text, mustJSON(t, offered))
	return nil
}

// reads tells if a message of the app has these words in its blocks.
func reads(words string) func(object) bool {
	return func(m object) bool {
		text, err := json.Marshal(m["blocks"])
		return err == nil && strings.Contains(string(text), words)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
