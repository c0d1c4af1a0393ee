package project

import (
	"errors"
	"fmt"
)

// What callers tell apart.
var (
	ErrNotFound  = errors.New("not found")      // 404; always a *NotFoundError
	ErrExists    = errors.New("already exists") // 409; always a *ConflictError
	ErrForbidden = errors.New("forbidden")      // 403; always a *ForbiddenError
	ErrNotEmpty  = errors.New(notEmpty)         // 412
)

const notEmpty = "the project contains repositories, can not be deleted"

// InvalidError says what is wrong with a request, in words for the client (400).
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &InvalidError{Message: fmt.Sprintf(format, args...)}
}

// NotFoundError is an ErrNotFound with words for the client.
type NotFoundError struct{ Message string }

func (e *NotFoundError) Error() string { return e.Message }

// Unwrap returns ErrNotFound.
func (e *NotFoundError) Unwrap() error { return ErrNotFound }

func notFound(format string, args ...any) error {
	return &NotFoundError{Message: fmt.Sprintf(format, args...)}
}

// ConflictError is an ErrExists with words for the client.
type ConflictError struct{ Message string }

func (e *ConflictError) Error() string { return e.Message }

// Unwrap returns ErrExists.
func (e *ConflictError) Unwrap() error { return ErrExists }

// ForbiddenError is an ErrForbidden with words for the client.
type ForbiddenError struct{ Message string }

func (e *ForbiddenError) Error() string { return e.Message }

// Unwrap returns ErrForbidden.
func (e *ForbiddenError) Unwrap() error { return ErrForbidden }
