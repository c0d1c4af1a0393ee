package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/identity"
)

// describe makes a Person of an ID token, nil for none, and what the userinfo endpoint adds. When that can't be
// asked, a token that names the groups will do.
func (r *remote) describe(ctx context.Context, c config, sub string, token claims, access string) (identity.Person, error) {
	info, err := r.userInfo(ctx, sub, access)
	if err != nil {
		_, told := token[c.groupsClaim]
		if errors.Is(err, ErrRefused) || token == nil || c.groupsClaim != "" && !told {
			return identity.Person{}, err
		}
	}
	return c.person(r.Issuer, sub, token, info)
}

// userInfo is nil for a provider without the endpoint. OpenID Connect Core 1.0, section 5.3.
func (r *remote) userInfo(ctx context.Context, sub, access string) (claims, error) {
	if r.UserInfoURL == "" || access == "" {
		return nil, nil
	}
	body, mediaType, err := get(ctx, r.client, r.UserInfoURL, access)
	if err != nil {
		return nil, fmt.Errorf("ask for the person: %w", err)
	}
	if mediaType == "application/jwt" {
		if body, err = r.keys.VerifySignature(ctx, string(body)); err != nil {
			return nil, refusedBecause("userinfo: %w", err)
		}
	}
	var info claims
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, refusedBecause("userinfo: %w", err)
	}
	// Section 5.3.2: else it is about somebody else.
	if info.text("sub") != sub {
		return nil, refusedBecause("userinfo is about somebody else")
	}
	return info, nil
}
