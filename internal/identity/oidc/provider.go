package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/oauth2"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// Deps is what a Provider needs.
type Deps struct {
	DB       *db.DB
	Settings *setting.Service
	Box      *secret.Box
	Calls    *outbound.Calls // counts requests; nil: nobody does
	Clock    func() time.Time
	Log      *slog.Logger
}

// Provider asks the OpenID provider of the settings. It implements identity.Provider: the password of its
// people is their CLI secret. It is safe for concurrent use.
type Provider struct {
	db       *db.DB
	settings *setting.Service
	box      *secret.Box
	clock    func() time.Time
	log      *slog.Logger

	clients   clients
	discovery discovery
}

// NewProvider returns a Provider. It asks nobody yet.
func NewProvider(d Deps) *Provider {
	return &Provider{db: d.DB, settings: d.Settings, box: d.Box, clock: d.Clock, log: d.Log, clients: newClients(d.Calls)}
}

// connect returns the settings and the provider that they name.
func (p *Provider) connect(ctx context.Context) (config, *remote, error) {
	c, err := readConfig(ctx, p.settings)
	if err != nil {
		return c, nil, err
	}
	r, err := p.discovery.get(ctx, c, p.clients, p.clock)
	return c, r, err
}

// Ping reports whether there is an OpenID provider at the address, without a word of what else is there.
func (p *Provider) Ping(ctx context.Context, endpoint string, verifyCert bool) error {
	if _, err := discover(ctx, p.clients.of(verifyCert), endpoint, p.clock); err != nil {
		p.log.InfoContext(ctx, "test of an OpenID provider", "endpoint", endpoint, "error", err)
		return fault.Invalidf("failed to verify connection: %s", explain(err))
	}
	return nil
}

const (
	// freshFor is how long an answer stands for the next question: several requests come at once.
	freshFor = 5 * time.Second
	// secretFor is how long a CLI secret is good without asking whether its owner is still there.
	secretFor = time.Minute
	// leaseFor is how long one process may take to ask.
	leaseFor = 3 * askTime
	// leasePoll is how often the others look whether it has.
	leasePoll = 100 * time.Millisecond
)

var (
	errGone    = fault.NotFoundf("the provider doesn't know this person any more")
	errUntold  = fmt.Errorf("%w: it gave no refresh token, and its access token has expired", identity.ErrUntold)
	errChanged = errors.New("the account changed meanwhile")
)

// Authenticate implements identity.Provider for people who have signed in by browser before: name is that of
// their account, password their CLI secret. It is good while the provider knows its owner.
func (p *Provider) Authenticate(ctx context.Context, name string, password secret.Text) (identity.Person, error) {
	a, err := p.accountByName(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return identity.Person{}, identity.ErrCredentials
	}
	if err != nil {
		return identity.Person{}, err
	}
	right, err := p.box.Open(a.secret)
	if err != nil {
		return identity.Person{}, fmt.Errorf("open a CLI secret: %w", err)
	}
	if subtle.ConstantTimeCompare(right, []byte(password.Reveal())) != 1 || a.gone() {
		return identity.Person{}, identity.ErrCredentials
	}
	if p.clock().Sub(a.checkedAt) < secretFor {
		return a.person, nil
	}
	person, err := p.Refresh(ctx, a.subject)
	if errors.Is(err, fault.NotFound) || errors.Is(err, errUntold) {
		err = identity.ErrCredentials
	}
	return person, err
}

// Refresh implements identity.Provider by the refresh token of the last sign-in. A token works once with many
// providers, so one process uses it and the others take its answer.
func (p *Provider) Refresh(ctx context.Context, subject string) (identity.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseFor)
	defer cancel()
	for {
		a, err := p.accountBySubject(ctx, subject)
		switch {
		case err != nil:
			return identity.Person{}, err
		case a.gone():
			return identity.Person{}, errGone
		case p.clock().Sub(a.checkedAt) < freshFor:
			return a.person, nil
		}
		leased, err := p.lease(ctx, a)
		if err != nil {
			return identity.Person{}, err
		}
		if leased {
			return p.askAgain(ctx, a)
		}
		timer := time.NewTimer(leasePoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return identity.Person{}, fmt.Errorf("wait for another process to ask: %w", ctx.Err())
		case <-timer.C:
		}
	}
}

// askAgain asks about a leased account and writes the answer down. What the provider has changed counts even
// if the caller doesn't wait any longer.
func (p *Provider) askAgain(ctx context.Context, a account) (identity.Person, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseFor)
	defer cancel()
	person, tokens, err := p.renew(ctx, a)
	switch {
	case err == nil:
		err = p.renewed(ctx, a, person, tokens)
		if errors.Is(err, errChanged) { // by a sign-in, which is as fresh
			err = nil
		}
		return person, err
	case errors.Is(err, fault.NotFound):
		if err := p.left(ctx, a); err != nil && !errors.Is(err, errChanged) {
			return identity.Person{}, err
		}
		return identity.Person{}, errGone
	default:
		if tokens.Access != a.grant.Access { // used up, and the rest went wrong
			a.grant = tokens
		}
		if errors.Is(err, ErrProfile) || errors.Is(err, ErrRefused) {
			err = fmt.Errorf("%w: %w", identity.ErrUntold, err)
		}
		return identity.Person{}, errors.Join(err, p.unlease(ctx, a))
	}
}

// renew asks the provider about an account. The grant is what to go on with, also beside an error.
func (p *Provider) renew(ctx context.Context, a account) (identity.Person, grant, error) {
	c, r, err := p.connect(ctx)
	if err != nil {
		return identity.Person{}, a.grant, err
	}
	issuer, sub := splitSubject(a.subject)
	if issuer != r.Issuer {
		return identity.Person{}, a.grant, errGone // and its tokens aren't for the new one (S5)
	}
	if a.grant.Refresh == "" {
		return p.lookAgain(ctx, c, r, a, sub)
	}
	client := r.oauth(c, "")
	tokens, err := client.TokenSource(r.within(ctx), &oauth2.Token{RefreshToken: a.grant.Refresh}).Token()
	if refused(err) {
		return identity.Person{}, a.grant, errGone
	}
	if err != nil {
		return identity.Person{}, a.grant, fmt.Errorf("refresh the tokens: %w", err)
	}
	next := grantOf(tokens)
	var told claims
	if raw, ok := tokens.Extra("id_token").(string); ok {
		token, err := r.verify(ctx, c, raw, tokens.AccessToken, p.clock())
		if err != nil {
			return identity.Person{}, next, err
		}
		if token.sub != sub {
			return identity.Person{}, next, refusedBecause("the refreshed token is about somebody else")
		}
		told = token.claims
	}
	person, err := r.describe(ctx, c, sub, told, tokens.AccessToken)
	return person, next, err
}

// lookAgain does without a refresh token while the access token lasts.
func (p *Provider) lookAgain(ctx context.Context, c config, r *remote, a account, sub string) (identity.Person, grant, error) {
	if r.UserInfoURL == "" || !a.grant.ExpiresAt.IsZero() && !p.clock().Before(a.grant.ExpiresAt) {
		return identity.Person{}, a.grant, errUntold
	}
	person, err := r.describe(ctx, c, sub, nil, a.grant.Access)
	if errors.Is(err, errUnauthorized) {
		err = errGone
	}
	return person, a.grant, err
}
