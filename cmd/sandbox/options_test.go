package main_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sandbox "pipebot/cmd/sandbox"
)

func TestWrongUsage(t *testing.T) {
	noManifest := filepath.Join(t.TempDir(), "package.json")
	if err := os.WriteFile(noManifest, []byte(`{"name": "app"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, says string }{
		{"--color", "not defined: --color"},
		{"here", `"here" is no flag`},
		{"--refs many", "--refs"},
		{"--refs -1", "--refs takes a number"},
		{"--speed 0", "--speed takes a number"},
		{"--speed NaN", "--speed takes a number"},
		{"--addr 7700", "--addr takes an address such as 127.0.0.1:7700"},
		{"--addr 0.0.0.0:7700", "on loopback"},
		{"--addr :7700", "on loopback"},
		{"--addr example.com:7700", "on loopback"},
		{"--repo " + t.TempDir(), "not a git repository"},
		{"--manifest " + filepath.Join(t.TempDir(), "none.yaml"), "no such file"},
		{"--manifest " + noManifest, "display_information.name is missing"},
		{"--real-gitlab --refs 5", "--refs is about the simulated GitLab"},
		{"--manifest x --repo .", "with --manifest there is only Slack"},
		{"--manifest x --real-gitlab", "--real-gitlab is for pipebot"},
		{"--real-gitlab", "GITLAB_TOKEN: it is missing"},
	} {
		t.Run(test.args, func(t *testing.T) {
			if strings.HasPrefix(test.args, "--repo") {
				needGit(t)
			}
			var stdout, stderr bytes.Buffer
			args := append([]string{"--no-open"}, strings.Fields(test.args)...)
			if code := sandbox.Run(t.Context(), args, environ(t), &stdout, &stderr); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if !strings.Contains(stderr.String(), test.says) || stdout.Len() > 0 {
				t.Errorf("want %q on standard error alone\nstandard error:\n%s\nstandard output:\n%s", test.says, &stderr, &stdout)
			}
		})
	}
}

func TestHelpNamesAllFlags(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := sandbox.Run(t.Context(), []string{"--help"}, nil, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, want 0; standard error %q", code, &stderr)
	}
	for _, flag := range []string{"--repo", "--refs", "--speed", "--addr", "--no-open", "--real-gitlab", "--manifest"} {
		if !strings.Contains(stdout.String(), flag+" ") {
			t.Errorf("no word about %s:\n%s", flag, &stdout)
		}
	}
}

func TestWhichRequestsAreRefused(t *testing.T) {
	const own, json = "http://127.0.0.1:7700", "application/json"
	for _, test := range []struct {
		name, method, host, origin, kind string
		status                           int
	}{
		{"page", "GET", "127.0.0.1:7700", "", "", 0},
		{"page by name", "GET", "localhost:7700", "", "", 0},
		{"page on IPv6", "GET", "[::1]:7700", "", "", 0},
		{"page on port 80", "GET", "localhost", "", "", 0},
		{"events with their origin", "GET", "127.0.0.1:7700", own, "", 0},
		{"somebody's name for this machine", "GET", "evil.example:7700", "", "", 403},
		{"name that begins like ours", "GET", "localhost.evil.example:7700", "", "", 403},
		{"address of another machine", "GET", "192.0.2.1:7700", "", "", 403},
		{"no host", "GET", "", "", "", 403},
		{"events for another origin", "GET", "127.0.0.1:7700", "http://evil.example", "", 403},
		{"events for another port", "GET", "127.0.0.1:7700", "http://127.0.0.1:8080", "", 403},
		{"action", "POST", "127.0.0.1:7700", own, json, 0},
		{"action with a charset", "POST", "127.0.0.1:7700", own, json + "; charset=utf-8", 0},
		{"action without origin", "POST", "127.0.0.1:7700", "", json, 403},
		{"action for another origin", "POST", "127.0.0.1:7700", "http://evil.example", json, 403},
		{"action for a page in a frame without origin", "POST", "127.0.0.1:7700", "null", json, 403},
		{"action as a form", "POST", "127.0.0.1:7700", own, "text/plain", 415},
		{"other method", "DELETE", "127.0.0.1:7700", own, json, 405},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{Method: test.method, Host: test.host, Header: http.Header{}}
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.kind != "" {
				r.Header.Set("Content-Type", test.kind)
			}
			status, why := sandbox.Refused(r)
			if status != test.status || (why == "") != (status == 0) {
				t.Errorf("status %d %q, want %d", status, why, test.status)
			}
		})
	}
}

func TestBrowserOfTheDesktop(t *testing.T) {
	for _, test := range []struct {
		name, system string
		environ      []string
		want         string
	}{
		{"Linux with X", "linux", []string{"DISPLAY=:0"}, "xdg-open"},
		{"Linux with Wayland", "linux", []string{"WAYLAND_DISPLAY=wayland-0"}, "xdg-open"},
		{"Linux without a screen", "linux", []string{"DISPLAY=", "TERM=xterm"}, ""},
		{"macOS", "darwin", nil, "open"},
		{"Windows", "windows", nil, "rundll32"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := sandbox.Browser(test.system, "http://127.0.0.1/", test.environ)
			got := ""
			if len(command) > 0 {
				got = command[0]
			}
			if got != test.want || (got != "" && command[len(command)-1] != "http://127.0.0.1/") {
				t.Errorf("%q, want %q and the address", command, test.want)
			}
		})
	}
}
