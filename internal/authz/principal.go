// Package authz decides who may do what: one function per kind of object, asked by every door.
//
// Principals are typed (S7): nothing is derived from a name. The roles of a user come from a small
// interface that package project implements; what a robot or a token may do comes with the principal.
package authz

import (
	"context"
	"time"
)

// Kind says what a principal is.
type Kind int

// The kinds of principal.
const (
	Anonymous   Kind = iota
	User             // a person, by password or session
	Robot            // a robot account
	Bearer           // a docker token: the rights that were granted when it was issued, and no more
	Personal         // a personal access token: what its owner may, as far as its Limits let it
	ScannerPass      // a scanner, as long as it scans: only the Holder of a Bearer
)

// Principal is who asks. The zero value is the anonymous principal.
type Principal struct {
	Kind  Kind
	ID    int64  // account or robot id; of the holder for Bearer, of the owner for Personal; 0 for anonymous
	Name  string // as audit rows show it; robots with their prefix
	Admin bool   // system administrator; only for User
	Epoch int64  // of the account or robot when it was read: what is issued on it dies with a later change (S8)

	// Robot only: what it may do, and the project it belongs to (0: system level).
	Grants    []Grant
	ProjectID int64

	// Robot only: the trust policy that let a program in, which has no robot account (ID is the policy's,
	// too).
	PolicyID int64
	// Until when a program that a policy let in, and a scanner, may do what they may.
	Until time.Time

	// Bearer only: what the token grants, by full repository name, and whether it was made out to a
	// User, a Robot, a Personal token or a ScannerPass (Anonymous: to nobody).
	Token  []TokenGrant
	Holder Kind

	// Personal only: the owner, a User with all rights of now, and what the token limits them to.
	Owner  *Principal
	Limits []Grant
	// TokenID is the personal token, of Personal and of a Bearer that was made out to one.
	TokenID int64

	// SessionID names the browser session, "" without one. CSRF protection binds to it.
	SessionID string
}

// Grant is one entry of a robot's permissions, or of a personal token's limits.
type Grant struct {
	Scope     GrantScope
	ProjectID int64 // for OneProject
	Permission
	Deny bool
}

// GrantScope says where a grant holds.
type GrantScope int

// The scopes of a grant.
const (
	System GrantScope = iota
	OneProject
	EveryProject
)

// TokenGrant is what a docker token allows in one repository. The project is bound by id (S8).
type TokenGrant struct {
	ProjectID  int64
	Repository string // full name, project included
	Actions    []Action
}

// Authenticated reports whether somebody is known to ask.
func (p Principal) Authenticated() bool {
	return p.Kind != Anonymous && !(p.Kind == Bearer && p.ID == 0)
}

type contextKey struct{}

// WithPrincipal returns a context that carries p; the authentication middleware calls it once per request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// PrincipalFrom returns the request's principal, anonymous when there is none.
func PrincipalFrom(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
