// Package endpoint is the registries elsewhere that a system administrator named: where they are, how they are asked, and whether
// they are well.
//
// Table remote_registry. Saving one asks it, with its credential: what doesn't answer rightly isn't saved, and the refusal says
// why. A secret is sealed, and belongs to the address that it was entered with: with another it is forgotten (S5). Where a registry has
// its credentials sent to another origin, as GitLab has, that origin is written down when the endpoint is saved; a registry that
// names another later doesn't get its way.
//
// Every five minutes each is asked whether it is well, by whichever process moves its check_at first.
//
// Id 0 is this registry itself.
package endpoint
