package gitlab_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pipebot/gitlab"
	"pipebot/gitlab/gitlabtest"
)

// Each answer that is no answer, as a read gets it.
func TestAnswersAreClassified(t *testing.T) {
	header := func(key, value string) http.Header { return http.Header{key: {value}} }
	for _, tt := range []struct {
		name  string
		fault gitlabtest.Fault
		want  gitlab.Error
	}{
		{
			name:  "401 with a description",
			fault: gitlabtest.Fault{Status: 401, Body: `{"error":"invalid_token","error_description":"Token is expired."}`},
			want:  gitlab.Error{Kind: gitlab.Unauthorized, Status: 401, Message: "Token is expired."},
		},
		{
			name:  "401 without a body",
			fault: gitlabtest.Fault{Status: 401},
			want:  gitlab.Error{Kind: gitlab.Unauthorized, Status: 401},
		},
		{
			name:  "403",
			fault: gitlabtest.Fault{Status: 403, Body: `{"message":"403 Forbidden - Insufficient permissions"}`},
			want:  gitlab.Error{Kind: gitlab.Forbidden, Status: 403, Message: "403 Forbidden - Insufficient permissions"},
		},
		{
			name:  "404",
			fault: gitlabtest.Fault{Status: 404, Body: `{"message":"404 Project Not Found"}`},
			want:  gitlab.Error{Kind: gitlab.NotFound, Status: 404},
		},
		{
			name:  "400 with a nested message",
			fault: gitlabtest.Fault{Status: 400, Body: `{"message":{"base":["Reference not found"]}}`},
			want:  gitlab.Error{Kind: gitlab.Invalid, Status: 400, Message: "Reference not found"},
		},
		{
			name:  "400 of the parameter validation",
			fault: gitlabtest.Fault{Status: 400, Body: `{"error":"ref is missing"}`},
			want:  gitlab.Error{Kind: gitlab.Invalid, Status: 400, Message: "ref is missing"},
		},
		{
			name:  "409",
			fault: gitlabtest.Fault{Status: 409, Body: `{"message":"409 Conflict"}`},
			want:  gitlab.Error{Kind: gitlab.Invalid, Status: 409, Message: "409 Conflict"},
		},
		{
			name:  "422",
			fault: gitlabtest.Fault{Status: 422, Body: `{"message":{"ref":["is invalid","is too long"],"base":["No"]}}`},
			want:  gitlab.Error{Kind: gitlab.Invalid, Status: 422, Message: "No; ref is invalid; is too long"},
		},
		{
			name:  "429 with seconds",
			fault: gitlabtest.Fault{Status: 429, Header: header("Retry-After", "37"), Body: `{"message":{"error":"Try again later."}}`},
			want:  gitlab.Error{Kind: gitlab.RateLimited, Status: 429, Message: "Try again later.", RetryAfter: 37 * time.Second},
		},
		{
			name:  "429 as plain text",
			fault: gitlabtest.Fault{Status: 429, Header: header("Retry-After", "60"), Body: "Retry later\n"},
			want:  gitlab.Error{Kind: gitlab.RateLimited, Status: 429, Message: "Retry later", RetryAfter: time.Minute},
		},
		{
			name:  "429 without a word",
			fault: gitlabtest.Fault{Status: 429},
			want:  gitlab.Error{Kind: gitlab.RateLimited, Status: 429},
		},
		{
			name:  "408",
			fault: gitlabtest.Fault{Status: 408},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 408},
		},
		{
			name:  "500",
			fault: gitlabtest.Fault{Status: 500, Body: `{"message":"500 Internal Server Error"}`},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 500},
		},
		{
			name:  "502 of a proxy",
			fault: gitlabtest.Fault{Status: 502, Body: "<html><body>502 Bad Gateway</body></html>"},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 502},
		},
		{
			name:  "503 of the maintenance page",
			fault: gitlabtest.Fault{Status: 503, Header: header("Retry-After", "120"), Body: "<html><body>Deploy in progress</body></html>"},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 503, RetryAfter: 2 * time.Minute},
		},
		{
			name:  "a redirect",
			fault: gitlabtest.Fault{Status: 301, Header: header("Location", "https://elsewhere.example.com/")},
			want: gitlab.Error{
				Kind: gitlab.Invalid, Status: 301,
				Message: "it redirects elsewhere; GITLAB_URL or the project's path has changed",
			},
		},
		{
			name:  "a page of HTML instead of JSON",
			fault: gitlabtest.Fault{Status: 200, Body: "<html><body>Sign in</body></html>"},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"},
		},
		{
			name:  "JSON that breaks off",
			fault: gitlabtest.Fault{Status: 200, Body: `{"id":1,`},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"},
		},
		{
			name:  "JSON of another shape",
			fault: gitlabtest.Fault{Status: 200, Body: `["id"]`},
			want:  gitlab.Error{Kind: gitlab.Unclear, Status: 200, Message: "its answer could not be read"},
		},
		{
			name:  "a connection that is cut",
			fault: gitlabtest.Fault{Cut: true},
			want:  gitlab.Error{Kind: gitlab.Unclear},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gl := newInstance(t, nil)
			gl.Fault(gitlabtest.Match{}, tt.fault)
			_, err := gl.client.Pipeline(t.Context(), gl.project.ID, 1)
			tt.want.Op = "reading the pipeline"
			checkError(t, err, tt.want)
		})
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  gitlab.Error
		want string
	}{
		{
			"GitLab said why",
			gitlab.Error{Kind: gitlab.Invalid, Status: 400, Message: "Reference not found"},
			"starting a pipeline: GitLab answered 400: Reference not found",
		},
		{"GitLab said nothing", gitlab.Error{Kind: gitlab.NotFound, Status: 404}, "starting a pipeline: GitLab answered 404"},
		{
			"it was not asked",
			gitlab.Error{Kind: gitlab.Invalid, Message: "the name is empty"},
			"starting a pipeline: GitLab was not asked: the name is empty",
		},
		{"no answer", gitlab.Error{Kind: gitlab.Unclear}, "starting a pipeline: GitLab gave no usable answer"},
		{
			"no way there",
			gitlab.Error{Kind: gitlab.NotSent, Message: "connection refused"},
			"starting a pipeline: GitLab cannot be reached: connection refused",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.Op = "starting a pipeline"
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("the text is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want gitlab.Kind
	}{
		{"an error of GitLab", &gitlab.Error{Kind: gitlab.Forbidden}, gitlab.Forbidden},
		{"another error", http.ErrBodyNotAllowed, gitlab.Unclear},
		{"none", nil, gitlab.Unclear},
	} {
		if got := gitlab.KindOf(tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if gitlab.IsNotFound(nil) {
		t.Error("no error counts as not found")
	}
}

// Kinds are kept by name: records outlive versions.
func TestKindsAreKeptByName(t *testing.T) {
	kinds := map[string]gitlab.Kind{
		"unclear": gitlab.Unclear, "not sent": gitlab.NotSent, "rate limited": gitlab.RateLimited,
		"unauthorized": gitlab.Unauthorized, "forbidden": gitlab.Forbidden, "not found": gitlab.NotFound, "invalid": gitlab.Invalid,
	}
	for name, kind := range kinds {
		text, err := json.Marshal(kind)
		if err != nil || string(text) != `"`+name+`"` {
			t.Errorf("%s is written as %s, %v", name, text, err)
		}
		var got gitlab.Kind
		if err := json.Unmarshal(text, &got); err != nil || got != kind {
			t.Errorf("%s is read back as %s, %v", name, got, err)
		}
	}
	unknown := gitlab.Invalid
	if err := json.Unmarshal([]byte(`"of a later version"`), &unknown); err != nil || unknown != gitlab.Unclear {
		t.Errorf("an unknown kind is read as %s, %v", unknown, err)
	}
}

func TestPlainMessage(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", "", ""},
		{"a message", `{"message":"404 Not found"}`, "404 Not found"},
		{"an error", `{"error":"ref is missing, token is missing"}`, "ref is missing, token is missing"},
		{"a description before its code", `{"error":"insufficient_scope","error_description":"Higher privileges are required."}`, "Higher privileges are required."},
		{"a message before an error", `{"message":"Too many","error":"429"}`, "Too many"},
		{"of the record itself", `{"message":{"base":["Reference not found"]}}`, "Reference not found"},
		{"of fields, in a steady order", `{"message":{"ref":["is missing"],"key":["is empty","is odd"]}}`, "key is empty; is odd; ref is missing"},
		{"nested in an error", `{"error":{"base":["No"]}}`, "No"},
		{"plain text", " Retry later\n", "Retry later"},
		{"a page", "<!DOCTYPE html><HTML><body>502</body></HTML>", ""},
		{
			"HTML in a message",
			`{"message":{"base":["You do not have permission on '<a href=\"/x\">main</a>'. <a href=https://example.com>Learn more</a>"]}}`,
			"You do not have permission on 'main'. Learn more",
		},
		{"several lines", `{"message":"jobs:build\n  config\tis wrong"}`, "jobs:build config is wrong"},
		{"words that are none", `{"message":{"base":[1,true,null,[]],"ref":{}}}`, ""},
		{"null", `{"message":null,"error":null}`, ""},
		{"bytes that are no text", "Retry\xff later", "Retry later"},
		{"too much", `{"message":"` + strings.Repeat("é", gitlab.MaxMessage+1) + `"}`, strings.Repeat("é", gitlab.MaxMessage) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := gitlab.PlainMessage([]byte(tt.body)); got != tt.want {
				t.Errorf("the message is %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzPlainMessage(f *testing.F) {
	f.Add([]byte(`{"message":{"base":["<b>Reference</b> not found"],"ref":["is odd",{"deeper":[null]}]}}`))
	f.Add([]byte(`{"error":"invalid_token","error_description":"Token\nis expired"}`))
	f.Add([]byte("Retry later\n"))
	f.Add([]byte("\xff<html>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := gitlab.PlainMessage(body)
		if !utf8.ValidString(text) {
			t.Errorf("%q is no text", text)
		}
		if n := utf8.RuneCountInString(text); n > gitlab.MaxMessage+1 {
			t.Errorf("%d characters are too many", n)
		}
		if strings.ContainsAny(text, "\n\r\t") || text != strings.TrimSpace(text) {
			t.Errorf("%q is not one line", text)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, value string
		want        time.Duration
	}{
		{"nothing", "", 0},
		{"seconds", "60", time.Minute},
		{"seconds with spaces", " 5 ", 5 * time.Second},
		{"none", "0", 0},
		{"less than none", "-5", 0},
		{"a date", "Tue, 01 Sep 2026 12:00:30 GMT", 30 * time.Second},
		{"a date that is over", "Tue, 01 Sep 2026 11:59:30 GMT", 0},
		{"neither", "soon", 0},
		{"longer than any limit lasts", "9999999999", gitlab.MaxRetryAfter},
		{"more than a duration holds", "9223372036854775807", gitlab.MaxRetryAfter},
		{"a date far away", "Fri, 31 Dec 9999 23:59:59 GMT", gitlab.MaxRetryAfter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := gitlab.RetryAfter(tt.value, now); got != tt.want {
				t.Errorf("%q means %s, want %s", tt.value, got, tt.want)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("60")
	f.Add("-9223372036854775808")
	f.Add("Tue, 01 Sep 2026 12:00:30 GMT")
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if got := gitlab.RetryAfter(value, now); got < 0 || got > gitlab.MaxRetryAfter {
			t.Errorf("%q means %s", value, got)
		}
	})
}
