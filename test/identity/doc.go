//go:build acceptance

// Package identity tests how people get in whom a directory or an identity provider knows, with real ones.
package identity
