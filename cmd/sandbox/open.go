package main

import (
	"context"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// browser is the command that opens an address in the browser of this desktop; nil where there is none to be seen.
func browser(system, address string, environ []string) []string {
	switch system {
	case "darwin":
		return []string{"open", address}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	screen := slices.ContainsFunc(environ, func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		return value != "" && (name == "DISPLAY" || name == "WAYLAND_DISPLAY")
	})
	if !screen {
		return nil
	}
	return []string{"xdg-open", address}
}

// openBrowser shows the page. Where that does not work there is the printed address, so nothing is said of it.
func openBrowser(ctx context.Context, address string, environ []string) {
	command := browser(runtime.GOOS, address, environ)
	if command == nil {
		return
	}
	//nolint:gosec // G204: one of the commands above, with an address of our own
	_ = exec.CommandContext(ctx, command[0], command[1:]...).Run()
}
