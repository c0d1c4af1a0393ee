package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// Service is what browsers and the provider do here: sign-in, log-out, CLI secrets. It is safe for
// concurrent use.
type Service struct {
	provider *Provider
	identity *identity.Service
}

// NewService returns a Service that makes accounts and sessions with id, which has p among its providers.
func NewService(p *Provider, id *identity.Service) *Service { return &Service{p, id} }

// Active reports whether the settings switch the provider on.
func (s *Service) Active(ctx context.Context) (bool, error) {
	_, on, err := s.identity.ActiveProvider(ctx, identity.OIDCProvider)
	return on, err
}

// Begin is Provider.Begin.
func (s *Service) Begin(ctx context.Context, callback, next string) (location, sealed string, err error) {
	return s.provider.Begin(ctx, callback, next)
}

// Ping is Provider.Ping.
func (s *Service) Ping(ctx context.Context, endpoint string, verifyCert bool) error {
	return s.provider.Ping(ctx, endpoint, verifyCert)
}

// OnboardLife is how long somebody without an account may take to choose a user name.
const OnboardLife = 15 * time.Minute

// Browser is where somebody signs in.
type Browser struct {
	Remote    netip.Addr
	UserAgent string
}

// SignedIn is how an attempt to sign in ended well: with a session, or with the question for a user name.
type SignedIn struct {
	Session  string // token of the session; "" for who has no account yet
	Onboard  string // token by which Onboard goes on
	Username string // what to propose as a user name
	Next     string // the page to return to
}

// Finish ends an attempt to sign in: sealed is what the browser was given by Begin, answer the query of the
// callback. Errors: ErrFlow, ErrDenied, ErrRefused, ErrProfile; fault.Conflict when the user name belongs
// to somebody else; anything else means that the provider can't be asked.
func (s *Service) Finish(ctx context.Context, sealed string, answer url.Values, from Browser) (SignedIn, error) {
	who, err := s.provider.finish(ctx, sealed, answer)
	if err != nil {
		return SignedIn{}, err
	}
	c, err := readConfig(ctx, s.provider.settings)
	if err != nil {
		return SignedIn{}, err
	}
	// As Harbor does it for accounts that nobody is asked about.
	who.Person.Username = strings.Join(strings.Fields(who.Person.Username), "_")
	token, err := s.enter(ctx, who, c.autoOnboard, from)
	switch {
	case errors.Is(err, identity.ErrNotOnboarded):
		onboard, err := s.provider.keepWaiting(ctx, who)
		return SignedIn{Onboard: onboard, Username: who.Person.Username, Next: who.Next}, err
	case err != nil:
		return SignedIn{}, err
	}
	return SignedIn{Session: token, Next: who.Next}, nil
}

// Onboard makes an account with the chosen user name for who waits with this token. fault.Conflict or
// fault.Invalid: another name may do better. ErrFlow: nobody waits any more.
func (s *Service) Onboard(ctx context.Context, token, username string, from Browser) (SignedIn, error) {
	who, err := s.provider.waiting(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	who.Person.Username = strings.TrimSpace(username)
	if err := identity.CheckUsername(who.Person.Username); err != nil {
		return SignedIn{}, err
	}
	session, err := s.enter(ctx, who, true, from)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Session: session, Next: who.Next}, s.provider.waitNoMore(ctx, token)
}

// enter opens the session and notes what belongs to it.
func (s *Service) enter(ctx context.Context, who arrival, onboard bool, from Browser) (string, error) {
	p, token, err := s.identity.SignInExternal(ctx, identity.OIDCProvider, who.Person, onboard, from.Remote, from.UserAgent)
	if err != nil {
		return "", err
	}
	if err := s.provider.welcome(ctx, p.ID, token, who); err != nil {
		return "", errors.Join(err, s.identity.DeleteSession(ctx, token))
	}
	return token, nil
}

const (
	waitInsert = `INSERT INTO oidc_onboarding (token_hash, sealed, expires_at) VALUES ($1, $2, $3)`
	waitSelect = `SELECT sealed FROM oidc_onboarding WHERE token_hash = $1 AND expires_at > $2`
	waitDelete = `DELETE FROM oidc_onboarding WHERE token_hash = $1`
	waitSweep  = `DELETE FROM oidc_onboarding WHERE token_hash IN
		(SELECT token_hash FROM oidc_onboarding WHERE expires_at < $1 ORDER BY expires_at LIMIT `
)

// keepWaiting keeps who has no account yet, sealed, until they have chosen a name. It doesn't fit into a
// cookie.
func (p *Provider) keepWaiting(ctx context.Context, who arrival) (token string, err error) {
	sealed, err := p.seal(who)
	if err != nil {
		return "", err
	}
	token = secret.NewToken()
	hash, now := sha256.Sum256([]byte(token)), p.clock()
	err = p.db.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, waitSweep+strconv.Itoa(sweepSize)+")", db.Micros(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, waitInsert, hash[:], sealed, db.Micros(now.Add(OnboardLife)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep somebody without an account: %w", err)
	}
	return token, nil
}

func (p *Provider) waiting(ctx context.Context, token string) (who arrival, err error) {
	hash := sha256.Sum256([]byte(token))
	sealed, err := db.Get(ctx, p.db.Auto(), db.ScanBytes, waitSelect, hash[:], db.Micros(p.clock()))
	if errors.Is(err, db.ErrNotFound) {
		return who, ErrFlow
	}
	if err != nil {
		return who, fmt.Errorf("look up who waits for an account: %w", err)
	}
	return who, p.unseal(sealed, &who)
}

func (p *Provider) waitNoMore(ctx context.Context, token string) error {
	hash := sha256.Sum256([]byte(token))
	return p.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, waitDelete, hash[:])
		return err
	})
}

// Secret is the CLI secret of an account, with what Harbor's API tells beside it.
type Secret struct {
	AccountID            int64
	SubIss               string // sub and issuer together, as Harbor spells it
	Secret               secret.Text
	CreatedAt, UpdatedAt time.Time
}

// GetSecret returns the CLI secret of an account, for its owner only. fault.NotFound for an account that the
// provider didn't bring.
func (s *Service) GetSecret(ctx context.Context, accountID int64) (Secret, error) {
	a, err := s.provider.accountByID(ctx, accountID)
	if err != nil {
		return Secret{}, err
	}
	plain, err := s.provider.box.Open(a.secret)
	if err != nil {
		return Secret{}, fmt.Errorf("open a CLI secret: %w", err)
	}
	issuer, sub := splitSubject(a.subject)
	return Secret{AccountID: a.id, SubIss: sub + issuer, Secret: secret.Text(plain), CreatedAt: a.createdAt, UpdatedAt: a.updatedAt}, nil
}

// ErrNoSecret says that the account has no CLI secret, because the provider didn't bring it.
var ErrNoSecret = fault.NotFoundf("the account has no CLI secret: the OpenID provider didn't bring it")

// SetSecret gives an account another CLI secret, a random one for "". Docker tokens of the account end. by
// is who does it.
func (s *Service) SetSecret(ctx context.Context, by authz.Principal, accountID int64, next secret.Text) error {
	if next == "" {
		next = secret.NewPassword()
	}
	if err := identity.CheckPassword(next, "password or secret"); err != nil {
		return err
	}
	sealed, now := s.provider.box.Seal([]byte(next.Reveal())), db.Micros(s.provider.clock())
	return s.identity.ChangeCredentials(ctx, by, accountID, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, accountSecret, sealed, now, accountID)
		if err != nil {
			return fmt.Errorf("set the CLI secret of account %d: %w", accountID, err)
		}
		if n == 0 {
			return ErrNoSecret
		}
		return nil
	})
}
