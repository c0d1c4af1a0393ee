package identity

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/secret"
)

var errPending = errors.New("not written yet")

func (s *Service) Bootstrap(ctx context.Context, adminPassword secret.Text) (created bool, generated secret.Text, err error) {
	return false, "", errPending
}

func (s *Service) Authenticate(ctx context.Context, username string, password secret.Text, remote netip.Addr) (authz.Principal, error) {
	return authz.Principal{}, errPending
}

// SignIn is Authenticate and CreateSession with one event: POST /c/login calls it.
func (s *Service) SignIn(ctx context.Context, username string, password secret.Text, remote netip.Addr, userAgent string) (authz.Principal, string, error) {
	return authz.Principal{}, "", errPending
}

func (s *Service) Principal(ctx context.Context, userID int64) (authz.Principal, error) {
	return authz.Principal{}, errPending
}

func (s *Service) CreateSession(ctx context.Context, p authz.Principal, remote, userAgent string) (token string, err error) {
	return "", errPending
}

func (s *Service) SessionPrincipal(ctx context.Context, token string, renew bool) (authz.Principal, error) {
	return authz.Principal{}, errPending
}

func (s *Service) DeleteSession(ctx context.Context, token string) error { return errPending }

func (s *Service) IssueToken(ctx context.Context, p authz.Principal, access []TokenAccess) (token string, expires time.Duration, issued time.Time, err error) {
	return "", 0, time.Time{}, errPending
}

func (s *Service) VerifyToken(ctx context.Context, token string) (authz.Principal, error) {
	return authz.Principal{}, errPending
}

func (s *Service) BumpEpoch(ctx context.Context, tx db.Tx, accountID int64) error { return errPending }

func (s *Service) ListUsers(ctx context.Context, list db.List) ([]User, int64, error) {
	return nil, 0, errPending
}
func (s *Service) SearchUsers(ctx context.Context, namePart string, list db.List) ([]User, int64, error) {
	return nil, 0, errPending
}
func (s *Service) GetUser(ctx context.Context, id int64) (User, error)     { return User{}, errPending }
func (s *Service) FindUser(ctx context.Context, name string) (User, error) { return User{}, errPending }
func (s *Service) CreateUser(ctx context.Context, by authz.Principal, n NewUser) (int64, error) {
	return 0, errPending
}
func (s *Service) UpdateProfile(ctx context.Context, by authz.Principal, id int64, p Profile) error {
	return errPending
}
func (s *Service) SetPassword(ctx context.Context, by authz.Principal, id int64, old *secret.Text, new secret.Text) error {
	return errPending
}
func (s *Service) SetSysadmin(ctx context.Context, by authz.Principal, id int64, sysadmin bool) error {
	return errPending
}
func (s *Service) DeleteUser(ctx context.Context, by authz.Principal, id int64) error {
	return errPending
}

func (s *Service) ListRobots(ctx context.Context, f RobotFilter, list db.List) ([]Robot, int64, error) {
	return nil, 0, errPending
}
func (s *Service) GetRobot(ctx context.Context, id int64) (Robot, error) { return Robot{}, errPending }
func (s *Service) CreateRobot(ctx context.Context, by authz.Principal, n NewRobot) (Created, error) {
	return Created{}, errPending
}
func (s *Service) UpdateRobot(ctx context.Context, by authz.Principal, id int64, u RobotUpdate) error {
	return errPending
}
func (s *Service) SetRobotSecret(ctx context.Context, by authz.Principal, id int64, text secret.Text) (secret.Text, error) {
	return "", errPending
}
func (s *Service) DeleteRobot(ctx context.Context, by authz.Principal, id int64) error {
	return errPending
}

// FullName is the name that a stored robot name is shown by: with the current prefix.
func (s *Service) FullName(ctx context.Context, stored string) string { return "" }
