package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"

	"github.com/havenregistry/haven/internal/db"
)

const (
	sessionHint        = `SELECT id_token FROM oidc_session WHERE token_hash = $1`
	sessionsBySubject  = `SELECT token_hash FROM oidc_session WHERE subject = $1 LIMIT 1000`
	sessionsBySID      = `SELECT token_hash FROM oidc_session WHERE sid = $1 LIMIT 1000`
	sessionsOfThatOnly = `SELECT token_hash FROM oidc_session WHERE sid = $1 AND subject = $2 LIMIT 1000`
)

// FarewellPending reports whether a session's log-out should go by the provider, too: it came from there, and
// the settings want it.
func (s *Service) FarewellPending(ctx context.Context, sessionToken string) (bool, error) {
	hint, err := s.provider.hint(ctx, sessionToken)
	if err != nil || hint == "" {
		return false, err
	}
	c, err := readConfig(ctx, s.provider.settings)
	if errors.Is(err, errNotConfigured) {
		return false, nil
	}
	return c.logout, err
}

// Farewell ends a session and returns where the provider ends its own, "" when it has no such address or the
// settings don't want it. back is the page of ours to return to, a whole URL.
// OpenID Connect RP-Initiated Logout 1.0.
func (s *Service) Farewell(ctx context.Context, sessionToken, back string) (string, error) {
	hint, err := s.provider.hint(ctx, sessionToken)
	if err != nil {
		return "", err
	}
	if err := s.identity.DeleteSession(ctx, sessionToken); err != nil {
		return "", err
	}
	if hint == "" {
		return "", nil
	}
	c, r, err := s.provider.connect(ctx)
	if err != nil || !c.logout || r.EndSessionURL == "" {
		return "", err
	}
	u, err := url.Parse(r.EndSessionURL)
	if err != nil {
		return "", fmt.Errorf("%w: end_session_endpoint", errMetadata)
	}
	q := u.Query()
	q.Set("id_token_hint", hint)
	q.Set("client_id", c.clientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// hint is the ID token that a session began with, "" for a session that the provider didn't bring.
func (p *Provider) hint(ctx context.Context, sessionToken string) (string, error) {
	hash := sha256.Sum256([]byte(sessionToken))
	sealed, err := db.Get(ctx, p.db.Auto(), db.ScanBytes, sessionHint, hash[:])
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up the provider's session: %w", err)
	}
	plain, err := p.box.Open(sealed)
	return string(plain), err
}

// maxLogoutToken bounds a log-out token, in bytes.
const maxLogoutToken = 16 << 10

// EndedByProvider ends the sessions that a log-out token of the provider names: one session of its own by sid,
// or all of a person by sub. ErrRefused for a token that isn't one, ErrFlow for one that came before.
// OpenID Connect Back-Channel Logout 1.0, section 2.6.
func (s *Service) EndedByProvider(ctx context.Context, raw string) error {
	p := s.provider
	if raw == "" || len(raw) > maxLogoutToken {
		return refusedBecause("no log-out token")
	}
	c, r, err := p.connect(ctx)
	if err != nil {
		return err
	}
	now := p.clock()
	token, err := r.verifier(c, now).VerifyLogout(ctx, raw)
	if err != nil {
		return refusedBecause("%w", err)
	}
	if token.IssuedAt.IsZero() || token.IssuedAt.After(now.Add(skew)) || token.IssuedAt.Before(now.Add(-FlowLife)) {
		return refusedBecause("the log-out token isn't fresh")
	}
	if err := p.once(ctx, "jti", token.Issuer+" "+token.TokenID, FlowLife+skew); err != nil {
		return err
	}
	query, args := sessionsBySubject, []any{subjectOf(r.Issuer, token.Subject)}
	if token.SessionID != "" {
		query, args = sessionsBySID, []any{subjectOf(r.Issuer, token.SessionID)}
		if token.Subject != "" {
			query, args = sessionsOfThatOnly, []any{subjectOf(r.Issuer, token.SessionID), subjectOf(r.Issuer, token.Subject)}
		}
	}
	hashes, err := db.Collect(ctx, p.db.Auto(), db.ScanBytes, query, args...)
	if err != nil {
		return fmt.Errorf("look up the sessions to end: %w", err)
	}
	return s.identity.EndSessions(ctx, hashes)
}
