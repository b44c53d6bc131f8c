package main_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// lastLink is the address of the newest link to a pipeline on the page.
func (s *screen) lastLink() string {
	s.t.Helper()
	return look[string](s, "a link to a pipeline", "(() => [...document.querySelectorAll('main a[href*=\"/-/pipelines/\"]')].at(-1)?.href)")
}

// newest is a place in the newest message, beside the name of who wrote it.
func (s *screen) newest() point {
	s.t.Helper()
	return look[point](s, "the newest message", `(() => {
		const box = [...document.querySelectorAll('main li.message')].at(-1)?.getBoundingClientRect();
		return box && { X: box.right - 200, Y: box.top + 12 };
	})`)
}

// TestLinksOnThePage posts the address of a pipeline, which unfolds, and follows it from the menu of that message.
func TestLinksOnThePage(t *testing.T) {
	s := newScreen(t, newBrowser(t), quick(t).url, wideWidth, wideHeight)
	s.form()
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Passed", "1 reply")
	address := s.lastLink()
	s.click("textbox", "Message #releases")
	s.keys("look: " + address)
	s.keys(enter)
	s.reads("main", "#releases", "look: ", "As of ")
	s.kept("links-1-unfolded")

	at := s.newest()
	s.do(chromedp.MouseClickXY(at.X, at.Y)) // what can be done with a message is seen while the pointer is in it
	s.click("button", "More actions")
	s.reads("menu", "Message shortcuts", "Follow pipeline")
	s.kept("links-2-menu")
	s.click("menuitem", "Follow pipeline")
	s.reads("main", "#releases", "Only visible to you", "passed. Its card is here")
	s.kept("links-3-followed")
	s.quiet()
}

// TestShortcutOnThePage opens the form without a command: what it starts is shown in the person's direct messages.
func TestShortcutOnThePage(t *testing.T) {
	s := newScreen(t, newBrowser(t), quick(t).url, wideWidth, wideHeight)
	s.click("button", "Shortcuts")
	s.reads("menu", "Shortcuts", "Run pipeline")
	s.kept("shortcut-1-menu")
	s.click("menuitem", "Run pipeline")
	s.find("dialog", "Run pipeline")
	s.click("combobox", "Branch or tag")
	s.keys("main")
	s.click("option", "=main")
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.click("link", "pipebot")
	s.click("link", "=Messages")
	s.reads("main", "pipebot", "Passed", "1 reply")
	s.kept("shortcut-2-shown")
	s.quiet()
}
