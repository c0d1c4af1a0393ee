// Package oidc signs people in by an OpenID provider: the authorization code flow with PKCE, a CLI secret
// for docker, refresh of what the provider says about them, and log-out in both directions.
//
// Tables: oidc_account, oidc_session, oidc_onboarding, oidc_once.
//
// Invariants:
//   - Somebody is known by issuer and sub together: another provider's sub is another person.
//   - What the provider sends counts only after its signature, issuer, audience, nonce and times fit.
//     Algorithms are from a list of asymmetric ones, never the header's choice.
//   - An attempt to sign in is bound to the browser that began it by a sealed cookie, and ends once.
//   - Tokens of the provider and CLI secrets are sealed at rest, in tables that no listing reaches (S4, S17).
//   - A refresh token goes to the issuer that gave it, and one process at a time uses it: providers revoke
//     one that comes twice.
package oidc
