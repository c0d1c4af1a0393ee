package identity

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/maypok86/otter/v2"
)

// Authenticate tells whose name and password these are: a user's, by name or e-mail, or a robot's. A
// personal access token of the user serves as the password. A refusal is ErrCredentials, or
// ErrTooManyAttempts when the password wasn't even looked at. What passed
// within the last minute costs one row read, or none. It writes a login_user event for each failure, and for the
// first success of a principal within an hour: clients send Basic credentials with each request, which
// is no log-in that anybody wants to read about.
func (s *Service) Authenticate(ctx context.Context, username string, password secret.Text, remote netip.Addr) (authz.Principal, error) {
	if isPersonalText(password) {
		return s.byPersonalToken(ctx, username, password, remote)
	}
	if policy, ok := asWorkload(username, password); ok && s.workloads != nil {
		return s.byWorkload(ctx, policy, password, remote)
	}
	p, fresh, err := s.verify(ctx, username, password, remote)
	if err != nil || !fresh || s.recorded(p) {
		return p, err
	}
	var prefix string
	if p.Kind == authz.Robot {
		if prefix, err = s.robotPrefix(ctx); err != nil {
			return authz.Principal{}, err
		}
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if prefix != "" {
			if err := s.keepPrefix(ctx, tx, prefix); err != nil {
				return err
			}
		}
		return event.Append(ctx, tx, loginEvent(p, remote, s.clock(), true))
	})
	if err != nil {
		return authz.Principal{}, err
	}
	s.logins.Set(loginKey(p), s.clock().Add(loginEvery))
	return p, nil
}

// loginEvery is how often the log-in of one principal is an event.
const loginEvery = time.Hour

// newLogins remembers whose log-in was an event lately, by loginKey, until when.
func newLogins() *otter.Cache[string, time.Time] {
	return otter.Must(&otter.Options[string, time.Time]{MaximumSize: rememberMost})
}

// loginKey has the shown name in it, so that robots count anew under another prefix.
func loginKey(p authz.Principal) string { return fmt.Sprintf("%d/%d/%s", p.Kind, p.ID, p.Name) }

func (s *Service) recorded(p authz.Principal) bool {
	until, ok := s.logins.GetIfPresent(loginKey(p))
	return ok && s.clock().Before(until)
}

// SignIn is the log-in of a browser: it authenticates a user, not a robot, and opens a session, with
// one login_user event in any case.
func (s *Service) SignIn(ctx context.Context, username string, password secret.Text, remote netip.Addr, userAgent string) (authz.Principal, string, error) {
	p, _, err := s.verify(ctx, username, password, remote)
	if err != nil {
		return authz.Principal{}, "", err
	}
	if p.Kind != authz.User {
		return authz.Principal{}, "", ErrCredentials
	}
	return s.openSession(ctx, p, addressText(remote), userAgent, func(tx db.Tx) error { return s.loggedIn(ctx, tx, p, remote) })
}

// verify is the one place where passwords and secrets are checked. fresh says that a hash was computed.
func (s *Service) verify(ctx context.Context, name string, password secret.Text, remote netip.Addr) (p authz.Principal, fresh bool, err error) {
	h, err := s.lookup(ctx, name)
	if err != nil {
		return authz.Principal{}, false, err
	}
	if h.subject == "" {
		if p, fresh, known, err := s.elsewhere(ctx, name, password, remote); known {
			return p, fresh, err
		}
		h.hash = s.hasher.dummy
	}
	// By the name as it was typed: were it the account, the time of a repeated guess would tell which
	// spellings have one.
	key := s.memory.keyOf(name, password, h.hash+h.former, h.principal.Epoch)
	if h.usable && s.memory.isRight(key) {
		p, err = s.principalOf(ctx, h)
		return p, false, err
	}
	who := subjectsOf(h, name, remote)
	// Delays are looked up in the slot, so that a burst can't have more guesses on their way than there
	// are slots.
	err = s.hasher.inSlot(ctx, func() error { return s.check(ctx, h, key, password, who, remote) })
	if err != nil {
		return authz.Principal{}, false, err
	}
	p, err = s.principalOf(ctx, h)
	return p, true, err
}

func (s *Service) check(ctx context.Context, h holder, key verdictKey, password secret.Text, who subjects, remote netip.Addr) error {
	wait, marked, err := s.delay(ctx, who)
	if err != nil {
		return err
	}
	if wait > 0 {
		return ErrTooManyAttempts{RetryAfter: wait.Round(time.Second) + time.Second}
	}
	repeated := s.memory.isWrong(key)
	right := false
	if !repeated {
		if right, err = s.hasher.matches(password, h.hash); err != nil {
			return fmt.Errorf("check the password of %s: %w", h.subject, err)
		}
		if !right && h.former != "" {
			if right, err = s.hasher.matches(password, h.former); err != nil {
				return fmt.Errorf("check the previous secret of %s: %w", h.subject, err)
			}
		}
	}
	if !right || !h.usable {
		if err := s.wasteAsMuch(ctx, h, password, repeated); err != nil {
			return err
		}
		s.memory.learn(key, false)
		return s.refuse(ctx, h, who, repeated, remote)
	}
	s.memory.learn(key, true)
	if isForeign(h.hash) {
		if err := s.rehash(ctx, h, password); err != nil { // no reason to keep somebody out
			s.log.WarnContext(ctx, "a password keeps the hash of the registry that it came from", "error", err)
		}
	}
	if !marked {
		return nil
	}
	return s.db.Write(ctx, func(tx db.Tx) error { return s.forgetFailures(ctx, tx, who) })
}

// wasteAsMuch makes a check that failed cost what one of the dearest hash does, as long as there are some of another registry. A
// guess that was remembered costs nothing, for any name.
func (s *Service) wasteAsMuch(ctx context.Context, h holder, password secret.Text, repeated bool) error {
	if repeated {
		return nil
	}
	iterations, err := s.foreign.left(ctx, s.db, s.clock())
	if err != nil {
		return err
	}
	return s.hasher.waste(password, h.hash, iterations)
}

// refuse counts the failure and returns ErrCredentials.
func (s *Service) refuse(ctx context.Context, h holder, who subjects, repeated bool, remote netip.Addr) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if err := s.countFailure(ctx, tx, who, repeated); err != nil {
			return err
		}
		return event.Append(ctx, tx, loginEvent(h.principal, remote, s.clock(), false))
	})
	if err != nil {
		return err
	}
	return ErrCredentials
}

// loginEvent never holds a name that nobody has: it may be a password in the wrong field.
func loginEvent(p authz.Principal, remote netip.Addr, at time.Time, success bool) event.Event {
	name, outcome := p.Name, "succeeded"
	if name == "" {
		name = "unknown"
	}
	if !success {
		outcome = "failed"
	}
	from := ""
	if remote.IsValid() {
		from = " from " + remote.Unmap().String()
	}
	return event.Event{Kind: event.LoginUser, At: at, By: name, Resource: name, Success: success,
		Description: "login " + outcome + from + ": " + name}
}

// loggedIn writes the event of a log-in that opens a session.
func (s *Service) loggedIn(ctx context.Context, tx db.Tx, p authz.Principal, remote netip.Addr) error {
	return event.Append(ctx, tx, loginEvent(p, remote, s.clock(), true))
}

func addressText(remote netip.Addr) string {
	if !remote.IsValid() {
		return ""
	}
	return remote.String()
}
