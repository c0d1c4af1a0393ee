package proxycache

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrBusy: as many connections to upstream are open as the project allows (Harbor's words).
	ErrBusy = errors.New("too many requests to upstream registry")
	// ErrFiltered: the project's filter doesn't let the repository be cached.
	ErrFiltered = errors.New("the project does not cache this repository")
)

// WaitError tells a client to come again: what it wants is being made ready, or upstream wants to be left alone. Of the statuses that
// mean this, 429 is the one after which podman, skopeo, containerd, crane and ORAS come again by themselves.
type WaitError struct {
	Words string
	After time.Duration
}

// Error implements error.
func (e *WaitError) Error() string { return e.Words }

// UnavailableError is upstream not answering, where nothing is here to be served instead.
type UnavailableError struct{ Err error }

// Error says what the matter is, in words for clients: no address, no credentials.
func (e *UnavailableError) Error() string {
	return "the upstream registry can't be asked now, and the cache doesn't hold it"
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// RefusedError is an image that is not served, whoever asks: a rule of the project says so.
type RefusedError struct{ Words string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Words }

func waitFor(after time.Duration, format string, args ...any) error {
	return &WaitError{Words: fmt.Sprintf(format, args...), After: after}
}
