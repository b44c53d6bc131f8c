package main_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Sizes of a window and of a telephone.
const (
	wideWidth, wideHeight   = 1280, 800
	phoneWidth, phoneHeight = 390, 844
)

// quick is a sandbox whose pipelines take a second or two.
func quick(t testing.TB, args ...string) *running {
	t.Helper()
	return start(t, append([]string{"--repo", newRepository(t), "--speed", "20"}, args...)...)
}

// TestFlowByKeyboard runs a pipeline without a mouse, from the first letter of the command to the reply in the thread.
func TestFlowByKeyboard(t *testing.T) {
	browser := newBrowser(t)
	s := newScreen(t, browser, quick(t).url, wideWidth, wideHeight)
	s.tabTo("textbox", "Message #releases")
	s.keys("/pip")
	s.reads("listbox", "", "/pipeline", "Run a GitLab pipeline")
	s.keys(tab)
	s.keys(enter)
	s.reads("dialog", "Run pipeline", "Project", "Branch or tag", "Build type", "Variables")
	s.focused("combobox", "Project")
	s.tabTo("combobox", "Branch or tag")
	s.keys("login")
	s.reads("listbox", "", "Branches", "feature/login")
	s.keys(enter)
	s.tabTo("combobox", "Build type")
	s.keys(down)
	s.reads("listbox", "", "debug", "release")
	s.keys("rel")
	s.keys(enter)
	s.tabTo("textbox", "Variables")
	s.keys("APP_ENV=staging")
	s.tabTo("button", "=Run")
	s.keys(enter)
	s.gone("dialog", "Run pipeline")
	s.focused("textbox", "Message #releases")
	s.keys("On its way") // the focus alone does not tell that the field takes letters
	s.keys(enter)
	s.reads("main", "#releases", "Alice Novak", "On its way")
	s.reads("main", "#releases", "pipebot", "Passed", "group/app", "feature/login", "release", "@alice", "1 reply")
	s.quiet()
}

// TestFlowByMouse does the same with a mouse, looks into the thread, and at GitLab's side of it.
func TestFlowByMouse(t *testing.T) {
	browser := newBrowser(t)
	s := newScreen(t, browser, quick(t).url, wideWidth, wideHeight)
	s.command()
	s.click("combobox", "Branch or tag")
	s.click("option", "v1.0.0")
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("article", "v1.0.0", "Passed", "BUILD_TYPE=debug")
	s.reads("main", "#releases", "Passed", "v1.0.0", "1 reply")
	s.click("button", "1 reply")
	s.reads("complementary", "Thread", "@alice", "passed", "Artifacts")
	s.click("textbox", "Reply")
	s.keys("Thank you")
	s.keys(enter)
	s.reads("complementary", "Thread", "Alice Novak", "Thank you")
	s.reads("main", "#releases", "2 replies")
	s.click("button", "Close thread")
	s.gone("complementary", "Thread")
	s.quiet()
}

// command opens the form as most do.
func (s *screen) command() {
	s.t.Helper()
	s.click("textbox", "Message #releases")
	s.keys("/pipeline")
	s.keys(enter)
	s.find("dialog", "Run pipeline")
}

// form opens the form and chooses the branch main: right after the start the bot may not know yet that it is the default.
func (s *screen) form() {
	s.t.Helper()
	s.command()
	s.click("combobox", "Branch or tag")
	s.keys("main")
	s.click("option", "=main")
}

// TestInlineError shows what is wrong at its field, keeps what was typed, and takes the mended form.
func TestInlineError(t *testing.T) {
	browser := newBrowser(t)
	s := newScreen(t, browser, quick(t).url, wideWidth, wideHeight)
	s.form()
	s.click("textbox", "Variables")
	s.keys("NOT A VARIABLE")
	s.click("button", "=Run")
	s.reads("dialog", "Run pipeline", "a key has letters, digits and _ only")
	s.focused("textbox", "Variables")
	s.clear()
	s.keys("APP_ENV=staging")
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Passed")
	s.quiet()
}

// TestSecondPerson looks on while Alice runs a pipeline: the card is the same, the form and the private answer are not theirs.
func TestSecondPerson(t *testing.T) {
	browser := newBrowser(t)
	sandbox := quick(t)
	alice := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
	alice.find("textbox", "Message #releases")
	bob := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
	bob.actAs("Bob Meier")

	alice.command()
	bob.gone("dialog", "")
	alice.keys(escape)
	alice.gone("dialog", "")
	alice.form()
	alice.click("button", "=Run")
	bob.reads("main", "#releases", "Passed", "asked for by @alice")
	bob.click("button", "1 reply")
	bob.reads("complementary", "Thread", "@alice", "passed")

	// Slack itself tells somebody external that the command is not theirs; a guest may type it, and is refused.
	bob.actAs("Erin Eng")
	bob.reads("navigation", "Conversations", "Erin Eng")
	bob.gone("button", "Acting as Bob Meier")
	bob.click("textbox", "Message #releases")
	bob.keys("/pipeline")
	bob.keys(enter)
	bob.reads("main", "#releases", "Only visible to you", "/pipeline")
	bob.actAs("Gus Grant")
	bob.click("textbox", "Message #releases")
	bob.keys("/pipeline")
	bob.keys(enter)
	bob.reads("main", "#releases", "Only visible to you", "guest")
	alice.quiet()
	bob.quiet()
}

// TestSocketDrop breaks the connections in the middle of a pipeline, which ends all the same.
func TestSocketDrop(t *testing.T) {
	browser := newBrowser(t)
	sandbox := quick(t)
	s := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
	s.form()
	s.click("button", "=Run")
	s.reads("main", "#releases", "pipebot", "main")
	s.click("tab", "What goes wrong")
	s.click("button", "Drop the connections")
	s.reads("main", "#releases", "Passed", "1 reply")
	s.command()
	s.find("combobox", "Branch or tag")
	s.quiet()
}

// TestManyRefs types into the picker of 100,000 refs.
func TestManyRefs(t *testing.T) {
	browser := newBrowser(t)
	s := newScreen(t, browser, start(t, "--refs", "100000", "--speed", "20").url, wideWidth, wideHeight)
	s.command()
	s.click("combobox", "Branch or tag")
	s.reads("listbox", "", "Branches")
	s.keys("release")
	s.reads("listbox", "", "release/")
	s.keys(escape)
	s.find("dialog", "Run pipeline") // the key closed the list alone
	s.quiet()
}

// TestHostileText posts what would be markup if the page took it for HTML, and what takes long to read.
func TestHostileText(t *testing.T) {
	browser := newBrowser(t)
	sandbox := quick(t)
	alice := sandbox.as("alice")
	sandbox.do("post", object{
		"as": alice.id, "channel": alice.channel("releases"), "text": "http://a" + strings.Repeat(")", 30_000),
	})
	s := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
	const text = `<img src=x onerror="document.title='taken'"><b>bold</b> & <https://example.com|a link>`
	s.click("textbox", "Message #releases")
	s.keys(text)
	s.keys(enter)
	s.reads("main", "#releases", `<img src=x onerror=`, `<b>bold</b>`)
	if got := s.title(); got == "taken" {
		t.Error("what was typed has run")
	}
	s.quiet()
}

// TestManyTabs opens more tabs than a browser has connections to one server, and acts in the last.
func TestManyTabs(t *testing.T) {
	browser := newBrowser(t)
	sandbox := quick(t)
	for range 7 {
		s := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
		s.find("textbox", "Message #releases")
		// A tab behind others: this browser has windows, all of which are seen.
		s.do(chromedp.Evaluate[chromedp.Void](`Object.defineProperty(document, 'hidden', { value: true });
			void document.dispatchEvent(new Event('visibilitychange'))`))
	}
	newScreen(t, browser, sandbox.url, wideWidth, wideHeight).command()
}

// TestPhone walks through the panes of a telephone.
func TestPhone(t *testing.T) {
	browser := newBrowser(t)
	s := newScreen(t, browser, quick(t).url, phoneWidth, phoneHeight)
	s.form()
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Passed", "1 reply")
	s.noSideways()
	s.click("button", "1 reply")
	s.reads("complementary", "Thread", "passed")
	s.noSideways()
	s.click("button", "Close thread")
	s.click("button", "=GitLab")
	s.reads("complementary", "GitLab", "group/app", "Passed")
	s.noSideways()
	s.click("button", "=Chats")
	s.reads("navigation", "Conversations", "releases", "Alice Novak")
	s.noSideways()
	s.quiet()
}
