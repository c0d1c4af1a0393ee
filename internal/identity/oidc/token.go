package oidc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// skew is how far the provider's clock may be from ours.
const skew = 30 * time.Second

// ErrRefused says that the provider's answer doesn't hold: forged, for somebody else, or too old.
var ErrRefused = errors.New("the provider's answer was refused")

// refusedBecause is ErrRefused with the reason, for the log.
func refusedBecause(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// idToken is a verified ID token.
type idToken struct {
	raw    string
	sub    string
	sid    string
	nonce  string
	claims claims
}

func (r *remote) verifier(c config, now time.Time) *oidc.IDTokenVerifier {
	var names []string
	for _, a := range algorithms() {
		names = append(names, string(a))
	}
	late := now.Add(-skew) // what expired just now is still good
	return oidc.NewVerifier(r.Issuer, r.keys, &oidc.Config{
		ClientID: c.clientID, SupportedSigningAlgs: names, Now: func() time.Time { return late },
	})
}

// verify holds an ID token to OpenID Connect Core 1.0, section 3.1.3.7, but for the nonce.
func (r *remote) verify(ctx context.Context, c config, raw, accessToken string, now time.Time) (idToken, error) {
	verified, err := r.verifier(c, now).Verify(ctx, raw)
	if err != nil {
		return idToken{}, refusedBecause("%w", err)
	}
	t := idToken{raw: raw, sub: verified.Subject, nonce: verified.Nonce}
	if err := verified.Claims(&t.claims); err != nil {
		return idToken{}, refusedBecause("read the claims: %w", err)
	}
	t.sid = t.claims.text("sid")
	azp, named := t.claims["azp"]
	switch {
	case t.sub == "" || len(t.sub) > maxSubject || len(t.sid) > maxSubject:
		return idToken{}, refusedBecause("no usable sub")
	case named && azp != c.clientID, !named && len(verified.Audience) > 1:
		return idToken{}, refusedBecause("it was issued to another client")
	case verified.IssuedAt.After(now.Add(skew)):
		return idToken{}, refusedBecause("it was issued in the future")
	case verified.AccessTokenHash != "" && verified.VerifyAccessToken(accessToken) != nil:
		return idToken{}, refusedBecause("it belongs to another access token")
	}
	return t, nil
}

// grant is the provider's tokens as they are sealed at rest.
type grant struct {
	Refresh   string    `json:"refresh,omitempty"`
	Access    string    `json:"access"`
	ExpiresAt time.Time `json:"expires_at"` // of the access token; zero when the provider doesn't tell
}

func grantOf(t *oauth2.Token) grant {
	return grant{Refresh: t.RefreshToken, Access: t.AccessToken, ExpiresAt: t.Expiry}
}

// exchange redeems the code of a sign-in.
func (r *remote) exchange(ctx context.Context, c config, f flow, code string, now time.Time) (idToken, *oauth2.Token, error) {
	client := r.oauth(c, f.Redirect)
	token, err := client.Exchange(r.within(ctx), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if refused(err) {
			return idToken{}, nil, refusedBecause("redeem the code: %w", err)
		}
		return idToken{}, nil, fmt.Errorf("redeem the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return idToken{}, nil, refusedBecause("there is no ID token in it")
	}
	t, err := r.verify(ctx, c, raw, token.AccessToken, now)
	if err != nil {
		return idToken{}, nil, err
	}
	if t.nonce != f.Nonce {
		return idToken{}, nil, refusedBecause("its nonce is of another attempt")
	}
	return t, token, nil
}

// refused reports whether the provider answered that the grant is no good; anything else is trouble between
// it and us.
func refused(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && e.ErrorCode == "invalid_grant"
}
