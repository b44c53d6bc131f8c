package run_test

import (
	"encoding/json"
	"testing"

	"pipebot/bot/run"
)

// Whatever is in the store, reading it ends, in a record or in an error.
func FuzzDecoders(f *testing.F) {
	for _, v := range []any{requested(), following(), link("T1", "U1", 1), run.Freeze{ID: "abc", At: noon}, run.Entry{ID: "V1", At: noon}} {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	for _, text := range []string{
		"", "null", "[]", "{}", `"x"`, "\x00\x00", `{"format":2}`, `{"format":1,"request":[]}`, `{"format":1,"streams":{"S":-1}}`,
		`{"at":"soon"}`, `{"gitlab_id":"x"}`, "\x20\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff0123456789",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, decoder := range run.Decoders {
			if bad := decoder(data); bad != "" {
				t.Errorf("%s: %q is read as %s", name, data, bad)
			}
		}
	})
}
