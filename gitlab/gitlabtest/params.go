package gitlabtest

import (
	"encoding/json"
	"errors"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxForm is how much of a multipart form is kept in memory; nothing here sends more.
const maxForm = 10 << 20

// A params holds the parameters of a request: query, form and JSON body in one, nested as Rack nests them.
// Values are string, bool, float64, nil, []any and params.
type params map[string]any

// parse reads the query and the body. A JSON body that is not an object is refused as GitLab does.
func (c *call) parse() error {
	c.params = params{}
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return errors.New("invalid query")
	}
	c.params.addForm(query)
	if len(c.rawBody) == 0 {
		return nil
	}
	kind, options, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var body map[string]any
		if err := json.Unmarshal(c.rawBody, &body); err != nil {
			return errors.New("invalid json body: " + err.Error())
		}
		for key, value := range body {
			c.params[key] = nested(value)
		}
	case "multipart/form-data":
		form, err := multipart.NewReader(strings.NewReader(string(c.rawBody)), options["boundary"]).ReadForm(maxForm)
		if err != nil {
			return errors.New("invalid form: " + err.Error())
		}
		c.params.addForm(form.Value)
	default:
		form, err := url.ParseQuery(string(c.rawBody))
		if err != nil {
			return errors.New("invalid form: " + err.Error())
		}
		c.params.addForm(form)
	}
	return nil
}

func nested(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := params{}
		for key, inner := range v {
			out[key] = nested(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = nested(inner)
		}
		return out
	default:
		return v
	}
}

// addForm adds form values; a[b]=c makes a hash, a[]=b an array, a[][k]=v an array of hashes.
func (p params) addForm(form url.Values) {
	keys := make([]string, 0, len(form))
	for key := range form {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for i, value := range form[key] {
			p.addValue(key, value, i)
		}
	}
}

func (p params) addValue(key, value string, index int) {
	name, rest, isNested := strings.Cut(key, "[")
	if !isNested {
		p[key] = value
		return
	}
	rest = "[" + rest
	switch {
	case rest == "[]":
		list, _ := p[name].([]any)
		p[name] = append(list, value)
	case strings.HasPrefix(rest, "[]["):
		list, _ := p[name].([]any)
		for len(list) <= index {
			list = append(list, params{})
		}
		if hash, ok := list[index].(params); ok {
			hash.addValue(unbracket(rest[2:]), value, 0)
		}
		p[name] = list
	default:
		hash, ok := p[name].(params)
		if !ok {
			hash = params{}
			p[name] = hash
		}
		hash.addValue(unbracket(rest), value, 0)
	}
}

// unbracket turns [a][b] into a[b].
func unbracket(key string) string {
	name, rest, _ := strings.Cut(key[1:], "]")
	return name + rest
}

// text returns a parameter as a string; numbers and booleans of a JSON body become what they look like.
func (p params) text(key string) string {
	switch v := p[key].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

func (p params) has(key string) bool { return p[key] != nil }

// list returns an array parameter; a single string counts as an array of one.
func (p params) list(key string) []string {
	switch v := p[key].(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	default:
		return nil
	}
}

// number returns an integer parameter or the default; what is not a number is invalid.
func (p params) number(key string, otherwise int) (int, *reply) {
	if !p.has(key) || p.text(key) == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(p.text(key))
	if err != nil {
		return 0, invalid(key + " is invalid")
	}
	return n, nil
}

// flag returns a boolean parameter.
func (p params) flag(key string) (bool, *reply) {
	switch p.text(key) {
	case "":
		return false, nil
	case "true", "1", "t":
		return true, nil
	case "false", "0", "f":
		return false, nil
	}
	return false, invalid(key + " is invalid")
}

// moment returns a time parameter in ISO 8601; the zero time when there is none.
func (p params) moment(key string) (time.Time, *reply) {
	value := p.text(key)
	if value == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05 MST", time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid(key + " is invalid")
}

// oneOf returns a parameter that has a fixed set of values.
func (p params) oneOf(key, otherwise string, allowed ...string) (string, *reply) {
	value := p.text(key)
	if value == "" {
		return otherwise, nil
	}
	if !slices.Contains(allowed, value) {
		return "", invalid(key + " does not have a valid value")
	}
	return value, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
