package identity

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// What callers tell apart, besides the kinds of package fault.
var (
	ErrCredentials = errors.New("invalid credentials") // wrong name, password or secret; disabled; expired
	ErrToken       = errors.New("invalid token")       // forged, expired, or overtaken by an epoch
	ErrSession     = errors.New("no such session")     // unknown, idle for too long, or ended

	ErrOldPassword   = fault.Forbiddenf("Current password is incorrect")
	ErrSamePassword  = fault.Invalidf("New password is identical to old password")
	ErrNotEditable   = fault.Forbiddenf("the robot can't be changed")
	ErrGrantTooBroad = fault.Forbiddenf("permission scope is invalid. It must be equal to or more restrictive than the creator robot's permissions")
)

// ErrTooManyAttempts refuses a log-in without looking at the password, because too many failed before
// it. It is an ErrCredentials too, for those who answer both alike.
type ErrTooManyAttempts struct{ RetryAfter time.Duration }

func (e ErrTooManyAttempts) Error() string { return "too many failed log-ins" }

// Unwrap returns ErrCredentials.
func (e ErrTooManyAttempts) Unwrap() error { return ErrCredentials }

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Settings *setting.Service
	Box      *secret.Box
	Clock    func() time.Time
	Log      *slog.Logger

	// Providers know more people; a setting says which of them are asked, and in what order.
	Providers []NamedProvider
	// Workloads knows programs that bring tokens of their own issuers; nil: none do.
	Workloads Workloads
}

// Service is the package's use cases. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	setting *setting.Service
	box     *secret.Box
	clock   func() time.Time
	log     *slog.Logger

	providers  []NamedProvider
	workloads  Workloads
	asking     chan struct{}                   // slots for passwords on their way to providers
	refreshing singleflight.Group              // by account
	silent     *otter.Cache[string, time.Time] // providers that couldn't be asked, until when they are left alone

	hasher   *hasher
	foreign  foreignWork
	memory   *memory
	keys     signingKeys
	prefixes prefixes
	verified *otter.Cache[[sha256.Size]byte, *verified]
	epochs   *db.Watch // of what tokens are bound to
	bindings *db.Memo[boundTo, []projectEpoch]
	accounts *db.Watch // of what people log in by
	people   *db.Memo[string, holder]
	grants   *otter.Cache[grantsKey, []authz.Grant]
	logins   *otter.Cache[string, time.Time]
	uses     *uses
	limits   *otter.Cache[int64, []authz.Grant] // of personal tokens
}

// New returns a Service. It reads nothing yet.
func New(d Deps) *Service {
	return &Service{
		db: d.DB, setting: d.Settings, box: d.Box, clock: d.Clock, log: d.Log, providers: d.Providers, workloads: d.Workloads,
		asking: make(chan struct{}, askingMost), silent: otter.Must(&otter.Options[string, time.Time]{MaximumSize: 100}),
		epochs: d.DB.Watch("account", "robot", "project", "personal_token", "workload_policy"), bindings: db.NewMemo[boundTo, []projectEpoch](maxBindings),
		accounts: d.DB.Watch("account", "account_password"), people: db.NewMemo[string, holder](maxPeople),
		hasher: newHasher(), memory: newMemory(d.Clock), verified: newVerified(), grants: newGrantsCache(), logins: newLogins(), uses: newUses(), limits: newLimitsCache(),
	}
}
