package identity

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/maypok86/otter/v2"
)

// What callers tell apart.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("already exists")      // 409; always a *ConflictError
	ErrForbidden   = errors.New("forbidden")           // 403; always a *ForbiddenError
	ErrCredentials = errors.New("invalid credentials") // wrong name, password or secret; disabled; expired
	ErrToken       = errors.New("invalid token")       // forged, expired, or overtaken by an epoch
	ErrSession     = errors.New("no such session")     // unknown, idle for too long, or ended

	ErrOldPassword   error = &ForbiddenError{Message: "Current password is incorrect"}
	ErrSamePassword  error = &InvalidError{Message: "New password is identical to old password"}
	ErrNotEditable   error = &ForbiddenError{Message: "the robot can't be changed"}
	ErrGrantTooBroad error = &ForbiddenError{Message: "permission scope is invalid. It must be equal to or more restrictive than the creator robot's permissions"}
)

// InvalidError says what is wrong with a request, in words for the client (400).
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &InvalidError{Message: fmt.Sprintf(format, args...)}
}

// ConflictError is an ErrExists with words for the client (409).
type ConflictError struct{ Message string }

func (e *ConflictError) Error() string { return e.Message }

// Unwrap returns ErrExists.
func (e *ConflictError) Unwrap() error { return ErrExists }

// ForbiddenError is an ErrForbidden with words for the client (403).
type ForbiddenError struct{ Message string }

func (e *ForbiddenError) Error() string { return e.Message }

// Unwrap returns ErrForbidden.
func (e *ForbiddenError) Unwrap() error { return ErrForbidden }

// ErrTooManyAttempts refuses a log-in without looking at the password, because too many failed before
// it. It is an ErrCredentials too, for those who answer both alike.
type ErrTooManyAttempts struct{ RetryAfter time.Duration }

func (e ErrTooManyAttempts) Error() string { return "too many failed log-ins" }

// Unwrap returns ErrCredentials.
func (e ErrTooManyAttempts) Unwrap() error { return ErrCredentials }

// NotFoundError is an ErrNotFound about something that a request names, with words for the client (404).
type NotFoundError struct{ Message string }

func (e *NotFoundError) Error() string { return e.Message }

// Unwrap returns ErrNotFound.
func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Settings *setting.Service
	Box      *secret.Box
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service is the package's use cases. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	setting *setting.Service
	box     *secret.Box
	clock   func() time.Time
	log     *slog.Logger

	hasher   *hasher
	memory   *memory
	keys     signingKeys
	prefixes prefixes
	verified *otter.Cache[[sha256.Size]byte, claims]
	grants   *otter.Cache[grantsKey, []authz.Grant]
	logins   *otter.Cache[string, time.Time]
}

// New returns a Service. It reads nothing yet.
func New(d Deps) *Service {
	return &Service{
		db: d.DB, setting: d.Settings, box: d.Box, clock: d.Clock, log: d.Log,
		hasher: newHasher(), memory: newMemory(d.Clock), verified: newVerified(), grants: newGrantsCache(), logins: newLogins(),
	}
}
