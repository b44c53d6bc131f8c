package gitlab

import (
	"fmt"
	"io"
)

// Secret is a text that is shown to nobody by mistake: however it is printed, logged or
// encoded, something else is written instead. Only Reveal gives it. It is no key for maps:
// encoding/json writes keys that are strings as they are.
type Secret string

// redacted is what stands for a secret.
const redacted = "[redacted]"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is what stands for the secret, "" where there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String in quotes.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes String whatever the verb: with one that does not fit a text, such as %d,
// fmt would show the value itself.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = fmt.Sprintf("%q", text)
	}
	_, _ = io.WriteString(f, text) // fmt has no place for the error
}

// MarshalText writes String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(s.GoString()), nil }
