// Package secret keeps what nobody may see: text that hides itself wherever it is printed (S17), a box
// that seals small values at rest, and random passwords and tokens.
package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Text is a password or another secret. However it is printed, logged or encoded, it says [redacted];
// only Reveal gives it away. A JSON string decodes into it. Keep it in exported fields: fmt can't call
// methods on unexported ones, and prints the bare string when such a struct is printed.
type Text string

const redacted = "[redacted]"

// Reveal returns the secret itself. Use it where the secret is checked, sent or handed to its owner.
func (t Text) Reveal() string { return string(t) }

// String implements fmt.Stringer.
func (Text) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Text) GoString() string { return redacted }

// Format implements fmt.Formatter, for every verb.
func (Text) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalJSON implements json.Marshaler.
func (Text) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }
