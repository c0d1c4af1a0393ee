// Package wire holds the JSON forms of values that the generated types of harborapi use.
package wire

import (
	"bytes"
	"fmt"
	"time"
)

// Layout is how the API writes a time: RFC 3339 in UTC with milliseconds.
const Layout = "2006-01-02T15:04:05.000Z"

// Time is a time.Time that the API shows with milliseconds. The zero time is shown as year 1.
type Time time.Time

// MarshalJSON writes t in Layout.
func (t Time) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat([]byte{'"'}, Layout+`"`), nil
}

// UnmarshalJSON reads RFC 3339 with any number of decimals; null and "" are the zero time.
func (t *Time) UnmarshalJSON(b []byte) error {
	text := string(bytes.Trim(b, `"`))
	if text == "null" || text == "" {
		*t = Time{}
		return nil
	}
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("time %q: expected RFC 3339: %w", text, err)
	}
	*t = Time(v.UTC())
	return nil
}

// TimeIfAny is nil for no time.
func TimeIfAny(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return new(Time(t))
}
