package main_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browsers are the names under which Chromium is installed, Debian's first.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// browser is a Chromium that runs for a test.
type browser struct{ ctx context.Context }

// newBrowser starts Chromium for a test. Where there is none the test is skipped, with CI=true it fails.
func newBrowser(t testing.TB) browser {
	t.Helper()
	var path string
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing := t.Skipf
		if os.Getenv("CI") == "true" {
			missing = t.Fatalf
		}
		missing("Chromium is not installed, and this test looks at the page in it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(t.TempDir(), "profile")),
		chromedp.DisableGPU,
		// Element.computedRole and computedName: what assistive technology is told.
		chromedp.Flag("enable-blink-features", "ComputedAccessibilityInfo"),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disk-cache-dir", os.DevNull), // a busy disk held requests up
		chromedp.Flag("hide-scrollbars", false),
		chromedp.Flag("lang", "en-US"),
	)
	if os.Geteuid() == 0 { // Chromium's own sandbox refuses to work for root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, quit := chromedp.NewContext(allocator)
	t.Cleanup(quit)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return browser{ctx}
}

// screen is one tab as a person uses it: what it names is what can be seen, and what assistive technology calls it.
type screen struct {
	t   testing.TB
	tab context.Context // lives as long as the test
	ctx context.Context // and this is for one wait after the other

	mu   sync.Mutex
	said []string // errors and warnings of the console
}

// newScreen opens the page in a tab of its own, of this size.
func newScreen(t testing.TB, b browser, url string, width, height int64) *screen {
	t.Helper()
	tab, shut := chromedp.NewContext(b.ctx)
	t.Cleanup(shut)
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, cancel := context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	s := &screen{t: t, tab: tab, ctx: ctx}
	if err := chromedp.Listen(tab, s.listen); err != nil {
		t.Fatalf("listening to the tab: %v", err)
	}
	s.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
	return s
}

// listen keeps what the page complains of.
func (s *screen) listen(event any) {
	var text string
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		text = event.ExceptionDetails.Text
		if thrown := event.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
	case *runtime.EventConsoleAPICalled:
		if event.Type != runtime.ConsoleAPICalledTypeError && event.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		for _, arg := range event.Args {
			text += string(arg.Value) + arg.Description + " "
		}
	case *log.EventEntryAdded:
		if event.Entry.Level != log.EntryLevelError && event.Entry.Level != log.EntryLevelWarning {
			return
		}
		text = event.Entry.Text + " " + event.Entry.URL
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, text)
}

// quiet fails the test if the page complained.
func (s *screen) quiet() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.said {
		s.t.Errorf("the page's console: %s", text)
	}
}

func (s *screen) do(steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, steps...); err != nil {
		s.fatal("%v", err)
	}
}

// fatal ends the test with what the person would have in front of them.
func (s *screen) fatal(format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	ctx, cancel := context.WithTimeout(s.tab, patience)
	defer cancel()
	if picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		path := filepath.Join(os.TempDir(), strings.ReplaceAll(s.t.Name(), "/", "-")+".png")
		if os.WriteFile(path, picture, 0o600) == nil {
			what += "\nwhat was on the screen is in " + path
		}
	}
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Fatalf("%s\nconsole: %q\nthe page reads:\n%s", what, s.said, text)
}

// eyes.js finds things as a person does.
//
//go:embed testdata/eyes.js
var eyes string

// look waits until the function of eyes.js answers something, and returns that.
func look[T any](s *screen, what string, function string, args ...any) T {
	s.t.Helper()
	found, err := chromedp.Run(s.ctx, chromedp.PollFunction[T](
		fmt.Sprintf("(...args) => { %s; return %s(...args) }", eyes, function),
		chromedp.WithPollingTimeout(0), chromedp.WithPollingArgs(args...)))
	if err != nil {
		s.fatal("waiting for %s: %v", what, err)
	}
	return found
}

// point is where on the screen something is.
type point struct{ X, Y float64 }

// find waits until something of this role and name is to be seen and nothing covers it.
func (s *screen) find(role, name string) point {
	s.t.Helper()
	return look[point](s, fmt.Sprintf("the %s %q", role, name), "find", role, name)
}

// click presses the thing of this role and name with the mouse.
func (s *screen) click(role, name string) {
	s.t.Helper()
	at := s.find(role, name)
	s.do(chromedp.MouseClickXY(at.X, at.Y))
}

// focused waits until the thing of this role and name has the focus.
func (s *screen) focused(role, name string) {
	s.t.Helper()
	look[bool](s, fmt.Sprintf("the focus on the %s %q", role, name), "focused", role, name)
}

// reads waits until all these words are to be seen in the thing of this role and name.
func (s *screen) reads(role, name string, words ...string) string {
	s.t.Helper()
	return look[string](s, fmt.Sprintf("%q in the %s %q", words, role, name), "reads", role, name, words)
}

// gone waits until nothing of this role and name is to be seen any more.
func (s *screen) gone(role, name string) {
	s.t.Helper()
	look[bool](s, fmt.Sprintf("the %s %q to go", role, name), "gone", role, name)
}

// keys types text where the focus is. What a key writes goes with its keydown, as from a keyboard: chromedp's own
// KeyEvent sends it after that, and a page that handles the keydown could not keep it from being written.
func (s *screen) keys(text string) {
	s.t.Helper()
	s.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, r := range text {
			written := ""
			events := kb.Encode(r)
			for _, event := range events {
				written += event.Text
			}
			for _, event := range events {
				if event.Type == kb.KeyChar {
					continue
				}
				if event.Type == kb.KeyDown {
					event.Text = written
				}
				if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *event); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// The keys that a keyboard has besides letters.
const (
	enter  = kb.Enter
	tab    = kb.Tab
	escape = kb.Escape
	down   = kb.ArrowDown
)

// dark makes the browser one that prefers a dark page, or a light one.
func (s *screen) dark(on bool) {
	s.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	s.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}

// clear takes away what is in the field that has the focus.
func (s *screen) clear() {
	s.t.Helper()
	s.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(kb.Delete))
}

// title is the page's title.
func (s *screen) title() string {
	s.t.Helper()
	title, err := chromedp.Run(s.ctx, chromedp.Title())
	if err != nil {
		s.fatal("reading the title: %v", err)
	}
	return title
}

// noSideways fails the test if the page is wider than its window.
func (s *screen) noSideways() {
	s.t.Helper()
	wide, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`))
	if err != nil || wide {
		s.t.Errorf("the page scrolls sideways: %t, %v", wide, err)
	}
}

// tabTo presses the tab key until the thing of this role and name has the focus, as somebody without a mouse does.
func (s *screen) tabTo(role, name string) {
	s.t.Helper()
	s.find(role, name)
	for range 100 {
		there, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool](fmt.Sprintf("(() => { %s; return focused(%q, %q) })()", eyes, role, name)))
		if err != nil {
			s.fatal("looking at the focus: %v", err)
		}
		if there {
			return
		}
		s.keys(tab)
	}
	s.fatal("the tab key does not lead to the %s %q", role, name)
}
