package main_test

import (
	"path/filepath"
	"testing"
)

// actAs becomes somebody else.
func (s *screen) actAs(name string) {
	s.t.Helper()
	s.click("button", "Acting as")
	s.click("menuitemradio", name)
	s.find("button", "Acting as "+name)
}

// kept takes a picture where -pictures asks for some.
func (s *screen) kept(name string) {
	s.t.Helper()
	if *pictures != "" {
		s.picture(filepath.Join(*pictures, name+".png"))
	}
}

// TestApprovalOnThePage asks for a release, which waits until a maintainer has agreed. Nobody else can let it go.
func TestApprovalOnThePage(t *testing.T) {
	s := newScreen(t, newBrowser(t), quick(t).url, wideWidth, wideHeight)
	s.command()
	s.click("combobox", "Branch or tag")
	s.click("option", "release/2.4")
	s.click("combobox", "Build type")
	s.click("option", "=release")
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "release/2.4", "What customers get is looked at by two", "Approve", "Refuse")
	s.kept("approval-1-held")
	s.click("button", "=Approve")
	s.click("button", "=Approve") // in the dialog that asks whether one means it
	s.reads("main", "#releases", "Only visible to you", "you have asked for it yourself")
	s.kept("approval-2-not-oneself")

	s.actAs("Carol Diaz")
	s.click("button", "=Approve")
	s.click("button", "=Approve")
	s.reads("main", "#releases", "Passed", "release/2.4", "@carol", "1 reply")
	s.kept("approval-3-passed")
	s.quiet()
}

// TestLinkOnThePage links somebody whose e-mail address GitLab does not show. What she asked for before goes on then.
func TestLinkOnThePage(t *testing.T) {
	s := newScreen(t, newBrowser(t), quick(t).url, wideWidth, wideHeight)
	s.reads("complementary", "GitLab", "group/app")
	s.gone("textbox", "Code")
	s.actAs("Dana Droste")
	s.form()
	s.click("button", "=Run")
	s.gone("dialog", "Run pipeline")
	s.reads("main", "#releases", "Only visible to you", "Link my GitLab account")
	s.kept("link-1-asked")
	s.click("button", "=Link my GitLab account")
	s.reads("main", "#releases", "confirm the code")
	s.click("link", "=GitLab")
	s.focused("textbox", "Code")
	s.kept("link-2-code")
	s.reads("complementary", "GitLab", "Dana Droste (ddroste)")
	s.click("button", "=Confirm")
	s.gone("textbox", "Code")
	s.reads("main", "#releases", "You are ddroste in GitLab")
	s.reads("main", "#releases", "Passed", "asked for by @dana", "1 reply")
	s.kept("link-3-passed")
	s.quiet()
}
