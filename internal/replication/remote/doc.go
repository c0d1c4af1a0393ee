// Package remote speaks with registries elsewhere: each kind that Harbor knows by its name, all of them by OCI distribution
// and what is particular about each in a file of its own.
//
// A Registry is what images are copied from and to. It is believed nothing: what it says to be a manifest or a blob counts by
// its digest alone. All goes through internal/outbound (S6), and everything is bounded (S15).
package remote
