// Package fault is refusals that a client may be told: what kind of refusal it is, and the words for it.
//
// An error that is none of these is ours alone. The edges turn a kind into a status, in one table each,
// and show a client nothing of an error but a fault's words.
package fault

import "fmt"

// Kind is why a request is refused. It is an error too, which errors.Is finds in each *Error of the kind.
type Kind string

// The kinds, and the words for a refusal that has none of its own.
const (
	Invalid   Kind = "invalid request"
	Forbidden Kind = "forbidden"
	NotFound  Kind = "not found"
	Conflict  Kind = "already exists"
)

// Error returns the words of the kind.
func (k Kind) Error() string { return string(k) }

// Error is a refusal in words for the client.
type Error struct {
	Kind    Kind
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Invalidf says what is wrong with a request.
func Invalidf(format string, args ...any) error {
	return &Error{Invalid, fmt.Sprintf(format, args...)}
}

// Forbiddenf says what the caller may not do.
func Forbiddenf(format string, args ...any) error {
	return &Error{Forbidden, fmt.Sprintf(format, args...)}
}

// NotFoundf says what isn't there.
func NotFoundf(format string, args ...any) error {
	return &Error{NotFound, fmt.Sprintf(format, args...)}
}

// Conflictf says what is there already.
func Conflictf(format string, args ...any) error {
	return &Error{Conflict, fmt.Sprintf(format, args...)}
}
