package main_test

import "testing"

// TestHomeOnThePage opens the app's Home, and lists pipelines in a channel.
func TestHomeOnThePage(t *testing.T) {
	s := newScreen(t, newBrowser(t), quick(t).url, wideWidth, wideHeight)
	s.form()
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Passed", "1 reply")
	s.click("textbox", "Message #releases")
	s.keys("/pipeline list")
	s.keys(enter)
	s.reads("main", "#releases", "Only visible to you", "Pipelines of", "Follow")
	s.kept("home-1-list")
	s.click("link", "pipebot")
	s.reads("main", "", "Run pipeline", "Your runs", "Passed", "group/app", "by ")
	s.kept("home-2-home")
	s.click("button", "=Run pipeline")
	s.find("dialog", "Run pipeline")
	s.quiet()
}
