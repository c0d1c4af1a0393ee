// Package outbound is how Haven connects to others: registries, scanners, identity providers, directories,
// receivers of webhooks. Whoever may enter such an address could make Haven ask for him what only this machine
// can reach. So the address is checked after the name was resolved, at the moment it is dialled, and no answer of
// a name server gets around that (S6):
//
//   - never: link-local addresses, where clouds hand out credentials, the other addresses at which they do,
//     multicast, broadcast and unspecified ones;
//   - private and loopback addresses: where a system administrator entered the address (Administered);
//   - what a project may enter, and other origins that a redirect or an answer leads to: public addresses, and
//     networks that the operator lists (Internet).
//
// A Client adds to this what every request needs: only http and https, no credentials in addresses, redirects only
// where the purpose follows them and then without credentials to another origin, bounds on time, silence, headers
// and bodies, no compression and so no bombs, HTTP/1.1.
//
// Proxies: a proxy resolves names by itself, and undoes the check of addresses for what it is asked. So one that
// the environment names (HTTPS_PROXY and the like, the operator's word) is used for Administered purposes alone,
// and only after a look at what the name means here.
package outbound
