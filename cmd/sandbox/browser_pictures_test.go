package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "the folder that TestPictures fills; .ci/pictures makes the README's of it")

// TestPictures takes the README's pictures. Without -pictures it goes the same way and keeps none, so that the way
// stays good.
func TestPictures(t *testing.T) {
	folder := *pictures
	if folder == "" {
		folder = t.TempDir()
	}
	browser := newBrowser(t)
	for _, look := range []struct {
		name string
		dark bool
	}{{"light", false}, {"dark", true}} {
		t.Run(look.name, func(t *testing.T) {
			sandbox := start(t, "--repo", newEmptyRepository(t), "--speed", "4")
			s := newScreen(t, browser, sandbox.url, wideWidth, wideHeight)
			s.dark(look.dark)
			s.walk(func(name string) {
				s.picture(filepath.Join(folder, fmt.Sprintf("%s-%s.png", look.name, name)))
			})
			s.quiet()
		})
	}
}

// walk goes the way that the pictures show.
func (s *screen) walk(take func(name string)) {
	s.t.Helper()
	s.click("textbox", "Message #releases")
	s.keys("/pipe")
	s.reads("listbox", "", "/pipeline")
	take("1-command")
	s.keys(enter)
	s.keys(enter)
	s.find("dialog", "Run pipeline")
	s.click("combobox", "Branch or tag")
	s.reads("listbox", "", "Branches", "Tags")
	take("2-refs")
	s.keys("login")
	s.gone("option", "=main")
	s.find("option", "login")
	take("3-search")
	s.keys(enter)
	s.gone("listbox", "Choices")
	take("4-form")
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Running", "build 1/1")
	take("5-running")
	s.reads("main", "#releases", "Passed", "1 reply")
	take("6-passed")
	s.click("button", "1 reply")
	s.reads("complementary", "Thread", "passed")
	take("7-thread")
}

// picture keeps what is on the screen.
func (s *screen) picture(path string) {
	s.t.Helper()
	s.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
		if err != nil {
			return err
		}
		return os.WriteFile(path, shot.Data, 0o600)
	}))
}
