package identity

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/maypok86/otter/v2"
)

// limitsMost bounds the tokens whose limits are kept in memory.
const limitsMost = 5000

// newLimitsCache keeps the limits of tokens by id. They never change, and an id never comes again.
func newLimitsCache() *otter.Cache[int64, []authz.Grant] {
	return otter.Must(&otter.Options[int64, []authz.Grant]{MaximumSize: limitsMost})
}

// AuthenticateToken tells whose personal access token this is, as Authenticate does for names and
// passwords. The token is looked up by its hash, each time: what was revoked is refused by every replica
// at once.
func (s *Service) AuthenticateToken(ctx context.Context, text secret.Text, remote netip.Addr) (authz.Principal, error) {
	if !isPersonalText(text) {
		return authz.Principal{}, ErrCredentials
	}
	return s.byPersonalToken(ctx, "", text, remote)
}

// byPersonalToken authenticates by a token; a name, unless it is "", must be its owner's.
func (s *Service) byPersonalToken(ctx context.Context, name string, text secret.Text, remote netip.Addr) (authz.Principal, error) {
	p, t, err := s.openPersonal(ctx, name, text)
	if errors.Is(err, ErrCredentials) {
		return authz.Principal{}, s.refusePersonal(ctx, name, text, remote)
	}
	if err != nil {
		return authz.Principal{}, err
	}
	s.uses.note(credential{tokenUsed, t.ID}, s.clock())
	return p, s.recordPersonal(ctx, p, t, remote)
}

const personalSelect = `SELECT id, account_id, name, expires_at FROM personal_token WHERE hash = $1`

func scanPersonalKey(r db.Row) (t PersonalToken, err error) {
	err = r.Scan(&t.ID, &t.AccountID, &t.Name, db.ScanTime(&t.ExpiresAt))
	return t, err
}

const ownerEmail = `SELECT email FROM account WHERE id = $1`

func (s *Service) openPersonal(ctx context.Context, name string, text secret.Text) (authz.Principal, PersonalToken, error) {
	hash := sha256.Sum256([]byte(text.Reveal()))
	t, err := db.Get(ctx, s.db.Auto(), scanPersonalKey, personalSelect, hash[:])
	if errors.Is(err, db.ErrNotFound) || err == nil && !t.usable(s.clock()) {
		return authz.Principal{}, t, ErrCredentials
	}
	if err != nil {
		return authz.Principal{}, t, fmt.Errorf("look up the token: %w", err)
	}
	p, err := s.personalPrincipal(ctx, t.ID, t.AccountID)
	if err != nil || name == "" || name == p.Name {
		return p, t, err
	}
	email, err := db.Get(ctx, s.db.Auto(), db.ScanString, ownerEmail, t.AccountID)
	if err == nil && email != name {
		err = ErrCredentials
	}
	return p, t, err
}

// personalPrincipal is what a token may do now: its limits, and its owner as of now. ErrCredentials when
// the owner isn't let in any more.
func (s *Service) personalPrincipal(ctx context.Context, tokenID, accountID int64) (authz.Principal, error) {
	owner, err := s.Principal(ctx, accountID)
	if errors.Is(err, fault.NotFound) {
		return authz.Principal{}, ErrCredentials
	}
	if err != nil {
		return authz.Principal{}, err
	}
	limits, err := s.limitsOf(ctx, tokenID)
	return authz.Principal{Kind: authz.Personal, ID: owner.ID, Name: owner.Name, Epoch: owner.Epoch, Owner: &owner, Limits: limits, TokenID: tokenID}, err
}

func (s *Service) limitsOf(ctx context.Context, tokenID int64) ([]authz.Grant, error) {
	if kept, ok := s.limits.GetIfPresent(tokenID); ok {
		return kept, nil
	}
	rows, err := db.Collect(ctx, s.db.Auto(), scanLimit, limitsOf+"$1)", tokenID)
	if err != nil {
		return nil, fmt.Errorf("look up what token %d is limited to: %w", tokenID, err)
	}
	all := make([]authz.Grant, len(rows))
	for i, v := range rows {
		all[i] = v.limit.Grant
	}
	if len(all) > 0 { // else it may have been revoked between the two reads
		s.limits.Set(tokenID, all)
	}
	return all, nil
}

// refusePersonal counts a guess against the name that came with it and the network. It holds up who
// guesses, and nobody who has a token: a guess has no chance, as there are 256 bits of it.
func (s *Service) refusePersonal(ctx context.Context, name string, text secret.Text, remote netip.Addr) error {
	who := subjectsOf(holder{}, "token\x00"+cmp.Or(name, remote.String()), remote)
	wait, _, err := s.delay(ctx, who)
	if err != nil {
		return err
	}
	if wait > 0 {
		return ErrTooManyAttempts{RetryAfter: wait.Round(time.Second) + time.Second}
	}
	key := s.memory.keyOf(name, text, tokenPrefix, 0)
	repeated := s.memory.isWrong(key)
	s.memory.learn(key, false)
	return s.refuse(ctx, holder{}, who, repeated, remote)
}

// recordPersonal writes the log-in event of a token, once an hour.
func (s *Service) recordPersonal(ctx context.Context, p authz.Principal, t PersonalToken, remote netip.Addr) error {
	key, now := fmt.Sprintf("token/%d", t.ID), s.clock()
	if until, ok := s.logins.GetIfPresent(key); ok && now.Before(until) {
		return nil
	}
	e := loginEvent(p, remote, now, true)
	e.Description += " with the token " + t.Name
	if err := s.db.Write(ctx, func(tx db.Tx) error { return event.Append(ctx, tx, e) }); err != nil {
		return err
	}
	s.logins.Set(key, now.Add(loginEvery))
	return nil
}
