package gitlab

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// Kind says what can be done about a failed request.
type Kind int

const (
	// Unclear: no answer, or one that says nothing about the outcome (5xx, HTML,
	// a redirect, a cut connection). A write may have taken effect.
	Unclear Kind = iota
	// NotSent: GitLab was not reached, so nothing happened there. Try again.
	NotSent
	// RateLimited: refused before it was looked at. Try again after RetryAfter.
	RateLimited
	// Unauthorized: the access token is wrong, expired or revoked (401).
	Unauthorized
	// Forbidden: the token's user may not do this (403).
	Forbidden
	// NotFound: it is not there, or may not be seen (404).
	NotFound
	// Invalid: GitLab understood and refused (400, 409, 422).
	Invalid
)

func (k Kind) String() string {
	switch k {
	case NotSent:
		return "not sent"
	case RateLimited:
		return "rate limited"
	case Unauthorized:
		return "unauthorized"
	case Forbidden:
		return "forbidden"
	case NotFound:
		return "not found"
	case Invalid:
		return "invalid"
	default:
		return "unclear"
	}
}

// MarshalText writes the kind's name, so that what is kept of an error survives a
// change of the constants' order.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name; one that it does not know is Unclear.
func (k *Kind) UnmarshalText(text []byte) error {
	*k = Unclear
	for kind := NotSent; kind <= Invalid; kind++ {
		if kind.String() == string(text) {
			*k = kind
		}
	}
	return nil
}

// Error is what GitLab, or the way to it, answered instead of what was asked
// for. Its text holds no token and no URL.
type Error struct {
	// Op is what was being done: "starting a pipeline".
	Op string
	// Kind says what can be done about it.
	Kind Kind
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Message is GitLab's own text as plain words, often empty.
	Message string
	// RetryAfter is how long GitLab asked to wait, 0 where it did not say.
	RetryAfter time.Duration

	err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, "GitLab answered %d", e.Status)
	case e.Kind == NotSent:
		b.WriteString("GitLab cannot be reached")
	case e.Kind == Invalid:
		b.WriteString("GitLab was not asked") // it was clear before what it would say
	default:
		b.WriteString("GitLab gave no usable answer")
	}
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	return b.String()
}

// Unwrap gives the cause, such as context.DeadlineExceeded. Causes can carry
// URLs: log the Error, not the cause.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the kind of err, Unclear where it is not an *Error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unclear
}

// IsNotFound reports whether GitLab said that it is not there.
func IsNotFound(err error) bool { return err != nil && KindOf(err) == NotFound }

// hasStatus reports whether that was the answer, whoever gave it.
func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

func classify(op string, resp *gl.Response, err error) error {
	e := &Error{Op: op, err: err}
	if resp != nil && resp.Response != nil {
		e.Status = resp.StatusCode
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	switch {
	case e.Status == 0:
		e.Kind, e.Message = networkFault(err)
	case e.Status == http.StatusUnauthorized:
		e.Kind = Unauthorized
	case e.Status == http.StatusForbidden:
		e.Kind = Forbidden
	case e.Status == http.StatusNotFound && isText(resp):
		// An ingress says so of a GitLab that is just restarting. Its word must not
		// make a pipeline deleted, or a start refused.
		e.Message = "a page stands in GitLab's place"
	case e.Status == http.StatusNotFound:
		e.Kind = NotFound
	case e.Status == http.StatusTooManyRequests:
		e.Kind = RateLimited
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout:
		e.Kind = Invalid
	case e.Status >= 300 && e.Status < 400:
		if resp.Request != nil && resp.Request.Method == http.MethodGet {
			e.Kind = Invalid // asking again leads to the same answer
		}
		e.Message = "it redirects elsewhere; GITLAB_URL or the project's path has changed"
	case e.Status < 300:
		e.Message = "its answer could not be read"
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			e.Message = "its answer is too long"
		}
	}
	if answer, ok := errors.AsType[*gl.ErrorResponse](err); ok && e.Message == "" && e.Status < 500 {
		e.Message = plainMessage(answer.Body)
	}
	return e
}

// networkFault tells a request that never left from one whose fate is unknown.
// Only what happens before a connection stands counts as not sent: a deadline
// that ran out says nothing about how far the request came.
func networkFault(err error) (Kind, string) {
	// The first, since the failed look-up comes inside a failed dial.
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return NotSent, "the name of the host does not resolve (" + dns.Err + ")"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		switch op.Op {
		case "dial":
			return NotSent, op.Err.Error()
		case "proxyconnect":
			return NotSent, "the proxy cannot be reached (" + op.Err.Error() + ")"
		}
	}
	if tlsErr, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return NotSent, "its certificate is not trusted (" + tlsErr.Err.Error() + ")"
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return NotSent, "it does not speak HTTPS there; is GITLAB_URL right?"
	}
	if errors.Is(err, errLate) {
		return NotSent, errLate.Error()
	}
	return Unclear, ""
}

// maxRetryAfter is the longest wait that is taken seriously: GitLab's limits
// count in minutes.
const maxRetryAfter = time.Hour

// retryAfter reads the header's two forms, seconds and a date.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return time.Duration(max(0, min(seconds, int(maxRetryAfter/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(maxRetryAfter, max(0, at.Sub(now)))
	}
	return 0
}

var (
	htmlTag = regexp.MustCompile(`<[^<>]*>`)
	spaces  = regexp.MustCompile(`\s+`)
)

// maxMessage is how much of GitLab's text is kept: YAML errors can be long, and a
// proxy's page is of no use to anyone.
const maxMessage = 600

// plainMessage finds the words in an error body. GitLab answers {"message":"..."},
// {"message":{"base":["..."]}}, {"error":"..."}, and at times plain text.
func plainMessage(body []byte) string {
	var shaped struct {
		Message     any    `json:"message"`
		Error       any    `json:"error"`
		Description string `json:"error_description"`
	}
	text := ""
	switch {
	case json.Unmarshal(body, &shaped) != nil:
		text = string(body)
		if strings.Contains(strings.ToLower(text), "<html") {
			return ""
		}
	case shaped.Description != "":
		text = shaped.Description
	case shaped.Message != nil:
		text = words(shaped.Message)
	default:
		text = words(shaped.Error)
	}
	return plainText(text)
}

// plainText makes a text of GitLab's one line without markup, and not too long.
func plainText(text string) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.TrimSpace(spaces.ReplaceAllString(htmlTag.ReplaceAllString(text, ""), " "))
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(runes[:maxMessage]) + "…"
	}
	return text
}

// words flattens the nested messages of GitLab's validation errors. The keys
// "base", which stands for the record itself, and "error" are left out.
func words(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for _, item := range v {
			if text := words(item); text != "" {
				parts = append(parts, text)
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text := words(v[key])
			if text != "" && key != "base" && key != "error" {
				text = key + " " + text
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
	}
	return strings.Join(parts, "; ")
}
