package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// finding is what axe-core has found.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	}
}

// axe runs axe-core over what is on the screen and fails the test for what is serious: what some people cannot use.
func (s *screen) axe(where string) {
	s.t.Helper()
	findings, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]finding](
		`axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
			.map(({ id, impact, help, nodes }) => ({ ID: id, Impact: impact, Help: help, Nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		s.fatal("running axe-core: %v", err)
	}
	for _, f := range findings {
		var nodes strings.Builder
		for _, n := range f.Nodes {
			fmt.Fprintf(&nodes, "\n  %s\n    %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n    "))
		}
		s.t.Errorf("%s: %s (%s): %s%s", where, f.ID, f.Impact, f.Help, nodes.String())
	}
}

// needAxe is axe-core's program, where it is installed.
func needAxe(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing := t.Skip
		if os.Getenv("CI") == "true" {
			missing = t.Fatal
		}
		missing("axe-core is not installed: run `npm ci` in cmd/sandbox/testdata/axe")
	}
	return string(script)
}

// TestAccessible looks at every part of the page, light and dark, in a window and on a telephone.
func TestAccessible(t *testing.T) {
	script := needAxe(t)
	browser := newBrowser(t)
	for _, look := range []struct {
		name          string
		dark          bool
		width, height int64
	}{
		{"light", false, wideWidth, wideHeight},
		{"dark", true, wideWidth, wideHeight},
		{"telephone", false, phoneWidth, phoneHeight},
	} {
		t.Run(look.name, func(t *testing.T) {
			s := newScreen(t, browser, quick(t).url, look.width, look.height)
			s.dark(look.dark)
			s.find("textbox", "Message #releases")
			s.do(chromedp.Evaluate[chromedp.Void](script))
			s.axe("the channel")
			s.form()
			s.axe("the form")
			s.click("combobox", "Branch or tag")
			s.reads("listbox", "", "Branches", "Tags") // not what was offered for the last search, which is pale meanwhile
			s.axe("the list of refs")
			s.keys(escape)
			s.click("textbox", "Variables")
			s.keys("NOT A VARIABLE")
			s.click("button", "=Run")
			s.reads("dialog", "Run pipeline", "letters, digits")
			s.axe("the form with an error")
			s.clear()
			s.click("button", "=Run")
			s.gone("dialog", "Run pipeline")
			s.reads("main", "#releases", "Passed", "1 reply")
			s.axe("the card")
			s.click("button", "1 reply")
			s.reads("complementary", "Thread", "passed")
			s.axe("the thread")
			s.click("button", "Close thread")
			if look.width < 700 {
				s.click("button", "=GitLab")
			}
			s.axe("GitLab")
			s.click("tab", "What goes wrong")
			s.axe("the levers")
			s.quiet()
		})
	}
}
