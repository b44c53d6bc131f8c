package gitlabtest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pipebot/gitlab/gitlabtest"
)

type device struct {
	DeviceCode string  `json:"device_code"`
	UserCode   string  `json:"user_code"`
	URI        string  `json:"verification_uri"`
	Complete   string  `json:"verification_uri_complete"`
	ExpiresIn  int     `json:"expires_in"`
	Interval   float64 `json:"interval"`
}

// signIn is a device that asks for a code, on an instance that lets itself be asked as often as one likes.
func signIn(t *testing.T) (w *world, clientID string, d device) {
	t.Helper()
	w = newWorld(t)
	w.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Nanosecond})
	clientID = w.AddApplication("device")
	return w, clientID, decode[device](w, w.authorize(clientID, "read_user"), 200)
}

func (w *world) authorize(clientID, scope string) answer {
	w.t.Helper()
	return w.ask("POST", w.URL+"/oauth/authorize_device", "", url.Values{"client_id": {clientID}, "scope": {scope}})
}

func (w *world) poll(clientID, deviceCode string) answer {
	w.t.Helper()
	return w.ask("POST", w.URL+"/oauth/token", "", url.Values{
		"client_id": {clientID}, "device_code": {deviceCode}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"},
	})
}

func (w *world) wantError(a answer, status int, code string) {
	w.t.Helper()
	body := decode[struct{ Error string }](w, a, status)
	if body.Error != code {
		w.t.Errorf("the error is %q, want %q", body.Error, code)
	}
}

func TestDeviceFlowOfGitLab(t *testing.T) {
	w := newWorld(t)
	d := decode[device](w, w.authorize(w.AddApplication("device"), "read_user"), 200)
	want := device{d.DeviceCode, d.UserCode, w.URL + "/oauth/device", w.URL + "/oauth/device?user_code=" + d.UserCode, 300, 5}
	if d != want || len(d.DeviceCode) != 64 || len(d.UserCode) != 8 || strings.ToUpper(d.UserCode) != d.UserCode {
		t.Errorf("got %+v", d)
	}
}

func TestDeviceFlow(t *testing.T) {
	w, client, d := signIn(t)
	w.wantError(w.poll(client, d.DeviceCode), 400, "authorization_pending")
	developer := w.users[gitlabtest.Developer]
	if err := developer.Approve(d.UserCode); err != nil {
		t.Fatal(err)
	}
	if len(w.UserCodes()) > 0 || developer.Approve(d.UserCode) == nil {
		t.Error("the code can be confirmed again")
	}
	token := decode[struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Scope   string `json:"scope"`
		Expires int    `json:"expires_in"`
	}](w, w.poll(client, d.DeviceCode), 200)
	if token.Type != "Bearer" || token.Scope != "read_user" || token.Expires != 7200 || w.OAuthTokens() != 1 {
		t.Errorf("got %+v, %d live", token, w.OAuthTokens())
	}
	w.wantError(w.poll(client, d.DeviceCode), 400, "invalid_grant")

	user := decode[struct{ Username string }](w, w.bearer("/user", token.Token), 200)
	if user.Username != "developer" {
		t.Errorf("it is the token of %q", user.Username)
	}
	if a := w.bearer("/projects/1", token.Token); a.Status != 403 || !strings.Contains(a.Body, "insufficient_scope") {
		t.Errorf("beyond its scope: %d %s", a.Status, a.Body)
	}
	if a := w.ask("GET", "/user", token.Token, nil); a.Status != 401 {
		t.Errorf("as a personal access token: %d %s", a.Status, a.Body)
	}
	revoke := url.Values{"client_id": {client}, "token": {token.Token}}
	if a := w.ask("POST", w.URL+"/oauth/revoke", "", revoke); a.Status != 200 || a.Body != "{}" || w.OAuthTokens() != 0 {
		t.Errorf("revoking: %d %s, %d live", a.Status, a.Body, w.OAuthTokens())
	}
	if a := w.bearer("/user", token.Token); a.Status != 401 {
		t.Errorf("revoked: %d %s", a.Status, a.Body)
	}
	for _, secret := range []string{d.DeviceCode, token.Token} {
		if !strings.Contains(strings.Join(w.OAuthSecrets(), " "), secret) {
			t.Errorf("%s is not among the secrets", secret)
		}
	}
}

// bearer reads a path under /api/v4 with an application's token.
func (w *world) bearer(path, token string) answer {
	w.t.Helper()
	a, err := w.send("GET", path, func(header map[string][]string) { header["Authorization"] = []string{"Bearer " + token} }, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestDeviceFlowErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *world, client string, d device) (string, string)
		status int
		code   string
	}{
		{"refused", func(w *world, client string, d device) (string, string) {
			if err := w.users[gitlabtest.Guest].Deny(d.UserCode); err != nil {
				w.t.Fatal(err)
			}
			return client, d.DeviceCode
		}, 400, "access_denied"},
		{"expired", func(w *world, client string, d device) (string, string) {
			w.ExpireCode(d.UserCode)
			return client, d.DeviceCode
		}, 400, "expired_token"},
		{"too fast", func(w *world, client string, d device) (string, string) {
			w.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Hour})
			w.wantError(w.poll(client, d.DeviceCode), 400, "authorization_pending")
			return client, d.DeviceCode
		}, 400, "slow_down"},
		{"another application", func(w *world, _ string, d device) (string, string) {
			return w.AddApplication("other"), d.DeviceCode
		}, 400, "invalid_grant"},
		{"another code", func(_ *world, client string, _ device) (string, string) { return client, "x" }, 400, "invalid_grant"},
		{"an unknown application", func(_ *world, _ string, d device) (string, string) { return "x", d.DeviceCode }, 401, "invalid_client"},
		{"a confidential application", func(w *world, client string, d device) (string, string) {
			w.SetConfidential(client, true)
			return client, d.DeviceCode
		}, 401, "invalid_client"},
		{"an old instance", func(w *world, client string, d device) (string, string) {
			w.SetVersion("17.1.0")
			return client, d.DeviceCode
		}, 400, "unsupported_grant_type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, client, d := signIn(t)
			w.wantError(w.poll(test.change(w, client, d)), test.status, test.code)
		})
	}
}

func TestAuthorizeDeviceErrors(t *testing.T) {
	for _, test := range []struct {
		name          string
		version       string
		client, scope string
		status        int
		contains      string
	}{
		{"an unknown application", "19.4.0", "x", "read_user", 401, "invalid_client"},
		{"a scope that it has not", "19.4.0", "", "api", 400, "invalid_scope"},
		{"no scope, which is all it has", "19.4.0", "", "", 200, "device_code"},
		{"before 17.2", "17.1.9", "", "read_user", 404, "Page not found"},
		{"17.2, behind a flag", "17.2.1", "", "read_user", 204, ""},
		{"17.3", "17.3.0", "", "read_user", 200, "device_code"},
		{"18", "18.0", "", "read_user", 200, "device_code"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.SetVersion(test.version)
			if test.client == "" {
				test.client = w.AddApplication("device")
			}
			a := w.authorize(test.client, test.scope)
			if a.Status != test.status || !strings.Contains(a.Body, test.contains) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}

func TestWhoCanConfirm(t *testing.T) {
	for name, change := range map[string]func(w *world, d *device){
		"an unknown code":     func(_ *world, d *device) { d.UserCode = "ABCD1234" },
		"no code":             func(_ *world, d *device) { d.UserCode = "" },
		"an expired code":     func(w *world, d *device) { w.ExpireCode(d.UserCode) },
		"somebody locked out": func(w *world, _ *device) { w.users[gitlabtest.Owner].Block() },
	} {
		t.Run(name, func(t *testing.T) {
			w, client, d := signIn(t)
			code := d.DeviceCode
			change(w, &d)
			if w.users[gitlabtest.Owner].Approve(d.UserCode) == nil || w.users[gitlabtest.Owner].Deny(d.UserCode) == nil {
				t.Error("no error")
			}
			if a := w.poll(client, code); a.Status == 200 {
				t.Errorf("a token: %s", a.Body)
			}
		})
	}
}

func TestOAuthHasNoOtherPages(t *testing.T) {
	w, client, d := signIn(t)
	for _, request := range [][2]string{{"GET", "/oauth/authorize_device"}, {"GET", "/oauth/token"}, {"POST", "/oauth/nothing"}} {
		if a := w.ask(request[0], w.URL+request[1], "", nil); a.Status != 404 {
			t.Errorf("%s: %d %s", request, a.Status, a.Body)
		}
	}
	w.wantError(w.ask("POST", w.URL+"/oauth/token", "", url.Values{"client_id": {client}, "grant_type": {"password"}}), 400, "unsupported_grant_type")
	w.wantError(w.ask("POST", w.URL+"/oauth/revoke", "", url.Values{"client_id": {"x"}, "token": {d.DeviceCode}}), 403, "unauthorized_client")
}

// Who polls too fast, or on when it is over, is told by the violations.
func TestPollingViolations(t *testing.T) {
	w, client, d := signIn(t)
	w.SetDeviceFlow(gitlabtest.DeviceFlow{Interval: time.Hour})
	for range 2 {
		w.poll(client, d.DeviceCode)
	}
	w.poll(client, "x")
	var got []string
	for _, v := range w.Violations() {
		got = append(got, v.Message)
	}
	want := "polled faster than the interval allows; asked for the token of a device code that is over"
	if strings.Join(got, "; ") != want {
		t.Errorf("got %q", got)
	}
}
