package identity

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// AdminID is the account that exists from the first start: it can't be deleted and isn't listed.
const AdminID = 1

// User is a person's account.
type User struct {
	ID                                 int64
	Username, Email, Realname, Comment string
	Sysadmin, MustChangePassword       bool
	AdminInAuth                        bool   // a provider says that it is an administrator
	Onboarded                          bool   // it has no password here: a provider lets it in
	Provider                           string // who brought it: LDAPProvider and the like, "" when nobody did
	Epoch                              int64
	CreatedAt, UpdatedAt               time.Time

	storedEmail string
}

// NewUser is what it takes to create a user.
type NewUser struct {
	Username, Email, Realname, Comment string
	Password                           secret.Text
}

// Profile is what users change of themselves.
type Profile struct{ Email, Realname, Comment string }

// Limits of Harbor, in characters.
const (
	maxName        = 255
	maxComment     = 30
	minPassword    = 8
	maxPassword    = 128
	illegalInNames = ",\"~#%$"
)

// emailForm is deliberately loose: one @, a dot in the domain, nothing that would break a header.
var emailForm = regexp.MustCompile(`^[^<>()\[\]\\,;:\s@"\x00-\x1f]+@[^<>()\[\]\\,;:\s@"\x00-\x1f]+\.[^<>()\[\]\\,;:\s@".\x00-\x1f]+$`)

// validate checks a new user in Harbor's order and words.
func (n NewUser) validate() error {
	if err := checkPassword(n.Password, "password or secret"); err != nil {
		return err
	}
	if err := checkName(n.Username, "username"); err != nil {
		return err
	}
	return Profile{n.Email, n.Realname, n.Comment}.validate()
}

func (p Profile) validate() error {
	if p.Email == "" {
		return fault.Invalidf("email can't be empty")
	}
	if !emailForm.MatchString(p.Email) || !printable(p.Email) || utf8.RuneCountInString(p.Email) > maxName {
		return fault.Invalidf("email with illegal format")
	}
	if err := checkName(p.Realname, "realname"); err != nil {
		return err
	}
	if utf8.RuneCountInString(p.Comment) > maxComment || !utf8.ValidString(p.Comment) || strings.ContainsRune(p.Comment, 0) {
		return fault.Invalidf("comment with illegal length")
	}
	return nil
}

func checkName(name, field string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return fault.Invalidf("%s with illegal length", field)
	}
	if strings.ContainsAny(name, illegalInNames) || !printable(name) {
		return fault.Invalidf("%s contains illegal characters", field)
	}
	return nil
}

// printable keeps control characters out of names: they go to logs and terminals (S21).
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkPassword holds a password to Harbor's rule: 8 to 128 characters with upper case, lower case and
// a digit.
func checkPassword(password secret.Text, field string) error {
	text := password.Reveal()
	n := utf8.RuneCountInString(text)
	if n < minPassword || n > maxPassword || !strings.ContainsFunc(text, unicode.IsUpper) ||
		!strings.ContainsFunc(text, unicode.IsLower) || !strings.ContainsFunc(text, unicode.IsDigit) {
		return fault.Invalidf("the %s must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 number", field)
	}
	return nil
}

// notARobot refuses names that robots are spelled by, as a user could take a robot's log-in away.
func (s *Service) notARobot(ctx context.Context, username string) error {
	current, err := s.robotPrefix(ctx)
	if err != nil {
		return err
	}
	for _, prefix := range []string{current, harborPrefix} {
		if strings.Contains(prefix, "$") && strings.HasPrefix(username, shellSpelling(prefix)) {
			return fault.Invalidf("username begins with %s, which is reserved for robot accounts", shellSpelling(prefix))
		}
	}
	return nil
}
